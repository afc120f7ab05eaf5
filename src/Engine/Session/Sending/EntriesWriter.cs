using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Sends a directory's entries in parts of about 64 KiB. docs/protocol.md, "Entries".</summary>
internal sealed class EntriesWriter(SyncContext context)
{
    private const int PartSize = 64 * 1024;

    private readonly IdentityAnnouncer _identities = new(context);
    private byte[] _part = new byte[PartSize * 2];

    public void Send(SenderDirectory directory)
    {
        var listing = directory.Listing;
        _identities.Announce(listing);
        var first = 0;
        do
        {
            var (count, length) = Encode(directory, first);
            var flags = (first + count == listing.Count ? EntriesFlags.Last : 0)
                | (listing.Incomplete ? EntriesFlags.Incomplete : 0)
                | (directory.IsSelected ? EntriesFlags.Selected : 0);
            using var scope = context.Outbox.Enter(Records.EntriesBound + length);
            var writer = new WireWriter(scope.Room);
            Records.WriteEntries(ref writer, directory.Id, first, flags, count);
            writer.WriteBytes(_part.AsSpan(0, length));
            scope.Commit(writer.Position);
            first += count;
        }
        while (first < listing.Count);
    }

    /// <summary>Encodes as many entries as fit, at least one.</summary>
    private (int Count, int Length) Encode(SenderDirectory directory, int first)
    {
        var listing = directory.Listing;
        var encoder = new EntryEncoder();
        var length = 0;
        var count = 0;
        for (var i = first; i < listing.Count && length < PartSize; i++)
        {
            var entry = new Entry
            {
                Metadata = listing.Metadata(i),
                Name = listing.Name(i),
                LinkTarget = listing.LinkTarget(i),
                Xattrs = listing.Xattrs(i),
                HardLinkGroup = directory.LinkGroups?[i] ?? 0,
                Mark = directory.Marks?[i] ?? EntryMark.None,
            };
            var bound = encoder.SizeBound(entry);
            if (_part.Length - length < bound)
            {
                if (count > 0)
                {
                    break;
                }

                _part = new byte[bound];
            }

            var writer = new WireWriter(_part.AsSpan(length));
            encoder.Write(ref writer, entry);
            length += writer.Position;
            count++;
        }

        return (count, length);
    }
}
