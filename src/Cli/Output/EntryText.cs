using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Names of entries as lines show them (rsync's <c>%n%L</c>): escaped, with a slash behind directories and the target behind links.</summary>
internal static class EntryText
{
    /// <summary>The name; the root of the transfer is <c>./</c>.</summary>
    public static string Name(in EntryEvent entry)
    {
        string name = entry.Path.Length == 0 ? "." : ByteText.Escape(entry.Path);
        return entry.Metadata.Type == EntryType.Directory && !name.EndsWith('/') ? name + "/" : name;
    }

    /// <summary>The name, and where a link leads.</summary>
    public static string NameAndTarget(in EntryEvent entry) => Name(entry) + (entry.LinkTarget switch
    {
        null => "",
        var target when entry.Kind == OutcomeKind.Linked => " => " + ByteText.Escape(target),
        var target => " -> " + ByteText.Escape(target),
    });

    /// <summary>
    /// The line for an entry, or null when these options have none: <c>-i</c> names all that changes in whatever way, <c>-v</c> what is
    /// transferred, made, linked or deleted, and directories.
    /// </summary>
    public static string? Line(in EntryEvent entry, Options.OutputArguments output, JobFlags flags, bool push)
    {
        if (entry.Kind == OutcomeKind.Failed)
        {
            return null;
        }

        bool changed = entry.Kind is not (OutcomeKind.Unchanged or OutcomeKind.Skipped);
        if (output.Itemize > 0)
        {
            bool told = changed || (entry.Kind == OutcomeKind.Unchanged && (output.Itemize > 1 || output.Verbosity > 1));
            return told ? $"{Itemizer.Of(entry, flags, push)} {NameAndTarget(entry)}" : null;
        }

        bool named = output.Verbosity > 0 || output.Progress;
        return entry.Kind switch
        {
            _ when !named => null,
            OutcomeKind.Deleted => "deleting " + Name(entry),
            OutcomeKind.Unchanged => output.Verbosity > 1 && entry.Metadata.Type != EntryType.Directory ? Name(entry) + " is uptodate" : null,
            OutcomeKind.Skipped => null,
            OutcomeKind.MetadataOnly => entry.Metadata.Type == EntryType.Directory ? NameAndTarget(entry) : null,
            _ => NameAndTarget(entry),
        };
    }
}
