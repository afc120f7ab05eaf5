using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.TestKit.FileSystem;

/// <summary>The operations of <see cref="ISystemCalls"/>, for rules about which of them fail.</summary>
internal enum SystemCall
{
    OpenAt, OpenBeneath, OpenPath, OpenFollowing, Duplicate, Close, StatAt, Stat, StatPath, StatFollowing, ReadDirectory, ReadLinkAt, Read, ReadAt, Write, WriteAt, Seek,
    Truncate, Allocate, CopyRange, Clone, Advise, ChangeMode, ChangeModeAt, ChangeOwner, ChangeOwnerAt, SetTimes, SetTimesAt,
    MakeDirectoryAt, MakeNodeAt, SymbolicLinkAt, LinkAt, RenameAt, UnlinkAt, ListXattrs, GetXattr, SetXattr, RemoveXattr, ListXattrsAt,
    GetXattrAt, SetXattrAt, RemoveXattrAt, GetFileFlags, SetFileFlags, GetProjectId, SetProjectId, TryLock, Sync, SyncFileSystem, StatFileSystem, GetRandom,
}

/// <summary>One call as a rule sees it.</summary>
/// <param name="Kind">Which operation.</param>
/// <param name="Index">Number of this call among all calls, from 0.</param>
/// <param name="IndexOfKind">Number of this call among those of its kind, from 0.</param>
/// <param name="Name">The name it is about, as Latin-1 text; empty where there is none. Of renames and links the new name.</param>
internal readonly record struct CallInfo(SystemCall Kind, long Index, long IndexOfKind, string Name);

/// <summary>
/// A kernel that fails where a test says so: passes every call on to another one, unless a rule gives it an errno. Counts calls and
/// open handles, and can make every read and write short. Safe for many threads.
/// </summary>
internal sealed class FaultySystemCalls(ISystemCalls inner) : ISystemCalls
{
    private readonly Lock _gate = new();
    private readonly List<(Func<CallInfo, bool> When, int Error)> _rules = [];
    private readonly long[] _ofKind = new long[Enum.GetValues<SystemCall>().Length];
    private readonly HashSet<int> _open = [];
    private long _calls;

    /// <summary>Most bytes that one read or write moves; 0: no limit.</summary>
    public int ShortTransfers { get; set; }

    /// <summary>Calls so far.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    /// <summary>Handles that were opened through this object and not closed through it.</summary>
    public int OpenHandles
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Handles closed that were not open: a double close.</summary>
    public int BadCloses { get; private set; }

    /// <summary>Calls that a rule failed.</summary>
    public int Failures { get; private set; }

    /// <summary>Calls of a kind so far.</summary>
    public long CallsOf(SystemCall kind)
    {
        lock (_gate)
        {
            return _ofKind[(int)kind];
        }
    }

    /// <summary>Fails every call for which <paramref name="when"/> says so with a (positive) errno.</summary>
    public FaultySystemCalls Fail(Func<CallInfo, bool> when, int error)
    {
        lock (_gate)
        {
            _rules.Add((when, error));
        }

        return this;
    }

    /// <summary>Fails the n-th call of a kind, from 0.</summary>
    public FaultySystemCalls FailNth(SystemCall kind, long n, int error) => Fail(call => call.Kind == kind && call.IndexOfKind == n, error);

    /// <summary>Fails every call of a kind.</summary>
    public FaultySystemCalls FailAll(SystemCall kind, int error) => Fail(call => call.Kind == kind, error);

    /// <summary>Fails the n-th call of any kind but Close, and everything after it: the machine is gone.</summary>
    public FaultySystemCalls DieAt(long n) => Fail(call => call.Kind != SystemCall.Close && call.Index >= n, Errno.EIO);

    /// <summary>0, or the -errno of the first rule that applies.</summary>
    private int Enter(SystemCall kind, ReadOnlySpan<byte> name = default)
    {
        lock (_gate)
        {
            long index = _calls++;
            long ofKind = _ofKind[(int)kind]++;
            if (_rules.Count == 0)
            {
                return 0;
            }

            CallInfo info = new(kind, index, ofKind, Encoding.Latin1.GetString(name));
            foreach ((Func<CallInfo, bool> when, int error) in _rules)
            {
                if (when(info))
                {
                    Failures++;
                    return -error;
                }
            }

            return 0;
        }
    }

    private int Opened(int fd)
    {
        if (fd >= 0)
        {
            lock (_gate)
            {
                _open.Add(fd);
            }
        }

        return fd;
    }

    private Span<byte> Short(Span<byte> buffer) => ShortTransfers > 0 && buffer.Length > ShortTransfers ? buffer[..ShortTransfers] : buffer;

    private ReadOnlySpan<byte> Short(ReadOnlySpan<byte> data) => ShortTransfers > 0 && data.Length > ShortTransfers ? data[..ShortTransfers] : data;

    public int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0) =>
        Enter(SystemCall.OpenAt, name) is var e and < 0 ? e : Opened(inner.OpenAt(dirfd, name, flags, mode));

    public int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0) =>
        Enter(SystemCall.OpenBeneath, relativePath) is var e and < 0 ? e : Opened(inner.OpenBeneath(rootfd, relativePath, flags, mode));

    public int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0) =>
        Enter(SystemCall.OpenPath, operatorPath) is var e and < 0 ? e : Opened(inner.OpenPath(operatorPath, flags, mode));

    public int Duplicate(int fd) => Enter(SystemCall.Duplicate) is var e and < 0 ? e : Opened(inner.Duplicate(fd));

    public int Close(int fd)
    {
        lock (_gate)
        {
            if (!_open.Remove(fd))
            {
                BadCloses++;
            }
        }

        int error = Enter(SystemCall.Close);
        int result = inner.Close(fd); // as in Linux: closed, whatever it says
        return error < 0 ? error : result;
    }

    public int StatAt(int dirfd, ReadOnlySpan<byte> name, out FileStatus status)
    {
        status = default;
        return Enter(SystemCall.StatAt, name) is var e and < 0 ? e : inner.StatAt(dirfd, name, out status);
    }

    public int Stat(int fd, out FileStatus status)
    {
        status = default;
        return Enter(SystemCall.Stat) is var e and < 0 ? e : inner.Stat(fd, out status);
    }

    public int OpenFollowing(int dirfd, ReadOnlySpan<byte> path, OpenFlags flags) =>
        Enter(SystemCall.OpenFollowing, path) is var e and < 0 ? e : Opened(inner.OpenFollowing(dirfd, path, flags));

    public int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status)
    {
        status = default;
        return Enter(SystemCall.StatFollowing, path) is var e and < 0 ? e : inner.StatFollowing(dirfd, path, out status);
    }

    public int StatPath(ReadOnlySpan<byte> operatorPath, bool follow, out FileStatus status)
    {
        status = default;
        return Enter(SystemCall.StatPath, operatorPath) is var e and < 0 ? e : inner.StatPath(operatorPath, follow, out status);
    }

    public int ReadDirectory(int fd, Span<byte> buffer) => Enter(SystemCall.ReadDirectory) is var e and < 0 ? e : inner.ReadDirectory(fd, buffer);

    public int ReadLinkAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> buffer) =>
        Enter(SystemCall.ReadLinkAt, name) is var e and < 0 ? e : inner.ReadLinkAt(dirfd, name, buffer);

    public nint Read(int fd, Span<byte> buffer) => Enter(SystemCall.Read) is var e and < 0 ? e : inner.Read(fd, Short(buffer));

    public nint ReadAt(int fd, Span<byte> buffer, long offset) => Enter(SystemCall.ReadAt) is var e and < 0 ? e : inner.ReadAt(fd, Short(buffer), offset);

    public nint Write(int fd, ReadOnlySpan<byte> data) => Enter(SystemCall.Write) is var e and < 0 ? e : inner.Write(fd, Short(data));

    public nint WriteAt(int fd, ReadOnlySpan<byte> data, long offset) => Enter(SystemCall.WriteAt) is var e and < 0 ? e : inner.WriteAt(fd, Short(data), offset);

    public long Seek(int fd, long offset, SeekKind kind) => Enter(SystemCall.Seek) is var e and < 0 ? e : inner.Seek(fd, offset, kind);

    public int Truncate(int fd, long length) => Enter(SystemCall.Truncate) is var e and < 0 ? e : inner.Truncate(fd, length);

    public int Allocate(int fd, AllocateMode mode, long offset, long length) =>
        Enter(SystemCall.Allocate) is var e and < 0 ? e : inner.Allocate(fd, mode, offset, length);

    public nint CopyRange(int fdIn, long offsetIn, int fdOut, long offsetOut, nint length) =>
        Enter(SystemCall.CopyRange) is var e and < 0 ? e : inner.CopyRange(fdIn, offsetIn, fdOut, offsetOut, ShortTransfers > 0 ? Math.Min(length, ShortTransfers) : length);

    public int Clone(int destination, int source) => Enter(SystemCall.Clone) is var e and < 0 ? e : inner.Clone(destination, source);

    public int Advise(int fd, long offset, long length, Advice advice) => Enter(SystemCall.Advise) is var e and < 0 ? e : inner.Advise(fd, offset, length, advice);

    public int ChangeMode(int fd, uint mode) => Enter(SystemCall.ChangeMode) is var e and < 0 ? e : inner.ChangeMode(fd, mode);

    public int ChangeModeAt(int dirfd, ReadOnlySpan<byte> name, uint mode) =>
        Enter(SystemCall.ChangeModeAt, name) is var e and < 0 ? e : inner.ChangeModeAt(dirfd, name, mode);

    public int ChangeOwner(int fd, uint uid, uint gid) => Enter(SystemCall.ChangeOwner) is var e and < 0 ? e : inner.ChangeOwner(fd, uid, gid);

    public int ChangeOwnerAt(int dirfd, ReadOnlySpan<byte> name, uint uid, uint gid) =>
        Enter(SystemCall.ChangeOwnerAt, name) is var e and < 0 ? e : inner.ChangeOwnerAt(dirfd, name, uid, gid);

    public int SetTimes(int fd, Timestamp? accessed, Timestamp? modified) =>
        Enter(SystemCall.SetTimes) is var e and < 0 ? e : inner.SetTimes(fd, accessed, modified);

    public int SetTimesAt(int dirfd, ReadOnlySpan<byte> name, Timestamp? accessed, Timestamp? modified) =>
        Enter(SystemCall.SetTimesAt, name) is var e and < 0 ? e : inner.SetTimesAt(dirfd, name, accessed, modified);

    public int MakeDirectoryAt(int dirfd, ReadOnlySpan<byte> name, uint mode) =>
        Enter(SystemCall.MakeDirectoryAt, name) is var e and < 0 ? e : inner.MakeDirectoryAt(dirfd, name, mode);

    public int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev) =>
        Enter(SystemCall.MakeNodeAt, name) is var e and < 0 ? e : inner.MakeNodeAt(dirfd, name, mode, rdev);

    public int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name) =>
        Enter(SystemCall.SymbolicLinkAt, name) is var e and < 0 ? e : inner.SymbolicLinkAt(target, dirfd, name);

    public int LinkAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName) =>
        Enter(SystemCall.LinkAt, newName) is var e and < 0 ? e : inner.LinkAt(oldDirfd, oldName, newDirfd, newName);

    public int RenameAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName, RenameFlags flags = RenameFlags.None) =>
        Enter(SystemCall.RenameAt, newName) is var e and < 0 ? e : inner.RenameAt(oldDirfd, oldName, newDirfd, newName, flags);

    public int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory) =>
        Enter(SystemCall.UnlinkAt, name) is var e and < 0 ? e : inner.UnlinkAt(dirfd, name, directory);

    public int ListXattrs(int fd, Span<byte> names) => Enter(SystemCall.ListXattrs) is var e and < 0 ? e : inner.ListXattrs(fd, names);

    public int GetXattr(int fd, ReadOnlySpan<byte> attribute, Span<byte> value) =>
        Enter(SystemCall.GetXattr, attribute) is var e and < 0 ? e : inner.GetXattr(fd, attribute, value);

    public int SetXattr(int fd, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) =>
        Enter(SystemCall.SetXattr, attribute) is var e and < 0 ? e : inner.SetXattr(fd, attribute, value);

    public int RemoveXattr(int fd, ReadOnlySpan<byte> attribute) =>
        Enter(SystemCall.RemoveXattr, attribute) is var e and < 0 ? e : inner.RemoveXattr(fd, attribute);

    public int ListXattrsAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> names) =>
        Enter(SystemCall.ListXattrsAt, name) is var e and < 0 ? e : inner.ListXattrsAt(dirfd, name, names);

    public int GetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> value) =>
        Enter(SystemCall.GetXattrAt, attribute) is var e and < 0 ? e : inner.GetXattrAt(dirfd, name, attribute, value);

    public int SetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) =>
        Enter(SystemCall.SetXattrAt, attribute) is var e and < 0 ? e : inner.SetXattrAt(dirfd, name, attribute, value);

    public int RemoveXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute) =>
        Enter(SystemCall.RemoveXattrAt, attribute) is var e and < 0 ? e : inner.RemoveXattrAt(dirfd, name, attribute);

    public int GetFileFlags(int fd, out uint flags)
    {
        flags = 0;
        return Enter(SystemCall.GetFileFlags) is var e and < 0 ? e : inner.GetFileFlags(fd, out flags);
    }

    public int SetFileFlags(int fd, uint flags) => Enter(SystemCall.SetFileFlags) is var e and < 0 ? e : inner.SetFileFlags(fd, flags);

    public int GetProjectId(int fd, out uint project)
    {
        project = 0;
        return Enter(SystemCall.GetProjectId) is var e and < 0 ? e : inner.GetProjectId(fd, out project);
    }

    public int SetProjectId(int fd, uint project) => Enter(SystemCall.SetProjectId) is var e and < 0 ? e : inner.SetProjectId(fd, project);

    public int TryLock(int fd) => Enter(SystemCall.TryLock) is var e and < 0 ? e : inner.TryLock(fd);

    public int Sync(int fd) => Enter(SystemCall.Sync) is var e and < 0 ? e : inner.Sync(fd);

    public int SyncFileSystem(int fd) => Enter(SystemCall.SyncFileSystem) is var e and < 0 ? e : inner.SyncFileSystem(fd);

    public int StatFileSystem(int fd, out FileSystemStatus status)
    {
        status = default;
        return Enter(SystemCall.StatFileSystem) is var e and < 0 ? e : inner.StatFileSystem(fd, out status);
    }

    public uint EffectiveUserId() => inner.EffectiveUserId();

    public uint EffectiveGroupId() => inner.EffectiveGroupId();

    public int SupplementaryGroups(Span<uint> groups) => inner.SupplementaryGroups(groups);

    public int GetRandom(Span<byte> buffer) => Enter(SystemCall.GetRandom) is var e and < 0 ? e : inner.GetRandom(buffer);

    public uint SetUmask(uint mask) => inner.SetUmask(mask);
}
