using System.Buffers.Binary;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// --detect-renamed: before content is asked for, a file of the same size and time is looked for under other names of the
/// destination. Its digest goes to the sender like that of --checksum; when the source's is the same, the file is moved here, or its
/// content cloned or copied where it must stay. docs/protocol.md, "Content".
/// </summary>
/// <remarks>
/// The basis thread looks and hashes, the dispatcher decides between moving and copying, a writer does it. Deletions wait for the end,
/// so that what is extraneous can be taken. Attempts, and where files of the index were moved, are guarded by <c>_gate</c>.
/// </remarks>
internal sealed class ContentFinder : IDisposable
{
    /// <summary>Files of one size and time whose digests are tried.</summary>
    private const int MostAttempts = 4;

    /// <summary>Directories that are looked through once more for other names, where they are all that is.</summary>
    private const int MostLooked = 20_000;

    /// <summary>What waits for this waits until all directories are known.</summary>
    private const ulong NoDirectory = 0;

    private static readonly int MaxOpen = DescriptorLimit.Share(32, part: 16);

    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly Lock _gate = new();
    private readonly Dictionary<(int Directory, int Index), Attempt> _attempts = [];
    private readonly HeldAttempts _held = new();
    private readonly Fates _fates;
    private readonly long _seed;
    private readonly bool _mayMove;
    private readonly List<byte[]>? _looked;
    private readonly uint _self;
    private readonly Dictionary<int, (byte[] Directory, byte[] Name)> _moved = [];
    private ContentIndex? _index;
    private ContentSurvey? _survey;
    private bool _allKnown;
    private int _open;

    public ContentFinder(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        _self = context.Io.EffectiveUserId();
        IsOn = context.Options.DetectRenamed && !context.Has(JobFlags.DryRun) && !tree.Root.Created && tree.Root.Fd >= 0;
        Span<byte> seed = stackalloc byte[8];
        if (IsOn)
        {
            context.Io.GetRandom(seed);
        }

        _seed = BinaryPrimitives.ReadInt64LittleEndian(seed);
        _fates = new Fates(_seed);
        // Moving is deleting under another name: what bounds or accompanies deletions forbids it. Without -p the old file's permissions,
        // setuid among them, would come along.
        _looked = context.Options.RenamesAreNear ? [] : null;
        _mayMove = context.Has(JobFlags.Delete) && context.Has(JobFlags.Permissions) && context.Options.MaxDelete is null && !tree.Placement.Backups.IsOn && !context.Has(JobFlags.DelayUpdates);
    }

    /// <summary>Content may be elsewhere, so nothing comes unasked.</summary>
    public bool IsOn { get; private set; }

    /// <summary>The root has been looked at: where it holds nothing, nothing need be looked for.</summary>
    public void RootIs(DirectoryListing listing)
    {
        var found = false;
        for (var i = 0; i < listing.Count && !found; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            found = metadata.IsDirectory ? !listing.Name(i).SequenceEqual("lost+found"u8) : metadata.IsRegular && metadata.Size >= ContentIndex.SmallestSize;
        }

        IsOn &= found;
    }

    /// <summary>Begins to look for an entry's content instead of asking for it.</summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="ownSize">Bytes of the file of its name; negative when there is none.</param>
    /// <param name="delta">What to ask for when it is not found.</param>
    /// <returns>False when it is to be asked for.</returns>
    public bool TryBegin(ReceiverDirectory directory, int index, long ownSize, bool delta)
    {
        if (!IsOn || _context.Has(JobFlags.Append) || directory.Remote!.Entries.Metadata(index).Size < ContentIndex.SmallestSize || (_context.InPlace && ownSize >= 0))
        {
            return false;
        }

        var waits = _looked is not null && !_allKnown;
        if (waits && !_held.TryAdd(NoDirectory, directory, index))
        {
            return false;
        }

        directory.Remote.State(index) = ContentState.Awaited;
        if (waits)
        {
            Add(directory, index, new Attempt(delta));
        }
        else
        {
            _tree.Basis.RequestSearch(directory, index, delta);
        }

        return true;
    }

    /// <summary>The basis thread's part: tells the sender the digest of the next file that may be it; when there is none, asks for the content.</summary>
    public void Search(ReceiverDirectory directory, int index, bool delta)
    {
        if (directory.Remote is null)
        {
            return;
        }

        var attempt = Get(directory, index) ?? Add(directory, index, new Attempt(delta));

        do
        {
            while (attempt.Next < attempt.Found.Length)
            {
                attempt.File = attempt.Found[attempt.Next++];
                if (TryHash(directory, index, attempt, out var digest))
                {
                    using var scope = _context.Outbox.Enter(Records.CompareBound);
                    var writer = new WireWriter(scope.Room);
                    Records.WriteCompare(ref writer, directory.Id, index, digest);
                    scope.Commit(writer.Position);
                    return;
                }
            }
        }
        while (TryFindMore(directory, index, attempt));

        AskInstead(directory, index, attempt);
    }

    /// <summary>The answer of the sender: it is this content.</summary>
    /// <returns>False when the answer is to another question.</returns>
    public bool TryTake(ReceiverDirectory directory, int index)
    {
        if (Get(directory, index) is not { } attempt)
        {
            return false;
        }

        directory.Remote!.State(index) = ContentState.Arriving;
        Decide(directory, index, attempt);
        return true;
    }

    /// <summary>The answer of the sender: it is another content. The next file is tried.</summary>
    /// <returns>False when the answer is to another question.</returns>
    public bool TryNext(ReceiverDirectory directory, int index)
    {
        if (Get(directory, index) is not { } attempt)
        {
            return false;
        }

        CloseFile(attempt);
        _tree.Basis.RequestSearch(directory, index, attempt.Delta);
        return true;
    }

    /// <summary>Something was found extraneous, and will go at the end.</summary>
    public void IsDoomed(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        if (IsOn && _mayMove)
        {
            _fates.Doom(PathBytes.Join(directory, name));
        }
    }

    /// <summary>A directory is compared, or will not be.</summary>
    public void IsCompared(ReceiverDirectory directory)
    {
        if (IsOn && _looked?.Count < MostLooked)
        {
            _looked.Add(directory.Path);
        }

        if (!IsOn || !_mayMove)
        {
            return;
        }

        foreach (var (held, index) in _held.Take(_fates.Compared(directory.Path)))
        {
            GoOn(held, index);
        }
    }

    /// <summary>All directories are compared: nothing need wait.</summary>
    public void AllAreCompared()
    {
        _allKnown = true;
        foreach (var (held, index) in _held.TakeAll())
        {
            GoOn(held, index);
        }
    }

    /// <summary>A writer's part: the content takes its place; where that fails it is asked for.</summary>
    public void Put(ReceiverDirectory directory, int index)
    {
        var attempt = Get(directory, index)!;
        var handle = _tree.Handles.Take(directory);
        try
        {
            var found = new FoundContent(_context, _tree, directory, index, handle.Fd);
            if (handle.Fd >= 0 && attempt.MayMove && found.TryMove(attempt, _self))
            {
                IsMoved(directory, index, attempt);
                Forget(directory, index, attempt);
                _tree.Contents.Copied(directory, index, 0);
                return;
            }

            var error = handle.Fd < 0 ? handle.Fd : found.Copy(attempt, WhereIs(attempt.File, out var moved), moved);
            if (error < 0 && error is not (-Errno.ENOSPC or -Errno.EDQUOT))
            {
                // It is not any more what it was: there may be another one.
                CloseFile(attempt);
                directory.Remote!.State(index) = ContentState.Awaited;
                _tree.Basis.RequestSearch(directory, index, attempt.Delta);
                return;
            }

            Forget(directory, index, attempt);
            _tree.Contents.Copied(directory, index, error);
        }
        finally
        {
            _tree.Handles.Return(handle);
        }
    }

    public void Dispose()
    {
        foreach (var attempt in _attempts.Values)
        {
            CloseFile(attempt);
        }
    }

    /// <summary>Asks the index, which looks at more of the destination when it has been asked before.</summary>
    private bool TryFindMore(ReceiverDirectory directory, int index, Attempt attempt)
    {
        var tried = attempt.Found;
        _survey ??= new ContentSurvey(_context, _tree, _seed, _looked);
        if (attempt.Round == _survey.Rounds)
        {
            if (_survey.IsComplete)
            {
                return false;
            }

            _context.Outbox.Flush();
            var extended = _survey.Extend(_index);
            lock (_gate)
            {
                _index = extended;
            }
        }

        attempt.Round = _survey.Rounds;
        Span<int> found = stackalloc int[MostAttempts];
        var count = _index!.Find(directory.Remote!.Entries.Metadata(index), directory.Path, _tree.LocalName(directory, index), _context.TimeWindow == 0, tried, found);
        attempt.Found = found[..count].ToArray();
        attempt.Next = 0;
        return true;
    }

    private bool TryHash(ReceiverDirectory directory, int index, Attempt attempt, out UInt128 digest)
    {
        digest = default;
        (attempt.Directory, attempt.Name) = WhereIs(attempt.File, out var moved);
        attempt.Place = _index!.DirectoryOf(attempt.File);
        if (attempt.Directory.AsSpan().SequenceEqual(directory.Path) && _tree.LocalName(directory, index).SequenceEqual(attempt.Name))
        {
            return false; // the file that is to be replaced
        }

        var fd = Open(attempt, moved);
        if (fd < 0)
        {
            return false;
        }

        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        if (wanted.Size > BasisStage.LongHash)
        {
            _context.Outbox.Flush();
        }

        var fits = _context.Io.Stat(fd, out var status) >= 0 && status.IsRegular && status.Size == wanted.Size
            && MetadataWriter.SameTime(status.Modified, wanted.Modified, _context.TimeWindow)
            && FileDigest.Compute(_context.Io, _context.Digests, fd, status, out digest) >= 0;
        attempt.Status = status;
        if (fits && Interlocked.Increment(ref _open) <= MaxOpen)
        {
            attempt.Fd = fd;
            return true;
        }

        if (fits)
        {
            Interlocked.Decrement(ref _open);
        }

        _context.Io.Close(fd);
        return fits;
    }

    private int Open(Attempt attempt, bool moved)
    {
        if (moved)
        {
            return _tree.Handles.OpenFile(attempt.Directory, attempt.Name);
        }

        var handle = _tree.Handles.Take(attempt.Key, attempt.Directory);
        var fd = handle.Fd < 0 ? handle.Fd : _context.Io.OpenQuietly(handle.Fd, attempt.Name);
        _tree.Handles.Return(handle);
        return fd;
    }

    /// <summary>What an entry has waited for is known.</summary>
    private void GoOn(ReceiverDirectory directory, int index)
    {
        var attempt = Get(directory, index)!;
        if (attempt.Found.Length > 0)
        {
            Decide(directory, index, attempt);
        }
        else
        {
            _tree.Basis.RequestSearch(directory, index, attempt.Delta);
        }
    }

    private void Decide(ReceiverDirectory directory, int index, Attempt attempt)
    {
        var fate = Fate.Kept;
        if (_mayMove && _tree.Deleter.IsAllowed)
        {
            fate = _fates.Of(PathBytes.Join(attempt.Directory, attempt.Name), out var waitsFor);
            if (fate == Fate.Unknown && !_allKnown && _held.TryAdd(waitsFor, directory, index))
            {
                return;
            }
        }

        attempt.MayMove = fate == Fate.Doomed;
        _tree.Writers.PutFound(directory, index, attempt.MayMove);
    }

    private void AskInstead(ReceiverDirectory directory, int index, Attempt attempt)
    {
        Forget(directory, index, attempt);
        if (attempt.Delta)
        {
            directory.Remote!.State(index) = ContentState.Awaited;
            _tree.Basis.RequestDelta(directory, index);
        }
        else
        {
            _tree.Contents.AskWhole(directory, index);
        }
    }

    /// <summary>Where a file of the index is now.</summary>
    private (byte[] Directory, byte[] Name) WhereIs(int file, out bool moved)
    {
        lock (_gate)
        {
            moved = _moved.TryGetValue(file, out var place);
            return moved ? place : (_index!.PathOf(_index.DirectoryOf(file)), _index.NameOf(file).ToArray());
        }
    }

    private void IsMoved(ReceiverDirectory directory, int index, Attempt attempt)
    {
        lock (_gate)
        {
            _moved[attempt.File] = (directory.Path, _tree.LocalName(directory, index).ToArray());
        }
    }

    private Attempt Add(ReceiverDirectory directory, int index, Attempt attempt)
    {
        lock (_gate)
        {
            _attempts[(directory.Id, index)] = attempt;
        }

        return attempt;
    }

    private Attempt? Get(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            return _attempts.GetValueOrDefault((directory.Id, index));
        }
    }

    private void Forget(ReceiverDirectory directory, int index, Attempt attempt)
    {
        CloseFile(attempt);
        lock (_gate)
        {
            _attempts.Remove((directory.Id, index));
        }
    }

    private void CloseFile(Attempt attempt)
    {
        if (attempt.Fd >= 0)
        {
            _context.Io.Close(attempt.Fd);
            attempt.Fd = -1;
            Interlocked.Decrement(ref _open);
        }
    }
}
