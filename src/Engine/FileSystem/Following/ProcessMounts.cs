using System.Globalization;
using System.Text;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>
/// What the processes have mounted, each in its own namespace. It tells of a file that is open where it lies without asking its file
/// system, which may be one of a server that does not answer any more.
/// </summary>
internal sealed class ProcessMounts(ISystemCalls io, List<FollowedFileSystem> systems)
{
    // Mounts by their number, which is one for all namespaces, and by major:minor.
    private readonly Dictionary<string, MountPoint> _known = [];
    private readonly HashSet<ulong> _namespaces = [];

    /// <summary>Adds those of a process, unless another one has the same.</summary>
    /// <param name="proc">/proc.</param>
    /// <param name="pid">The process.</param>
    public void Add(int proc, byte[] pid)
    {
        if (io.StatFollowing(proc, [.. pid, .. "/ns/mnt"u8], out var status) < 0 || !_namespaces.Add(status.Inode))
        {
            return;
        }

        var fd = io.OpenBeneath(proc, [.. pid, .. "/mountinfo"u8], OpenFlags.Read);
        foreach (var mount in MountPoint.Parse(ProcText.Read(io, fd, out _) ?? []))
        {
            _known[mount.Id.ToString(CultureInfo.InvariantCulture)] = mount;
            _known[mount.Device] = mount;
        }
    }

    /// <summary>The mount of an open file; empty when that cannot be told.</summary>
    /// <param name="task">The directory of the process.</param>
    /// <param name="id">The process.</param>
    /// <param name="handle">The number of its handle.</param>
    public string MountOf(int task, byte[] id, ReadOnlySpan<byte> handle)
    {
        var text = ProcText.Read(io, io.OpenBeneath(task, [.. id, .. "/fdinfo/"u8, .. handle], OpenFlags.Read), out _).AsSpan();
        var at = text.IndexOf("mnt_id:\t"u8);
        text = at < 0 ? [] : text[(at + 8)..];
        return Encoding.Latin1.GetString(text[..Math.Max(0, text.IndexOf((byte)'\n'))]);
    }

    /// <summary>Whether what is there is known to be, and to be written, neither on a file system that is followed nor through to one.</summary>
    /// <param name="place">The number of a mount, or major:minor.</param>
    public bool IsElsewhere(string place) => _known.TryGetValue(place, out var mount) && !IsLayered(mount.Type) && !systems.Exists(system => system.Mounts[0].Device == mount.Device);

    /// <summary>major:minor.</summary>
    public static string Name(ulong device) => string.Create(CultureInfo.InvariantCulture, $"{device >> 32}:{(uint)device}");

    /// <summary>What keeps its files on other file systems: those tell nothing of what is written through a mapping of these.</summary>
    private static bool IsLayered(string type) => type is "overlay" or "aufs" or "ecryptfs" or "shiftfs" or "unionfs" || type.StartsWith("fuse", StringComparison.Ordinal);
}
