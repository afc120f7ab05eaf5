using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Elsewhere;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// A file that arrives as tokens. It is put together under a temporary name beside its place, verified by the digest of the whole,
/// given its attributes and only then renamed; or, with --inplace, written where it is. Belongs to one writer thread.
/// </summary>
internal sealed class IncomingFile(SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, long size, long basisLength)
{
    private DirectoryHandles.Handle? _handle;
    private Patcher? _patcher;
    private Staged? _staged;
    private int _fd = -1;
    private BasisFile _basis = new(-1);
    private FileStatus _before;
    private int _error;
    private bool _isNew;
    private long _existingLength;
    private long _literal;
    private long _matched;
    private long _counted;

    public ReceiverDirectory Directory => directory;

    public int Index => index;

    public bool HasBasis => basisLength > 0;

    /// <summary>Gets its name when it is in its place; null when nobody wants to know.</summary>
    public ArrivedFile? Arrived { get; set; }

    /// <summary>What came of it is kept when the session breaks off.</summary>
    public bool Resumes { get; private set; }

    public void Open()
    {
        _handle = tree.Handles.Take(directory);
        if (basisLength > 0)
        {
            _basis = tree.Basis.TakeBasis(directory, index);
            if (_basis.Fd < 0)
            {
                throw new ProtocolException(ProtocolError.BadOrder, "a delta came that was not asked for");
            }
        }

        if (context.Has(JobFlags.DryRun))
        {
            return;
        }

        _error = _handle.Fd < 0 ? _handle.Fd : OpenOutput(_handle.Fd);
        if (_error < 0)
        {
            tree.Full.ThrowIf(_error, tree.PathOf(directory, index), size);
            return;
        }

        _patcher = new Patcher(_basis.Through(context.Io), new PatchTarget
        {
            OutputFd = _fd,
            Size = size,
            BasisFd = _basis.Fd,
            BasisLength = Math.Max(basisLength, _existingLength),
            InPlace = !_isNew,
            Cloned = _isNew && _basis is { Fd: >= 0, TailFd: < 0 } && !context.Has(JobFlags.Preallocate) && context.Io.Clone(_fd, _basis.Fd) >= 0,
            Sparse = context.Has(JobFlags.Sparse),
            TrustedLength = context.Has(JobFlags.Append) && !_isNew ? basisLength : 0,
        });
    }

    public void Literal(ReadOnlySpan<byte> data)
    {
        _literal += data.Length;
        Count(data.Length);
        Note(_patcher?.Literal(data));
    }

    public void Copy(long basisOffset, long length)
    {
        _matched += length;
        Count(length);
        Note(_patcher?.Copy(basisOffset, length));
    }

    public void Hole(long length)
    {
        // In a dry run it may stand for content that the batch of the other end has; rsync counts holes anyway.
        _literal += context.Has(JobFlags.DryRun) ? length : 0;
        Count(length);
        Note(_patcher?.Hole(length));
    }

    /// <summary>All tokens have come.</summary>
    public void End(int errno, ContentFlags flags, UInt128 digest)
    {
        tree.Basis.AwaitSignature(directory, index);
        if (errno != 0)
        {
            Abandon();
            tree.Contents.SourceFailed(directory, index, errno, _counted);
            return;
        }

        if (context.Has(JobFlags.DryRun))
        {
            // --only-write-batch: the batch has it.
            if ((flags & ContentFlags.Unstable) != 0)
            {
                tree.Contents.SourceChanged(directory, index);
            }

            Close();
            tree.Contents.Written(directory, index, error: 0, size, _literal, _matched, digest, _counted);
            return;
        }

        var unstable = (flags & ContentFlags.Unstable) != 0;
        var outcome = _patcher?.Finish(digest, unstable) ?? PatchOutcome.Failed;
        if (outcome == PatchOutcome.Failed)
        {
            _error = _patcher?.Error ?? _error;
            Abandon();
            tree.Contents.Written(directory, index, _error == 0 ? -Errno.EIO : _error, 0, 0, 0, counted: _counted);
        }
        else if (outcome == PatchOutcome.Mismatch)
        {
            Abandon(mayKeep: false);
            context.Progress.Settled(0, -_counted);
            tree.Contents.Mismatch(directory, index);
        }
        else if (unstable && ContentResults.MayAskAgain(directory, index))
        {
            // What has changed since is less than all of it.
            var kept = Keep();
            Abandon();
            context.Progress.Settled(0, -_counted);
            if (kept)
            {
                tree.Reconciler.Requests.AskLater(directory, index);
            }
            else
            {
                tree.Contents.AskWhole(directory, index);
            }
        }
        else
        {
            if (unstable)
            {
                tree.Contents.SourceChanged(directory, index);
            }

            Commit(digest);
        }
    }

    /// <summary>
    /// Gives up what is not complete; the old file stays. What came is kept for the next run, in the hidden directory or, with
    /// --partial, under the file's name.
    /// </summary>
    /// <param name="mayKeep">False where it is known to be wrong.</param>
    public void Abandon(bool mayKeep = true)
    {
        try
        {
            var isCut = mayKeep && (context.Abort.Reason is not null || _patcher is { Error: < 0 }) && _patcher is { Length: > 0 };
            if (_staged is { } staged && _handle is { Fd: >= 0 } && !(isCut && Keep()))
            {
                if (isCut && context.Has(JobFlags.Partial) && IsBeginning())
                {
                    tree.Placement.Parts.Keep(tree.PathOf(directory, index), staged, _fd, _handle.Fd, tree.LocalName(directory, index), _before);
                }
                else
                {
                    tree.Placement.Discard(staged);
                }
            }
        }
        finally
        {
            Close();
        }
    }

    /// <summary>Makes of what came a beginning of the content, without what a basis or a failed write left behind it; false when that is nothing.</summary>
    private bool IsBeginning()
    {
        _patcher!.Finish(default, shortened: true);
        return _patcher.CutBack() > 0;
    }

    /// <summary>Leaves what came where the next run finds it; false when it is not there.</summary>
    private bool Keep()
    {
        if (!Resumes || _staged is not { } staged)
        {
            return false;
        }

        _patcher!.Finish(default, shortened: true);
        tree.Placement.Resume.Keep(tree.PathOf(directory, index), staged, context.Io.Stat(_fd, out var status) < 0 ? 0 : status.Size);
        _staged = null;
        return true;
    }

    private void Commit(UInt128 digest)
    {
        var error = _patcher is { LengthSaysNothing: true } && context.FlushesTails ? context.Io.Sync(_fd) : 0;
        if (error >= 0)
        {
            var remote = directory.Remote!.Entries;
            tree.Attributes.ApplyToContent(
                _fd, _handle!.Fd, tree.LocalName(directory, index), tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), _isNew, directory.Umask);
            error = context.Has(JobFlags.Fsync) ? context.Io.Sync(_fd) : 0;
        }

        if (error >= 0 && _staged is { } staged)
        {
            error = tree.Placement.Commit(directory, index, _handle!.Fd, staged, _fd);
            _staged = null;
        }

        if (error < 0)
        {
            Abandon();
        }
        else
        {
            Arrived?.Name = tree.LocalName(directory, index).ToArray();
            Close();
        }

        tree.Contents.Written(directory, index, error, size, _literal, _matched, digest, _counted);
    }

    private int OpenOutput(int dirfd)
    {
        var name = tree.LocalName(directory, index);
        if (context.InPlace && context.Io.StatAt(dirfd, name, out var old) >= 0 && old.IsRegular)
        {
            _fd = context.Io.OpenAt(dirfd, name, OpenFlags.ReadWrite | OpenFlags.NonBlocking);
            if (_fd >= 0)
            {
                if (context.Io.Stat(_fd, out var status) >= 0 && status.IsRegular)
                {
                    _existingLength = basisLength > 0 ? 0 : status.Size;
                    var backups = tree.Placement.Backups;
                    return backups.IsOn ? backups.KeepCopy(tree.PathOf(directory, index), dirfd, name) : 0;
                }

                context.Io.Close(_fd);
                _fd = -1;
            }
        }

        _isNew = true;
        _before = tree.Placement.Parts.Look(dirfd, name);
        _fd = tree.Placement.Create(dirfd, name, out var staged);
        if (_fd < 0)
        {
            return _fd;
        }

        Resumes = tree.Placement.Resume.TryTake(_fd, size, tree.PathOf(directory, index), ref staged);

        _staged = staged;
        tree.Attributes.Prepare(_fd, directory.Remote!.Entries.Metadata(index));
        return Preallocation.Reserve(context, _fd, size);
    }

    private void Note(int? result)
    {
        if (result is < 0 && _error == 0)
        {
            _error = result.Value;

            // At once: what comes would have no room either, and may be long in coming.
            var written = context.Io.Stat(_fd, out var status) < 0 ? 0 : status.Blocks * 512;
            tree.Full.ThrowIf(_error, tree.PathOf(directory, index), size, Math.Min(size, written));
        }
    }

    /// <summary>What has come counts at once; when all of the file does, only the rest is added, and when it has to come again, nothing of it counts.</summary>
    private void Count(long length)
    {
        length = Math.Min(length, size - _counted);
        _counted += length;
        context.Progress.Settled(0, length);
    }

    private void Close()
    {
        _patcher?.Dispose();
        _patcher = null;
        if (_fd >= 0)
        {
            context.Io.Close(_fd);
            _fd = -1;
        }

        _basis.Close(context.Io);
        _basis = new BasisFile(-1);

        _staged = null;
        if (_handle is not null)
        {
            tree.Handles.Return(_handle);
            _handle = null;
        }
    }
}
