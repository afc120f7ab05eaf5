using System.Text;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Source;

/// <summary>One file system of the source and how it is read.</summary>
/// <param name="Index">0 for the system disk, else the index of the data disk.</param>
/// <param name="MountPoint">As the source sees it: "/" or the data disk's mount point.</param>
/// <param name="SourcePath">Directory to read, ending in a slash.</param>
/// <param name="Rules">Filter rules, first match wins.</param>
public sealed record PlannedFileSystem(int Index, string MountPoint, byte[] SourcePath, IReadOnlyList<byte[]> Rules)
{
    /// <summary>Paths of the mounts whose content goes there.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];

    /// <summary>One of <see cref="Mounts"/> for each file system: subvolumes share theirs, and its use counts once.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>Places that show what is carried at another place; all of the server's are with the system disk.</summary>
    public IReadOnlyList<SharedPlace> Shared { get; init; } = [];

    /// <summary>Type of the file system that is mounted at <see cref="MountPoint"/>; null when none is.</summary>
    public string? Type { get; init; }

    /// <summary>Whether btrfs is among what goes there.</summary>
    public bool HasBtrfs { get; init; }

    /// <summary>The block device that it is on; empty when not known.</summary>
    public string Device { get; init; } = "";

    /// <summary>For messages.</summary>
    public string Label => Index == 0 ? "system disk" : $"data disk {Index} ({MountPoint})";
}

/// <summary>
/// Decides which tree goes where and what is left out: the contents of other file systems' mount points, pseudo and
/// network file systems, the tool's own directory, and what the exclude file says. Local file systems that are not
/// listed as data disks go to the system disk, as the guide's tool has it.
/// </summary>
public static class SourcePlan
{
    /// <summary>Makes the plan.</summary>
    /// <param name="user">Data disks.</param>
    /// <param name="client">Root of the source.</param>
    /// <param name="excludes">Rules of the exclude file, in --filter syntax.</param>
    /// <param name="mounts">Mounts of the source.</param>
    /// <param name="toolDirectory">Absolute path of the tool's directory.</param>
    /// <param name="notes">Receives what the user should know.</param>
    /// <param name="swapFiles">Swap files, which are left out.</param>
    public static List<PlannedFileSystem> Make(
        UserSettings user, ClientSettings client, IReadOnlyList<byte[]> excludes, IReadOnlyList<MountEntry> mounts, string toolDirectory, List<string> notes,
        IReadOnlyList<SwapFile>? swapFiles = null)
    {
        List<(byte[] Directory, byte[] Rule)> leftOut = [];
        if (Below(Encoding.UTF8.GetBytes(toolDirectory), client.SourceRoot) is { Length: > 1 } tool)
        {
            leftOut.Add((tool, [.. "- "u8, .. RuleRebase.Literal(tool), (byte)'/']));
        }

        foreach (SwapFile file in swapFiles ?? [])
        {
            byte[] path = Encoding.UTF8.GetBytes(file.Path);
            leftOut.Add((path, [.. "- "u8, .. RuleRebase.Literal(path)]));
        }

        byte[][] dataMounts = [.. user.DataDisks.Select(d => Encoding.UTF8.GetBytes(d.MountPoint))];

        // Of what is mounted over each other at one place the last is seen: an automount lies below what it has mounted.
        IEnumerable<MountEntry> seen = mounts.Reverse().DistinctBy(static m => Encoding.Latin1.GetString(m.MountPoint)).Reverse();
        List<PlacedMount> placed = [.. seen.Select(m => (Mount: m, Path: Below(m.MountPoint, client.SourceRoot))).Where(static p => p.Path is not null)
            .Select(p => new PlacedMount(p.Mount, p.Path!, IsOwn: p.Path!.AsSpan().SequenceEqual("/"u8) || dataMounts.Any(d => d.AsSpan().SequenceEqual(p.Path))))];
        SharedMounts shared = new(placed);
        List<(string Home, MountEntry Mount)> homes = [];
        bool snapshots = false;
        foreach (PlacedMount place in placed)
        {
            (MountEntry mount, byte[] path, bool isOwn) = place;
            if (isOwn)
            {
                AddHome(Encoding.UTF8.GetString(path), mount, path);
                continue;
            }

            string shown = Engine.ByteText.Escape(path);
            if (FileSystemKinds.IsPseudo(mount.Type))
            {
                leftOut.Add((path, RuleRebase.ExcludeContents(path)));
            }
            else if (FileSystemKinds.IsNetwork(mount.Type))
            {
                leftOut.Add((path, RuleRebase.ExcludeContents(path)));
                notes.Add($"{shown} is a network file system ({mount.Type}) and stays where it is; mount it on the destination afterwards");
            }
            else if (shared.IsHidden(place))
            {
                notes.Add($"{shown} ({mount.Type}) lies below a place that is not carried, and stays behind; list it in DataDisks if it belongs to this server");
            }
            else if (SharedMounts.IsOfSnapshots(mount, path))
            {
                leftOut.Add((path, RuleRebase.ExcludeContents(path)));
            }
            else if (shared.IsInPlace(place))
            {
                continue; // The walk over what is around it carries it.
            }
            else if (shared.IsDirectoryOfAnother(place))
            {
                leftOut.Add((path, RuleRebase.ExcludeContents(path)));
                notes.Add($"{shown} shows a directory of another mount and is carried there only");
            }
            else if (shared.IsFirst(place))
            {
                DataDisk? around = user.DataDisks.Where(d => path.AsSpan().StartsWith(Encoding.UTF8.GetBytes(d.MountPoint + "/"))).MaxBy(d => d.MountPoint.Length);
                AddHome(around?.MountPoint ?? "/", mount, path);
                notes.Add($"{shown} ({mount.Type}) is not listed in DataDisks and goes to {(around is null ? "the system disk" : $"data disk {around.Index}")}; add it to user.json, or exclude it in {ExcludesFile.FileName}");
            }
            else
            {
                leftOut.Add((path, RuleRebase.ExcludeContents(path)));
                notes.Add($"{shown} shows the same as {Engine.ByteText.Escape(shared.FirstOf(place).Path)} and is carried there only");
            }
        }

        foreach (byte[] view in shared.Views())
        {
            leftOut.Add((view, RuleRebase.ExcludeContents(view)));
        }

        if (snapshots)
        {
            notes.Add("what directories .snapshots at the top of a btrfs hold is not carried: each snapshot would arrive as a full copy");
        }

        foreach (byte[] data in dataMounts)
        {
            leftOut.Add((data, RuleRebase.ExcludeContents(data)));
        }

        List<byte[]> all = [.. leftOut.Select(l => l.Rule), .. excludes];
        List<PlannedFileSystem> plan = [WithMounts(new(0, "/", WithSlash(client.SourceRoot, ""), all) { Shared = shared.Places() }, homes)];
        foreach (DataDisk disk in user.DataDisks)
        {
            byte[] mount = Encoding.UTF8.GetBytes(disk.MountPoint);

            // What is left out at the mount point or around it is left out of the file systems around it, not of this one.
            byte[] inside = [.. mount, (byte)'/'];
            List<byte[]> rules = [.. leftOut.Where(l => l.Directory.AsSpan().StartsWith(inside)).Select(l => l.Rule), .. excludes];
            List<byte[]> own = RuleRebase.Below(rules, mount);
            if (own.Exists(r => r.AsSpan().SequenceEqual("- /*"u8)))
            {
                notes.Add($"everything on {disk.MountPoint} is excluded by {ExcludesFile.FileName}: data disk {disk.Index} gets nothing of it");
            }

            plan.Add(WithMounts(new(disk.Index, disk.MountPoint, WithSlash(client.SourceRoot, disk.MountPoint), own), homes));
        }

        return plan;

        void AddHome(string home, MountEntry mount, byte[] path)
        {
            homes.Add((home, mount));
            if (mount.Type == "btrfs")
            {
                snapshots = true;
                byte[] directory = [.. path.AsSpan().TrimEnd((byte)'/'), .. SharedMounts.Snapshots];
                leftOut.Add((directory, RuleRebase.ExcludeContents(directory)));
            }
        }
    }

    private static PlannedFileSystem WithMounts(PlannedFileSystem fs, List<(string Home, MountEntry Mount)> homes)
    {
        MountEntry? own = homes.Find(h => h.Home == fs.MountPoint && h.Mount.MountPoint.AsSpan().SequenceEqual(Trimmed(fs.SourcePath))).Mount;
        return fs with
        {
            Mounts = [.. homes.Where(h => h.Home == fs.MountPoint).Select(h => Encoding.UTF8.GetString(h.Mount.MountPoint))],
            Volumes = [.. homes.Where(h => h.Home == fs.MountPoint).DistinctBy(static h => h.Mount.Device).Select(h => Encoding.UTF8.GetString(h.Mount.MountPoint))],
            Type = own?.Type,
            HasBtrfs = homes.Exists(h => h.Home == fs.MountPoint && h.Mount.Type == "btrfs"),
            Device = own?.Source ?? "",
        };
    }

    private static ReadOnlySpan<byte> Trimmed(byte[] path) => path.Length > 1 ? path.AsSpan()[..^1] : path;

    private static byte[] WithSlash(string root, string path)
        => Encoding.UTF8.GetBytes((root == "/" ? "" : root) + path + (path.EndsWith('/') ? "" : "/"));

    /// <summary>The path as seen from the root of the source; null when it lies elsewhere.</summary>
    private static byte[]? Below(byte[] path, string sourceRoot)
    {
        byte[] root = Encoding.UTF8.GetBytes(sourceRoot);
        if (sourceRoot == "/")
        {
            return path;
        }

        if (!path.AsSpan().StartsWith(root))
        {
            return null;
        }

        return path.Length == root.Length ? [(byte)'/'] : path[root.Length] == '/' ? path[root.Length..] : null;
    }
}
