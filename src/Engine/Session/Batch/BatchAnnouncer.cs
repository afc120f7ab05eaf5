using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>
/// Stands in for the scanner of a sender: announces the directories of a batch, in the order in which they were announced when it
/// was made, with all that belongs to no answer of the receiver.
/// </summary>
internal sealed class BatchAnnouncer(SyncContext context, BatchFile batch, SenderTable table)
{
    private readonly Dictionary<int, SenderDirectory> _open = [];

    public void Run()
    {
        using var cursor = batch.NewCursor();
        using var lookup = batch.NewCursor();
        foreach (var identity in batch.Index.Identities)
        {
            // Before anything that may be theirs: entries go another way than announcements.
            Send(identity);
        }

        for (cursor.Load(batch.FirstFrame); cursor.Type == FrameType.Records; cursor.Load(cursor.Next))
        {
            var records = cursor.Content.Span;
            var reader = new RecordReader(records);
            for (var at = 0; reader.TryNext(out var type); at = reader.Wire.Position)
            {
                switch (type)
                {
                    case RecordType.Probe:
                        Announce(Records.ReadProbe(ref reader.Wire), lookup);
                        break;
                    case RecordType.Close:
                        var id = Records.ReadClose(ref reader.Wire).Directory;
                        if (_open.Remove(id))
                        {
                            Send(records[at..reader.Wire.Position]);
                        }

                        break;
                    case RecordType.Root or RecordType.Problem or RecordType.EndOfTree:
                        reader.Skip(type);
                        Send(records[at..reader.Wire.Position]);
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            }
        }
    }

    private void Announce(in ProbeRecord probe, BatchCursor lookup)
    {
        var parent = probe.Directory == 0 ? null : _open.GetValueOrDefault(probe.Parent)
            ?? throw new ProtocolException(ProtocolError.BadOrder, $"directory {probe.Directory} of the batch lies in one that is not open");
        var path = parent is null ? [] : PathBytes.Join(parent.Path, probe.Name);
        var directory = new SenderDirectory(probe.Directory, parent, path, []);
        _open[probe.Directory] = directory;
        ReadEntries(directory, lookup);
        table.WaitForRoom();
        table.Add(directory);
        using (var scope = context.Outbox.Enter(Records.ProbeBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteProbe(ref writer, probe.Directory, probe.Parent, probe.Name, DirectoryDigest.Never());
            scope.Commit(writer.Position);
        }

        table.Announced(directory);
    }

    private void ReadEntries(SenderDirectory directory, BatchCursor lookup)
    {
        var listing = directory.Listing = new DirectoryListing();
        foreach (var place in batch.Index.EntriesOf(directory.Id))
        {
            lookup.Load(place.Frame);
            var reader = new RecordReader(lookup.Content.Span[place.Offset..]);
            reader.TryNext(out _);
            var header = Records.ReadEntries(ref reader.Wire);
            var decoder = new EntryDecoder();
            for (var i = 0; i < header.Count; i++)
            {
                var entry = decoder.Read(ref reader.Wire);
                listing.Append(entry.Name, entry.Metadata, default, [], []);
                if (entry.HardLinkGroup != 0)
                {
                    Note(directory, entry.HardLinkGroup);
                }

                if (entry.Mark != EntryMark.None)
                {
                    var marks = directory.Marks ?? [];
                    Array.Resize(ref marks, listing.Count);
                    marks[^1] = entry.Mark;
                    directory.Marks = marks;
                }
            }
        }

        if (directory.LinkGroups is { } groups)
        {
            Array.Resize(ref groups, listing.Count);
            directory.LinkGroups = groups;
        }

        if (directory.Marks is { } given)
        {
            Array.Resize(ref given, listing.Count);
            directory.Marks = given;
        }
    }

    private static void Note(SenderDirectory directory, ulong group)
    {
        var groups = directory.LinkGroups ?? [];
        var count = directory.Listing.Count;
        if (groups.Length < count)
        {
            Array.Resize(ref groups, Math.Max(count, groups.Length * 2));
            directory.LinkGroups = groups;
        }

        groups[count - 1] = group;
    }

    private void Send(ReadOnlySpan<byte> record)
    {
        using var scope = context.Outbox.Enter(record.Length);
        record.CopyTo(scope.Room);
        scope.Commit(record.Length);
    }
}
