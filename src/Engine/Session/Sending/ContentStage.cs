using NativeSync.Engine.Compression;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Does what the receiver's answers ask for, in order: sends entries, small files whole, large ones as a stream of
/// tokens. One stage per lane, so that one token stream is open at a time. docs/protocol.md, "Content".
/// </summary>
internal sealed class ContentStage : IDisposable
{
    /// <summary>Files up to this size travel inside one record.</summary>
    private const int WholeLimit = 192 * 1024;

    /// <summary>What is read at once without letting the records before it go.</summary>
    private const long LongHash = 4 * 1024 * 1024;

    private readonly SyncContext _context;
    private readonly SenderTable _table;
    private readonly EntriesWriter _entries;
    private readonly FileStreamer _streamer;
    private readonly SentContents _sent;
    private readonly LinkFollower _links;
    private readonly SourceRemover _remover;
    private readonly byte[] _small = new byte[WholeLimit + 1];
    private readonly SuffixList? _skipCompress;
    private SenderDirectory? _openDirectory;
    private Origin _openOrigin;
    private int _openFd = -1;

    public ContentStage(SyncContext context, SenderTable table)
    {
        _context = context;
        _table = table;
        _entries = new EntriesWriter(context);
        _streamer = new FileStreamer(context, table);
        _sent = new SentContents(context);
        _skipCompress = context.Options.SkipCompress.Length > 0 && SuffixList.TryParse(context.Options.SkipCompress, out var list) ? list : null;
        _links = new LinkFollower(context);
        _remover = new SourceRemover(context, _links);
    }

    public void Run()
    {
        while (Take(out var work))
        {
            RecordOutbox.Hold();
            switch (work.Task)
            {
                case SenderTask.Entries:
                    _entries.Send(work.Directory);
                    break;
                case SenderTask.Remove:
                    _remover.Remove(OpenDirectory(work.Directory, work.Directory.OriginOf(work.Index)), work.Directory, work.Index, work.Copy);
                    break;
                case SenderTask.Contents:
                    SendContents(work.Directory);
                    break;
                default:
                    SendFile(work);
                    break;
            }
        }
    }

    public void Dispose() => CloseDirectory();

    private bool Take(out SenderWork work)
    {
        if (_table.TryTake(out work))
        {
            return true;
        }

        _context.Outbox.Flush();
        return _table.Take(out work);
    }

    /// <summary>Everything of a directory that the receiver does not have; hard links are asked for one by one.</summary>
    private void SendContents(SenderDirectory directory)
    {
        _entries.Send(directory);
        if (!_context.MayAskForContent)
        {
            return;
        }

        for (var i = 0; i < directory.Listing.Count; i++)
        {
            ref var metadata = ref directory.Listing.Metadata(i);
            if (metadata.IsRegular && EntrySelection.IsSizeWanted(_context, metadata) && (directory.LinkGroups?[i] ?? 0) == 0 && (directory.Marks?[i] ?? 0) == EntryMark.None)
            {
                SendFile(new SenderWork(SenderTask.Whole, directory, i));
            }
        }
    }

    private void SendFile(in SenderWork work)
    {
        var directory = work.Directory;
        if (_skipCompress is { } skip)
        {
            _context.Outbox.SetPlain(skip.Matches(directory.Listing.Name(work.Index)));
        }

        var fd = Open(directory, work.Index, out var status);
        if (fd < 0)
        {
            Fail(work, -fd, Operation.Open);
            return;
        }

        try
        {
            var error = work.Task switch
            {
                SenderTask.Delta => _streamer.SendDelta(work, fd, status),
                SenderTask.Compare => Compare(work, fd, status),
                _ => SendWhole(work, fd, status),
            };
            if (error < 0)
            {
                Fail(work, -error, Operation.Read);
            }
        }
        finally
        {
            _context.Io.Close(fd);
        }
    }

    private int Compare(in SenderWork work, int fd, in FileStatus status)
    {
        if (status.Size > LongHash)
        {
            _context.Outbox.Flush();
        }

        var error = FileDigest.Compute(_context.Io, _context.Digests, fd, status, out var digest);
        if (error < 0)
        {
            return error;
        }

        using (var scope = _context.Outbox.Enter(Records.SameBound))
        {
            var writer = new WireWriter(scope.Room);
            if (digest == work.Digest)
            {
                Records.WriteSame(ref writer, work.Directory.Id, work.Index);
            }
            else
            {
                Records.WriteDifferent(ref writer, work.Directory.Id, work.Index);
            }

            scope.Commit(writer.Position);
        }

        return 0;
    }

    private int SendWhole(in SenderWork work, int fd, FileStatus status)
    {
        const int attempts = 3;
        if (status.Size > WholeLimit)
        {
            return _sent.TryFind(work, fd, status, out var digest) ? SendAgain(work, status.Size, digest) : _streamer.SendStream(work, fd, status, _sent);
        }

        for (var attempt = 1; ; attempt++)
        {
            var length = ReadSmall(fd, status.Size);
            if (length < 0)
            {
                return length;
            }

            if (length > WholeLimit)
            {
                // It grew while we looked.
                return _streamer.SendStream(work, fd, status, null);
            }

            var steady = CopiedDevice.StatAgain(_context.Io, fd, status, out var after) >= 0 && after.Size == length && after.IsSameVersion(status);
            if (steady || attempt == attempts)
            {
                var data = _small.AsSpan(0, length);
                WriteWhole(work, data, steady ? ContentFlags.None : ContentFlags.Unstable, System.IO.Hashing.XxHash128.HashToUInt128(data));
                _table.Count(work.Directory, length);
                return 0;
            }

            status = after;
        }
    }

    private int SendAgain(in SenderWork work, long size, UInt128 digest)
    {
        WriteWhole(work, [], ContentFlags.Repeated, digest);
        _table.Count(work.Directory, size);
        return 0;
    }

    /// <summary>
    /// To the end. Nothing is read behind what its status promised: whether there is more by now the next look at that tells. Files that promise
    /// nothing and have something (/proc) are read until nothing comes; of one that always promises less than it has no more is sent, as with rsync.
    /// </summary>
    private int ReadSmall(int fd, long promised)
    {
        var total = 0;
        while (total < _small.Length)
        {
            var count = (int)_context.Io.ReadAt(fd, _small.AsSpan(total), total);
            if (count < 0)
            {
                return count;
            }

            if (count == 0)
            {
                break;
            }

            total += count;
            if (total == promised)
            {
                break;
            }
        }

        return total;
    }

    private void WriteWhole(in SenderWork work, ReadOnlySpan<byte> data, ContentFlags flags, UInt128 digest)
    {
        SentContent.Remember(_context, work, data.Length, digest);
        using var scope = _context.Outbox.Enter(Records.WholeBound(data.Length));
        var writer = new WireWriter(scope.Room);
        Records.WriteWhole(ref writer, work.Directory.Id, work.Index, flags, data, digest);
        scope.Commit(writer.Position);
    }

    /// <summary>Opens a regular file of a listing: never through a link that is not to be followed, never a FIFO in its place.</summary>
    private int Open(SenderDirectory directory, int index, out FileStatus status)
    {
        status = default;
        var dirfd = OpenDirectory(directory, directory.OriginOf(index));
        if (dirfd < 0)
        {
            return dirfd;
        }

        const OpenFlags flags = OpenFlags.Read | OpenFlags.NonBlocking;
        var name = directory.Listing.Name(index);
        int fd;
        if (directory.Listing.Identity(index).Followed)
        {
            fd = _links.CheckLoop(directory.OriginOf(index).Child(name));
            fd = fd < 0 ? fd : _links.Open(dirfd, name, LinkSafety.Depth(directory.Path), flags);
        }
        else
        {
            fd = _context.Io.OpenQuietly(dirfd, name);
        }

        if (fd < 0)
        {
            return fd;
        }

        var error = _context.Io.Stat(fd, out status);
        if (error >= 0 && status.IsRegular)
        {
            return fd;
        }

        if (error >= 0 && status.IsDevice && (_context.Options.SourceOptions & SourceOptions.CopyDevices) != 0)
        {
            status.Size = CopiedDevice.SizeOf(_context.Io, fd);
            status.Blocks = long.MaxValue / 512;
            return fd;
        }

        _context.Io.Close(fd);
        return error < 0 ? error : -Errno.ENOENT;
    }

    private int OpenDirectory(SenderDirectory directory, in Origin origin)
    {
        if (ReferenceEquals(_openDirectory, directory) && _openOrigin == origin)
        {
            return _openFd;
        }

        CloseDirectory();
        var fd = _links.OpenDirectory(origin);
        if (fd >= 0)
        {
            _openDirectory = directory;
            _openOrigin = origin;
            _openFd = fd;
        }

        return fd;
    }

    private void CloseDirectory()
    {
        if (_openFd >= 0)
        {
            _context.Io.Close(_openFd);
        }

        _openFd = -1;
        _openDirectory = null;
    }

    private void Fail(in SenderWork work, int errno, Operation operation)
    {
        work.Delta?.Blocks.Close();
        var (directory, index) = (work.Directory, work.Index);
        var path = PathBytes.Join(directory.Path, directory.Listing.Name(index));
        var vanished = errno == Errno.ENOENT;
        _context.Problems.Add(new SyncProblem(operation, errno, path, OnSource: true, Warning: vanished));
        using var scope = _context.Outbox.Enter(Records.FileFailedBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFileFailed(ref writer, directory.Id, index, errno);
        scope.Commit(writer.Position);
    }
}
