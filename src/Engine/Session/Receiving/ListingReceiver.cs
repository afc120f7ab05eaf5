using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The receiving end of <c>--list-only</c>: takes all entries, writes nothing, and tells the observer of each in rsync's order:
/// of a directory first what is no directory, then each directory followed by what is in it.
/// </summary>
/// <remarks>Used by the receive loop alone. An entry waits until all that stands before it is known.</remarks>
internal sealed class ListingReceiver(SyncContext context) : IRecordHandler, IDisposable
{
    private readonly RecordLoop _loop = new(RecordSide.Sender);
    private readonly Dictionary<int, ListedDirectory> _directories = [];
    private readonly Stack<(ListedDirectory Directory, int Next)> _cursor = new();
    private readonly TaskCompletionSource<Statistics> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasRoot;
    private int _lastId = -1;
    private Statistics? _totals;

    /// <summary>The sender's totals, once everything has been told.</summary>
    public Task<Statistics> Finished => _finished.Task;

    public void Receive(InboundPack pack)
    {
        _loop.Read(pack, this);
        Advance();
        if (_totals is { } totals && _directories.Count == 0)
        {
            _finished.TrySetResult(totals);
        }
    }

    public void Dispose() => _loop.Dispose();

    bool IRecordHandler.TryHandle(RecordType type, ref WireReader fields, InboundPack pack)
    {
        switch (type)
        {
            case RecordType.Root:
                HandleRoot(Records.ReadRoot(ref fields));
                return true;
            case RecordType.Probe:
                HandleProbe(Records.ReadProbe(ref fields));
                return true;
            case RecordType.Entries:
                HandleEntries(Records.ReadEntries(ref fields), ref fields);
                return true;
            case RecordType.Close:
                Get(Records.ReadClose(ref fields).Directory).Closed = true;
                return true;
            case RecordType.Problem:
                context.Problems.Add(Records.ReadProblem(ref fields), onSource: true);
                return true;
            case RecordType.EndOfTree:
                if (_totals is not null || _directories.Values.Any(d => !d.Closed))
                {
                    throw new ProtocolException(ProtocolError.BadOrder, "the tree ends twice, or with directories that are not closed");
                }

                // Entries may still come: they travel behind the answer to their Probe.
                _totals = Records.ReadEndOfTree(ref fields);
                return true;
            case RecordType.Identity or RecordType.Note:
                return false;
            default:
                throw new ProtocolException(ProtocolError.UnexpectedRecord, $"a {type} record came although only a listing was asked for");
        }
    }

    private void HandleRoot(RootRecord root)
    {
        if (_hasRoot)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a second Root record");
        }

        _hasRoot = true;
        if ((root.Flags & RootFlags.Attributes) != 0)
        {
            Tell("."u8.ToArray(), root.Attributes.Metadata, default);
        }
    }

    private void HandleProbe(in ProbeRecord probe)
    {
        var parent = probe.Directory == 0 ? null : Get(probe.Parent);
        var path = parent is null ? [] : PathBytes.Join(parent.Path, probe.Name);
        var directory = new ListedDirectory(probe.Directory, path);
        if (!_hasRoot || probe.Directory <= _lastId || parent is { Closed: true }
            || (parent?.Children.ContainsKey(Encoding.Latin1.GetString(probe.Name)) ?? false))
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"directory {probe.Directory} comes before the root, twice, out of order, or below one that was closed");
        }

        _lastId = probe.Directory;
        _directories.Add(directory.Id, directory);
        if (parent is not null)
        {
            parent.Children.Add(Encoding.Latin1.GetString(probe.Name), directory);
            return;
        }

        _cursor.Push((directory, 0));
        context.Outbox.Answer(directory.Id, Verdict.Void);
    }

    private void HandleEntries(in EntriesRecord header, ref WireReader fields)
    {
        var directory = Get(header.Directory);
        directory.Remote.Read(header, ref fields);
        if (directory.Remote.IsComplete)
        {
            directory.Sort();
        }
    }

    /// <summary>Tells what can be told now.</summary>
    private void Advance()
    {
        while (_cursor.TryPop(out var at))
        {
            var (directory, next) = at;
            if (!directory.Remote.IsComplete)
            {
                _cursor.Push(at);
                return;
            }

            if (next == directory.Order.Length)
            {
                if (!directory.Closed)
                {
                    _cursor.Push(at);
                    return;
                }

                Settle(directory);
                continue;
            }

            var index = directory.Order[next];
            var name = directory.Remote.Entries.Name(index);
            var path = PathBytes.Join(directory.Path, name);
            var metadata = directory.Remote.Entries.Metadata(index);
            if (directory.Remote.Mark(index) == EntryMark.Missing)
            {
                metadata.Mode = 0;
            }

            ListedDirectory? below = null;
            if (metadata.IsDirectory)
            {
                directory.Children.Remove(Encoding.Latin1.GetString(name), out below);
            }

            if (metadata.IsDirectory && below is null && !directory.Closed)
            {
                // Whether it has contents of its own is not known yet.
                _cursor.Push(at);
                return;
            }

            Tell(path, metadata, directory.Remote.Entries.LinkTarget(index));
            _cursor.Push((directory, next + 1));
            if (below is not null)
            {
                _cursor.Push((below, 0));
            }
        }
    }

    private void Settle(ListedDirectory directory)
    {
        if (directory.Children.Count > 0)
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"a directory was announced in directory {directory.Id} that its entries do not have");
        }

        _directories.Remove(directory.Id);
        context.Outbox.Settled(directory.Id);
    }

    private void Tell(byte[] path, in EntryMetadata metadata, ReadOnlySpan<byte> target) => context.Observer?.OnEntry(
        new EntryEvent(OutcomeKind.Listed, 0, path, metadata, target.IsEmpty ? null : target.ToArray(), Outgoing: false));

    private ListedDirectory Get(int id) => _directories.TryGetValue(id, out var directory)
        ? directory
        : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} was not announced, or is done");
}
