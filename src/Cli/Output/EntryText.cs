using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>The line that rsync has for an entry, if it has one.</summary>
internal sealed class EntryText(OutputArguments output, JobFlags flags, EntryValues values)
{
    /// <summary>The name; the root of the transfer is <c>./</c>, and a slash stands behind directories.</summary>
    public static string Name(in EntryEvent entry, NameStyle style) => NameText.Of(NameBytes(entry), style);

    /// <summary>The same, as bytes.</summary>
    public static byte[] NameBytes(in EntryEvent entry)
    {
        byte[] name = entry.Path.Length == 0 ? "."u8.ToArray() : entry.Path;
        return entry.Metadata.Type == EntryType.Directory && name is not [.., (byte)'/'] ? [.. name, (byte)'/'] : name;
    }

    /// <summary>Where a link leads: <c> -> TARGET</c>, or <c> => NAME</c> for a hard link.</summary>
    public static string Target(in EntryEvent entry, NameStyle style) => entry.LinkTarget switch
    {
        null => "",
        var target when entry.Kind == OutcomeKind.Linked || entry.Metadata.Type != EntryType.SymbolicLink => " => " + NameText.Of(target, style),
        var target => " -> " + NameText.Of(target, style),
    };

    /// <summary>
    /// The line in a format, or null when there is none. A format with <c>%i</c> names all that changes in whatever way; another one
    /// what is transferred, made, linked or deleted, and directories.
    /// </summary>
    /// <param name="entry">What was done.</param>
    /// <param name="format">The format; null when nothing is named.</param>
    /// <param name="itemizes">What does not need a transfer is told, too; for a log that is up to the format of standard output.</param>
    public string? Line(in EntryEvent entry, OutFormat? format, bool itemizes)
    {
        OutputArguments o = output;
        bool isDirectory = entry.Metadata.Type == EntryType.Directory;
        switch (entry.Kind)
        {
            case OutcomeKind.Failed:
                return null;
            case OutcomeKind.Skipped or OutcomeKind.NotRegular:
                return Skipped(entry);
            case OutcomeKind.Deleted:
                return format is { HasOperation: true } ? format.Render(entry, values)
                    : format is not null || o.Info[InfoItem.Del] > 0 ? "deleting " + Name(entry, o.Names) : null;
            case OutcomeKind.Unchanged when itemizes && format is not null:
                return o.Itemize > 1 || o.Info[InfoItem.Name] > 1 ? format.Render(entry, values) : null;
            case OutcomeKind.Unchanged:
                return (!isDirectory || entry.Changes != 0) && o.Info[InfoItem.Name] > 1 ? Name(entry, o.Names) + " is uptodate" : null;
            case OutcomeKind.MetadataOnly when !isDirectory && !itemizes:
                return o.Info[InfoItem.Name] > 1 ? Name(entry, o.Names) : null;
            default:
                return format?.Render(entry, values);
        }
    }

    private string? Skipped(in EntryEvent entry)
    {
        EntryType type = entry.Metadata.Type;
        string name = Name(entry, output.Names).TrimEnd('/');
        if (type == EntryType.SymbolicLink && (flags & JobFlags.SafeLinks) != 0 && (entry.Changes & Changes.New) == 0
            && LinkSafety.IsUnsafe(entry.LinkTarget, LinkSafety.Depth(entry.Path.AsSpan(0, Math.Max(0, entry.Path.AsSpan().LastIndexOf((byte)'/'))))))
        {
            return output.Info[InfoItem.Name] > 0 ? $"ignoring unsafe symlink \"{name}\" -> \"{NameText.Of(entry.LinkTarget ?? [], output.Names)}\"" : null;
        }

        bool taken = entry.Kind != OutcomeKind.NotRegular;
        bool isNew = (entry.Changes & Changes.New) != 0, isDirectory = type == EntryType.Directory;
        string? reason = (flags & (isNew ? JobFlags.Existing : JobFlags.IgnoreExisting)) != 0 ? (isNew ? $"not creating new {(isDirectory ? "directory" : "file")} \"{name}\"" : name + " exists")
            : taken && !isNew && (flags & JobFlags.Update) != 0 ? name + " is newer" : null;
        return reason is not null ? (output.Info[InfoItem.Skip] > 0 ? reason : null)
            : !taken && output.Info[InfoItem.NonRegular] > 0 ? $"skipping non-regular file \"{name}\"" : null;
    }
}
