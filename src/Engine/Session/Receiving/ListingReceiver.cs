using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The receiving end of <c>--list-only</c>: takes all entries, writes nothing, and tells the observer of each in rsync's order:
/// of a directory first what is no directory, then each directory followed by what is in it.
/// </summary>
/// <remarks>Used by the receive loop alone. An entry waits until all that stands before it is known.</remarks>
internal sealed class ListingReceiver(SyncContext context) : IDisposable
{
    private readonly PackReader _reader = new();
    private readonly Dictionary<int, ListedDirectory> _directories = [];
    private readonly Stack<(ListedDirectory Directory, int Next)> _cursor = new();
    private readonly TaskCompletionSource<Statistics> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasRoot;
    private Statistics? _totals;

    /// <summary>The sender's totals, once everything has been told.</summary>
    public Task<Statistics> Finished => _finished.Task;

    public void Receive(InboundPack pack)
    {
        try
        {
            pack.Unpack(_reader);
            Handle(pack.Records.Span);
        }
        finally
        {
            pack.Release();
        }
    }

    public void Dispose() => _reader.Dispose();

    private void Handle(ReadOnlySpan<byte> records)
    {
        var reader = new RecordReader(records, RecordSide.Sender);
        while (reader.TryNext(out var type))
        {
            switch (type)
            {
                case RecordType.Root:
                    HandleRoot(Records.ReadRoot(ref reader.Wire));
                    break;
                case RecordType.Probe:
                    HandleProbe(Records.ReadProbe(ref reader.Wire));
                    break;
                case RecordType.Entries:
                    HandleEntries(ref reader);
                    break;
                case RecordType.Close:
                    Get(Records.ReadClose(ref reader.Wire).Directory).Closed = true;
                    break;
                case RecordType.Problem:
                    var problem = Records.ReadProblem(ref reader.Wire);
                    context.Problems.Add(new SyncProblem(
                        problem.Operation, problem.Errno, problem.Path.ToArray(), OnSource: true, (problem.Flags & ProblemFlags.Warning) != 0));
                    break;
                case RecordType.EndOfTree:
                    if (_totals is not null || _directories.Values.Any(d => !d.Closed))
                    {
                        throw new ProtocolException(ProtocolError.BadOrder, "the tree ends twice, or with directories that are not closed");
                    }

                    // Entries may still come: they travel behind the answer to their Probe.
                    _totals = Records.ReadEndOfTree(ref reader.Wire);
                    break;
                case RecordType.Identity:
                    Records.ReadIdentity(ref reader.Wire);
                    break;
                default:
                    throw new ProtocolException(ProtocolError.UnexpectedRecord, $"a {type} record came although only a listing was asked for");
            }
        }

        Advance();
        if (_totals is { } totals && _directories.Count == 0)
        {
            _finished.TrySetResult(totals);
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
        if (!_hasRoot || parent is { Closed: true } || (parent?.Children.ContainsKey(Encoding.Latin1.GetString(probe.Name)) ?? false) || !_directories.TryAdd(probe.Directory, directory))
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"directory {probe.Directory} comes before the root, twice, or below one that was closed");
        }

        if (parent is not null)
        {
            parent.Children.Add(Encoding.Latin1.GetString(probe.Name), directory);
            return;
        }

        _cursor.Push((directory, 0));
        using var scope = context.Outbox.Enter(Records.AnswerBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteAnswer(ref writer, directory.Id, Verdict.Void);
        scope.Commit(writer.Position);
    }

    private void HandleEntries(ref RecordReader reader)
    {
        var header = Records.ReadEntries(ref reader.Wire);
        var directory = Get(header.Directory);
        if (directory.Complete || directory.Entries.Count != header.First)
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {header.Directory} come twice or out of order");
        }

        var decoder = new EntryDecoder();
        for (var i = 0; i < header.Count; i++)
        {
            directory.Add(decoder.Read(ref reader.Wire));
        }

        if ((header.Flags & EntriesFlags.Last) != 0)
        {
            directory.Complete = true;
            directory.Sort();
        }
    }

    /// <summary>Tells what can be told now.</summary>
    private void Advance()
    {
        while (_cursor.TryPop(out var at))
        {
            var (directory, next) = at;
            if (!directory.Complete)
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
            var name = directory.Entries.Name(index);
            var path = PathBytes.Join(directory.Path, name);
            ref var metadata = ref directory.Entries.Metadata(index);
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

            Tell(path, metadata, directory.Entries.LinkTarget(index));
            _cursor.Push((directory, next + 1));
            if (below is not null)
            {
                _cursor.Push((below, 0));
            }
        }
    }

    private void Settle(ListedDirectory directory)
    {
        _directories.Remove(directory.Id);
        using var scope = context.Outbox.Enter(Records.SettledBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteSettled(ref writer, directory.Id);
        scope.Commit(writer.Position);
    }

    private void Tell(byte[] path, in EntryMetadata metadata, ReadOnlySpan<byte> target) => context.Observer?.OnEntry(
        new EntryEvent(OutcomeKind.Listed, 0, path, metadata, target.IsEmpty ? null : target.ToArray(), Outgoing: false));

    private ListedDirectory Get(int id) => _directories.TryGetValue(id, out var directory)
        ? directory
        : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} was not announced, or is done");

    private sealed class ListedDirectory(int id, byte[] path)
    {
        public int Id { get; } = id;

        public byte[] Path { get; } = path;

        public DirectoryListing Entries { get; } = new();

        public Dictionary<string, ListedDirectory> Children { get; } = [];

        /// <summary>Indices in the order of the listing.</summary>
        public int[] Order { get; private set; } = [];

        public bool Complete { get; set; }

        public bool Closed { get; set; }

        public void Add(in Entry entry)
        {
            if (Entries.Count > 0 && Entries.Name(Entries.Count - 1).SequenceCompareTo(entry.Name) >= 0)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {Id} are not in byte order");
            }

            var metadata = entry.Metadata;
            if (entry.Mark == EntryMark.Missing)
            {
                metadata.Mode = 0;
            }

            Entries.Append(entry.Name, metadata, default, entry.LinkTarget, default);
        }

        /// <summary>What is no directory by name, then the directories as if a slash stood behind their names.</summary>
        public void Sort()
        {
            Order = new int[Entries.Count];
            for (var i = 0; i < Order.Length; i++)
            {
                Order[i] = i;
            }

            Array.Sort(Order, Compare);
        }

        private int Compare(int a, int b)
        {
            var directories = Entries.Metadata(a).IsDirectory;
            if (directories != Entries.Metadata(b).IsDirectory)
            {
                return directories ? 1 : -1;
            }

            if (!directories)
            {
                return a.CompareTo(b);
            }

            var first = Entries.Name(a);
            var second = Entries.Name(b);
            var common = first.CommonPrefixLength(second);
            var x = common < first.Length ? first[common] : (byte)'/';
            var y = common < second.Length ? second[common] : (byte)'/';
            return x.CompareTo(y);
        }
    }
}
