using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Which entries of a scanned directory take part, by the filter rules; and which types the options transfer. What is of another
/// type stays in the list, so that its name is not taken for extraneous and deleted.
/// </summary>
internal static class EntrySelection
{
    /// <summary>Leaves what the rules do not hide.</summary>
    /// <param name="rules">The rules in this directory.</param>
    /// <param name="listing">The scanned directory; shrinks.</param>
    /// <param name="path">Its path from the transfer root.</param>
    public static void ForSending(DirectoryRules rules, DirectoryListing listing, byte[] path)
    {
        if (rules.HasRules(FilterSide.Sender))
        {
            var full = new PathBuffer(path);
            listing.Keep(rules, (from, i, r) => r.Check(full.With(from.Name(i)), from.Metadata(i).IsDirectory, FilterSide.Sender) == FilterDecision.Included);
        }
    }

    /// <summary>What of a directory here the rules do not protect: when that is what the sender has, there is nothing to do.</summary>
    public static DirectoryListing ForReceiving(DirectoryRules rules, DirectoryListing listing, byte[] path)
    {
        if (!rules.HasRules(FilterSide.Receiver))
        {
            return listing;
        }

        var full = new PathBuffer(path);
        return listing.Select(rules, (from, i, r) => !IsProtected(r, full.With(from.Name(i)), from.Metadata(i).IsDirectory));
    }

    /// <summary>What is kept for resuming, here or by a run that had this tree as its destination, takes no part.</summary>
    public static void HideResumePlace(SyncContext context, DirectoryListing listing)
    {
        if (context.Resumes && listing.Find(ResumePlace.DirectoryName) is >= 0 and var place)
        {
            listing.Keep(place, static (_, i, hidden) => i != hidden);
        }
    }

    /// <summary>True when the rules protect this path from deletion.</summary>
    public static bool IsProtected(DirectoryRules rules, ReadOnlySpan<byte> path, bool isDirectory, bool insideDeletion = false) =>
        rules.Check(path, isDirectory, FilterSide.Receiver, insideDeletion) == FilterDecision.Protected;

    /// <summary>True when the options transfer entries of this type.</summary>
    public static bool IsTypeWanted(SyncContext context, in EntryMetadata metadata) => metadata.Type switch
    {
        EntryType.SymbolicLink => context.Has(JobFlags.Links),
        EntryType.BlockDevice or EntryType.CharacterDevice => context.Has(JobFlags.Devices) && !context.Options.DropDevices,
        EntryType.Fifo or EntryType.Socket => context.Has(JobFlags.Specials) && !context.Options.DropDevices,
        _ => true,
    };

    /// <summary>True for a file whose size is within --min-size and --max-size, and for all that is no file.</summary>
    public static bool IsSizeWanted(SyncContext context, in EntryMetadata metadata) =>
        !metadata.IsRegular || (metadata.Size <= (context.Options.MaxSize ?? long.MaxValue) && metadata.Size >= (context.Options.MinSize ?? 0));

    /// <summary>A directory's path with one name after the other behind it.</summary>
    private sealed class PathBuffer
    {
        private readonly byte[] _buffer;
        private readonly int _prefix;

        public PathBuffer(byte[] directory)
        {
            _buffer = new byte[directory.Length + 1 + ProtocolLimits.MaxNameLength];
            directory.CopyTo(_buffer, 0);
            _prefix = directory.Length;
            if (_prefix > 0)
            {
                _buffer[_prefix++] = (byte)'/';
            }
        }

        public ReadOnlySpan<byte> With(ReadOnlySpan<byte> name)
        {
            name.CopyTo(_buffer.AsSpan(_prefix));
            return _buffer.AsSpan(0, _prefix + name.Length);
        }
    }
}
