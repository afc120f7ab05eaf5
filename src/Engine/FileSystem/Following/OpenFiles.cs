using System.Buffers.Text;
using System.Text;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>
/// Finds files that somebody has open for writing, or mapped from a handle for writing. A write through a shared mapping is no event, and
/// neither is one by io_submit(2), until the last handle or mapping is closed. What loop devices are backed by is held by the kernel itself.
/// </summary>
internal sealed class OpenFiles
{
    private const uint WriteBit = 0x80; // of the link in /proc: open for writing
    private const string FirstProcesses = "pid:[4026531836]"; // PROC_PID_INIT_INO

    private readonly ISystemCalls _io;
    private readonly List<FollowedFileSystem> _systems;
    private readonly DirectoryScanner _scanner;
    private readonly ProcessMounts _mounts;
    private readonly Dictionary<(ulong Device, ulong Inode), int> _known = [];
    private readonly List<ChangedHandle> _found = [];
    private string? _layered;

    private OpenFiles(ISystemCalls io, List<FollowedFileSystem> systems)
    {
        _io = io;
        _systems = systems;
        _scanner = new DirectoryScanner(io);
        _mounts = new ProcessMounts(io, systems);
    }

    /// <summary>Looks at all processes.</summary>
    /// <param name="io">The kernel.</param>
    /// <param name="systems">The file systems that count.</param>
    /// <param name="found">The files, each once.</param>
    /// <returns>Why they cannot all be known; null when they are.</returns>
    public static string? Find(ISystemCalls io, List<FollowedFileSystem> systems, out List<ChangedHandle> found)
    {
        var files = new OpenFiles(io, systems);
        found = files._found;
        return files.LookAtProcesses() ?? files.LookAtLoopDevices();
    }

    private string? LookAtProcesses()
    {
        var proc = _io.OpenPath("/proc"u8, OpenFlags.Read | OpenFlags.Directory);
        if (proc < 0)
        {
            return "there is no /proc";
        }

        try
        {
            Span<byte> name = stackalloc byte[64];
            var self = _io.OpenPath("/proc/self/ns"u8, OpenFlags.Read | OpenFlags.Directory);
            var length = self < 0 ? self : _io.ReadLinkAt(self, "pid"u8, name);
            _ = self < 0 ? 0 : _io.Close(self);
            if (length < 0 || Encoding.Latin1.GetString(name[..length]) != FirstProcesses)
            {
                return "a container does not see who has files open";
            }

            // All of them first: a handle may come from a process of another namespace.
            return ForEach(proc, AddMounts) ?? ForEach(proc, LookAtProcess);
        }
        finally
        {
            _io.Close(proc);
        }
    }

    private string? AddMounts(int proc, byte[] pid)
    {
        _mounts.Add(proc, pid);
        return null;
    }

    private string? LookAtProcess(int proc, byte[] pid)
    {
        var error = LookAtTask(proc, pid, out var any);
        if (error is not null || any)
        {
            return error;
        }

        // Its first thread may have ended before the others.
        var tasks = _io.OpenBeneath(proc, PathOf(pid, "task"u8), OpenFlags.Read | OpenFlags.Directory);
        if (tasks < 0)
        {
            return null;
        }

        error = ForEach(tasks, (_, task) => LookAtTask(tasks, task, out var _));
        _io.Close(tasks);
        return error;
    }

    private string? LookAtTask(int above, byte[] id, out bool any) =>
        AddOpen(above, id, out any) && AddMapped(above, id) ? null : _layered ?? $"process {Encoding.Latin1.GetString(id)} does not show what it has open";

    /// <summary>False when what it has open cannot be known, though it is there.</summary>
    private bool AddOpen(int above, byte[] id, out bool any)
    {
        any = false;
        var handles = _io.OpenBeneath(above, PathOf(id, "fd"u8), OpenFlags.Read | OpenFlags.Directory);
        if (handles < 0)
        {
            return IsGone(handles);
        }

        var listing = new DirectoryListing();
        var error = _scanner.Scan(handles, ScanFields.None, listing);
        var known = error >= 0 ? !listing.Incomplete : IsGone(error);
        for (var i = 0; known && i < listing.Count; i++)
        {
            any = true;
            known = (listing.Metadata(i).Mode & WriteBit) == 0 || Add(handles, listing.Name(i), _mounts.MountOf(above, id, listing.Name(i)));
        }

        _io.Close(handles);
        return known;
    }

    /// <summary>False when what it has mapped cannot be known, though it is there.</summary>
    private bool AddMapped(int above, byte[] id)
    {
        if (ProcText.Read(_io, _io.OpenBeneath(above, PathOf(id, "maps"u8), OpenFlags.Read), out var error) is not { } maps)
        {
            return IsGone(error);
        }

        var places = -1;
        var known = true;
        foreach (var range in maps.AsSpan().Split((byte)'\n'))
        {
            // 7f0c-7f0d rw-s 00000000 00:1a 43 /path: s is what MAP_SHARED gives, whatever mprotect made of it since.
            ReadOnlySpan<byte> line = maps.AsSpan(range);
            var space = line.IndexOf((byte)' ');
            if (!known || space < 0 || line.Length < space + 5 || line[space + 4] != 's')
            {
                continue;
            }

            places = places < 0 ? _io.OpenBeneath(above, PathOf(id, "map_files"u8), OpenFlags.Read | OpenFlags.Directory) : places;
            var dash = line.IndexOf((byte)'-');
            byte[] name = [.. line[..dash].TrimStart((byte)'0'), (byte)'-', .. line[(dash + 1)..space].TrimStart((byte)'0')];
            error = places < 0 ? places : _io.StatAt(places, name, out var link) is < 0 and var failed ? failed
                : (link.Mode & WriteBit) == 0 || Add(places, name, DeviceOf(line)) ? 0 : -Errno.EACCES;
            known = error >= 0 || IsGone(error);
        }

        _ = places < 0 ? 0 : _io.Close(places);
        return known;
    }

    /// <summary>Adds what a link in /proc leads to, if that is a file; false when it cannot be known.</summary>
    private bool Add(int directory, ReadOnlySpan<byte> name, string place)
    {
        if (_mounts.IsElsewhere(place))
        {
            return true;
        }

        var error = _io.StatFollowing(directory, name, out var status);
        if (error >= 0 && IsNew(status))
        {
            var handle = FileHandles.Of(directory, name, follow: true);

            // Closed meanwhile: that is an event.
            error = handle.Length > 0 ? 0 : _io.StatFollowing(directory, name, out _) is < 0 and var closed ? closed : -Errno.EOPNOTSUPP;
            if (error >= 0)
            {
                Found(status, handle);
            }
        }

        return error >= 0 ? _layered is null : IsGone(error);
    }

    /// <summary>The device of a line of maps, where it is told in hexadecimal digits, as <see cref="ProcessMounts.Name"/>.</summary>
    private static string DeviceOf(ReadOnlySpan<byte> line)
    {
        for (var field = 0; field < 3; field++)
        {
            line = line[(line.IndexOf((byte)' ') + 1)..];
        }

        return Utf8Parser.TryParse(line, out uint major, out var digits, 'x') && Utf8Parser.TryParse(line[(digits + 1)..], out uint minor, out _, 'x')
            ? ProcessMounts.Name(((ulong)major << 32) | minor) : "";
    }

    /// <summary>The process ended, or closed it; no reason to know less than all.</summary>
    private static bool IsGone(int error) => error is -Errno.ENOENT or -Errno.ESRCH;

    /// <summary>Whether a file is on a file system that is followed, and was not found yet. What may be kept there by another file system ends the search.</summary>
    private bool IsNew(in FileStatus status)
    {
        if (status is not { IsRegular: true, LinkCount: > 0 })
        {
            return false;
        }

        if (FollowedFileSystem.Of(_systems, status.Device) is not null)
        {
            return _known.TryAdd((status.Device, status.Inode), 0);
        }

        _layered = _mounts.IsElsewhere(ProcessMounts.Name(status.Device)) ? _layered : "a file is open for writing on an overlay, by FUSE or on a mount that is not known: what is written through it may show in no event";
        return false;
    }

    private void Found(in FileStatus status, byte[] handle) => _found.Add(new ChangedHandle(FollowedFileSystem.Of(_systems, status.Device)!.Id, handle));

    private string? LookAtLoopDevices()
    {
        var block = _io.OpenPath("/sys/block"u8, OpenFlags.Read | OpenFlags.Directory);
        var listing = new DirectoryListing();
        if (block < 0 || _scanner.Scan(block, ScanFields.None, listing) < 0)
        {
            return "there is no /sys";
        }

        string? trouble = null;
        var mounts = MountPoint.ReadAll(_io);
        for (var i = 0; i < listing.Count && trouble is null; i++)
        {
            if (!listing.Name(i).StartsWith("loop"u8))
            {
                continue;
            }

            byte[] place = [.. "/sys/block/"u8, .. listing.Name(i), .. "/loop/backing_file"u8];
            var file = (ProcText.Read(_io, place) ?? []).AsSpan().TrimEnd((byte)'\n');
            if (file.IsEmpty || file.EndsWith(" (deleted)"u8)
                || (MountPoint.Showing(mounts, Encoding.Latin1.GetString(file)) is { } mount && _mounts.IsElsewhere(mount.Device)))
            {
                continue;
            }

            if (_io.StatFollowing(Native.LibC.CurrentDirectory, file, out var status) < 0)
            {
                trouble = $"what is behind {Encoding.Latin1.GetString(listing.Name(i))} is not to be found";
            }
            else if (IsNew(status))
            {
                Found(status, FileHandles.Of(Native.LibC.CurrentDirectory, file, follow: true));
            }

            trouble ??= _layered;
        }

        _io.Close(block);
        return trouble;
    }

    /// <summary>Does something for each number in a directory, until it has trouble.</summary>
    private string? ForEach(int directory, Func<int, byte[], string?> act)
    {
        var listing = new DirectoryListing();
        if (_scanner.Scan(directory, ScanFields.None, listing) is < 0 and var error && !IsGone(error))
        {
            return $"who has files open cannot be listed: {Errno.Describe(-error)}";
        }

        for (var i = 0; i < listing.Count; i++)
        {
            if (Utf8Parser.TryParse(listing.Name(i), out int _, out var digits) && digits == listing.Name(i).Length
                && act(directory, listing.Name(i).ToArray()) is { } trouble)
            {
                return trouble;
            }
        }

        return null;
    }

    private static byte[] PathOf(byte[] id, ReadOnlySpan<byte> name) => [.. id, (byte)'/', .. name];
}
