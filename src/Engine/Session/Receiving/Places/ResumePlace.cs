using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// The hidden directory at the destination in which large files are put together, so that one that breaks off, however it does, is
/// found by the next run and goes on from there. docs/journal.md.
/// </summary>
/// <remarks>
/// A name is the digest of the path that the file is to get, a dot and something random: the path says what is looked for, and
/// nobody opens what another run writes. Who writes a file holds its lock, so that nobody else clears it away. Used by the dispatcher and by
/// writers; guarded by <c>_gate</c>.
/// </remarks>
internal sealed class ResumePlace : IDisposable
{
    /// <summary>What is not asked for in so many seconds, a week, is not waited for.</summary>
    private const long Expiry = 7 * 24 * 3600;

    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;
    private const uint OthersMayWrite = 0x12;
    private const int DigestLength = 32;

    private readonly Lock _gate = new();
    private readonly SyncContext _context;
    private readonly int _rootFd;
    private readonly List<Left> _left = [];
    private int _fd = -1;
    private bool _refused;

    /// <param name="context">The session's.</param>
    /// <param name="rootFd">The destination; borrowed. Negative when it is not there.</param>
    public ResumePlace(SyncContext context, int rootFd)
    {
        _context = context;
        _rootFd = rootFd;
        if (context.Options.ResumeFrom <= 0 || rootFd < 0)
        {
            return;
        }

        // Contents that replace nothing one can see may not wait under other names for those who said where they are to wait.
        IsOn = !context.InPlace && !context.Has(JobFlags.WholeFile) && !context.Has(JobFlags.DryRun) && !context.Has(JobFlags.Partial)
            && context.Options.TempDirectory is not { Length: > 0 } && context.Options.PartialDirectory is not { Length: > 0 };
        Open();
    }

    /// <summary>Takes no part in any transfer that resumes, at either end.</summary>
    public static ReadOnlySpan<byte> DirectoryName => ".nativesync-partial"u8;

    /// <summary>False when files are put together elsewhere. What earlier runs left is cleared away all the same.</summary>
    public bool IsOn { get; }

    /// <summary>False: nothing is left of any file.</summary>
    public bool HasAny => _left.Count > 0;

    /// <summary>The directory, or negative when there is none.</summary>
    public int Directory => _fd;

    /// <summary>Moves a file that was just made to where the next run finds it.</summary>
    /// <remarks>Made beside its place first: what it inherits from the directory that it will be in, it has then.</remarks>
    /// <returns>False when it stays where it is: it is small, or that is on another file system.</returns>
    public bool TryTake(int fd, long size, byte[] path, ref Staged staged)
    {
        if (!IsOn || size < _context.Options.ResumeFrom || !Make())
        {
            return false;
        }

        _context.Io.TryLock(fd);
        var name = TemporaryName.For(KeyOf(path), hidden: false);
        if (_context.Io.RenameAt(staged.Dirfd, staged.Name, _fd, name) < 0)
        {
            return false;
        }

        staged = new Staged(_fd, name);
        return true;
    }

    /// <summary>What is left of a file, the most there is; null for nothing, or when there is no room for another beside it.</summary>
    /// <remarks>A run that was killed while it put the file together anew has left less beside it: that goes, so that it does not add up.</remarks>
    public byte[]? Find(byte[] path, long size)
    {
        lock (_gate)
        {
            if (!IsOn || Best(KeyOf(path)).Name is not { } name)
            {
                return null;
            }

            RemoveLesser(KeyOf(path), name);
            if (_context.Io.StatFileSystem(_fd, out var room) >= 0 && (long)room.AvailableBlocks * room.BlockSize < size)
            {
                RemoveAll(KeyOf(path));
                return null;
            }

            return name;
        }
    }

    /// <summary>Keeps what came of a file: the most there is of it stays.</summary>
    public void Keep(byte[] path, in Staged staged, long length)
    {
        lock (_gate)
        {
            var key = KeyOf(path);
            if (Best(key) is { Name: not null } other && other.Size > length)
            {
                _context.Io.UnlinkAt(_fd, staged.Name, directory: false);
                return;
            }

            RemoveAll(key);
            _left.Add(new Left(staged.Name, length, Now));
        }
    }

    /// <summary>A file is complete, or what is left of it is of no use: it goes.</summary>
    public void Remove(byte[] path)
    {
        lock (_gate)
        {
            RemoveAll(KeyOf(path));
        }
    }

    /// <summary>Everything has been done: clears away what is not of use any more, and the directory when it is empty then.</summary>
    /// <param name="all">The whole tree was gone through and all of it is here; else only what is old goes.</param>
    /// <returns>True when the destination has changed by it.</returns>
    public bool Sweep(bool all)
    {
        if (_fd < 0 || _context.Has(JobFlags.DryRun))
        {
            return false;
        }

        lock (_gate)
        {
            foreach (var left in _left)
            {
                if (all || Now - left.Modified > Expiry)
                {
                    RemoveUnlessLocked(left.Name);
                }
            }

            return RemoveIfEmpty();
        }
    }

    /// <summary>True when the directory has gone.</summary>
    public bool RemoveIfEmpty() => _context.Io.UnlinkAt(_rootFd, DirectoryName, directory: true) >= 0;

    public void Dispose()
    {
        if (_fd >= 0)
        {
            // One that a session has made and not needed.
            _context.Io.UnlinkAt(_rootFd, DirectoryName, directory: true);
            _context.Io.Close(_fd);
        }
    }

    private long Now => _context.Clock.GetUtcNow().ToUnixTimeSeconds();

    private static byte[] KeyOf(byte[] path)
    {
        var key = new byte[DigestLength];
        XxHash128.HashToUInt128(path).TryFormat(key, out _, "x32", System.Globalization.CultureInfo.InvariantCulture);
        return key;
    }

    private Left Best(ReadOnlySpan<byte> key)
    {
        Left best = default;
        foreach (var left in _left)
        {
            if (left.Name.AsSpan().StartsWith(key) && (best.Name is null || left.Size > best.Size))
            {
                best = left;
            }
        }

        return best;
    }

    private void RemoveAll(ReadOnlySpan<byte> key)
    {
        for (var i = _left.Count - 1; i >= 0; i--)
        {
            if (_left[i].Name.AsSpan().StartsWith(key))
            {
                _context.Io.UnlinkAt(_fd, _left[i].Name, directory: false);
                _left.RemoveAt(i);
            }
        }
    }

    private void RemoveLesser(ReadOnlySpan<byte> key, byte[] best)
    {
        for (var i = _left.Count - 1; i >= 0; i--)
        {
            if (_left[i].Name != best && _left[i].Name.AsSpan().StartsWith(key) && RemoveUnlessLocked(_left[i].Name))
            {
                _left.RemoveAt(i);
            }
        }
    }

    /// <summary>False: somebody writes it, or it cannot be removed.</summary>
    private bool RemoveUnlessLocked(byte[] name)
    {
        var file = _context.Io.OpenQuietly(_fd, name);
        if (file < 0)
        {
            return false;
        }

        var gone = _context.Io.TryLock(file) != -Errno.EAGAIN && _context.Io.UnlinkAt(_fd, name, directory: false) >= 0;
        _context.Io.Close(file);
        return gone;
    }

    /// <summary>Looks at what earlier runs left.</summary>
    private void Open()
    {
        _fd = _context.Io.OpenAt(_rootFd, DirectoryName, DirectoryFlags);
        if (_fd < 0)
        {
            return;
        }

        // Who may rename in it could put something else in the place of what was verified.
        if (_context.Io.Stat(_fd, out var status) < 0 || status.Uid != _context.Io.EffectiveUserId() || (status.Mode & OthersMayWrite) != 0)
        {
            _context.Io.Close(_fd);
            _fd = -1;
            _refused = true;
            return;
        }

        var listing = new DirectoryListing();
        new DirectoryScanner(_context.Io).Scan(_fd, ScanFields.None, listing);
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            if (metadata.IsRegular && listing.Name(i).Length > DigestLength && listing.Name(i)[DigestLength] == (byte)'.')
            {
                _left.Add(new Left(listing.Name(i).ToArray(), metadata.Size, metadata.Modified.Seconds));
            }
        }
    }

    /// <summary>Makes the directory unless it is there; false when there is none, or it is not ours to use.</summary>
    public bool Make()
    {
        lock (_gate)
        {
            if (_fd < 0 && !_refused && _context.Io.MakeDirectoryAt(_rootFd, DirectoryName, ModeBits.PrivateDirectory) is var error)
            {
                _refused = error < 0 && error != -Errno.EEXIST;
                _fd = _refused ? -1 : _context.Io.OpenAt(_rootFd, DirectoryName, DirectoryFlags);
                _refused = _fd < 0;
            }

            return _fd >= 0;
        }
    }

    /// <param name="Name">Its name there.</param>
    /// <param name="Size">Bytes.</param>
    /// <param name="Modified">When it was last written, in seconds since 1970.</param>
    private readonly record struct Left(byte[] Name, long Size, long Modified);
}
