using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Which entries of a scanned directory take part, by the filter rules; and which types the options transfer. What is of another
/// type stays in the list, so that its name is not taken for extraneous and deleted.
/// </summary>
internal static class EntrySelection
{
    /// <summary>Leaves what is sent.</summary>
    /// <param name="context">Options and rules.</param>
    /// <param name="listing">The scanned directory; shrinks.</param>
    /// <param name="path">Its path from the transfer root.</param>
    /// <param name="origins">Origin of each entry, shrunk alike; null when there is only one.</param>
    public static void ForSending(SyncContext context, DirectoryListing listing, byte[] path, int[]? origins)
    {
        if (context.Filters.IsEmpty)
        {
            return;
        }

        var kept = 0;
        var full = new PathBuffer(path);
        listing.Keep(context, (from, i, _) =>
        {
            ref var metadata = ref from.Metadata(i);
            if (IsExcluded(context, full.With(from.Name(i)), metadata.IsDirectory, FilterSide.Sender))
            {
                return false;
            }

            if (origins is not null)
            {
                origins[kept] = origins[i];
            }

            kept++;
            return true;
        });
    }

    /// <summary>Leaves what may be compared and deleted: the rest is as if it were not there.</summary>
    public static void ForReceiving(SyncContext context, DirectoryListing listing, byte[] path)
    {
        if (context.Filters.IsEmpty)
        {
            return;
        }

        var full = new PathBuffer(path);
        listing.Keep(context, (from, i, _) =>
            !IsExcluded(context, full.With(from.Name(i)), from.Metadata(i).IsDirectory, FilterSide.Receiver));
    }

    /// <summary>True when the rules hide or protect this path on that side.</summary>
    public static bool IsExcluded(SyncContext context, ReadOnlySpan<byte> path, bool isDirectory, FilterSide side) =>
        !context.Filters.IsEmpty && context.Filters.Check(path, isDirectory, side) != FilterDecision.Included;

    /// <summary>True when the options transfer entries of this type.</summary>
    public static bool IsTypeWanted(SyncContext context, in EntryMetadata metadata) => metadata.Type switch
    {
        EntryType.Directory => context.Has(JobFlags.Recursive),
        EntryType.SymbolicLink => context.Has(JobFlags.Links),
        EntryType.BlockDevice or EntryType.CharacterDevice => context.Has(JobFlags.Devices),
        EntryType.Fifo or EntryType.Socket => context.Has(JobFlags.Specials),
        _ => true,
    };

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
