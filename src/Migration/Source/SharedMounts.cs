using System.Text;

namespace NativeSync.Migration.Source;

/// <summary>A mount and where it lies below the root of the source.</summary>
/// <param name="Mount">The mount.</param>
/// <param name="Path">Its place below the root.</param>
/// <param name="IsOwn">It has a disk of its own at the destination: the root, a data disk.</param>
internal sealed record PlacedMount(MountEntry Mount, byte[] Path, bool IsOwn);

/// <summary>A place that shows what is carried at another place.</summary>
/// <param name="MountPoint">The place.</param>
/// <param name="Target">Where the files are carried.</param>
/// <param name="InTree">No mount shows it but the tree around it: a subvolume, looked at from the one above.</param>
public sealed record SharedPlace(string MountPoint, string Target, bool InTree);

/// <summary>
/// Mounts of one file system that show the same files at several places, which are carried once. A directory that is
/// mounted a second time is carried where it belongs, since whoever mounts it does so again at the destination. A
/// subvolume of btrfs is carried where it is mounted, and not where the subvolume around it shows it: at the destination
/// it is a directory, so there the fix-ups let a bind mount show it.
/// </summary>
internal sealed class SharedMounts(IReadOnlyList<PlacedMount> mounts)
{
    /// <summary>Where snapper keeps the snapshots of a subvolume, itself a subvolume.</summary>
    public static ReadOnlySpan<byte> Snapshots => "/.snapshots"u8;

    /// <summary>Whether it shows snapshots, each of which would arrive as a full copy.</summary>
    public static bool IsOfSnapshots(MountEntry mount, byte[] path) => mount.Type == "btrfs" && path.AsSpan().EndsWith(Snapshots);

    /// <summary>Whether it lies below what the kernel or another machine supplies, which is left out with all that is in it.</summary>
    public bool IsHidden(PlacedMount mount)
        => !mount.IsOwn && mounts.Any(m => (FileSystemKinds.IsPseudo(m.Mount.Type) || FileSystemKinds.IsNetwork(m.Mount.Type)) && !m.IsOwn && IsBelow(mount.Path, m.Path));

    /// <summary>Whether it shows a directory that another mount shows in its place.</summary>
    public bool IsDirectoryOfAnother(PlacedMount mount)
        => !mount.Mount.IsSubvolume && mounts.Any(m => m.Mount.Device == mount.Mount.Device && IsBelow(mount.Mount.Root, m.Mount.Root) && !IsHidden(m));

    /// <summary>Whether nothing before it shows the same; the root and the data disks come before all others.</summary>
    public bool IsFirst(PlacedMount mount) => ReferenceEquals(First(mount), mount);

    /// <summary>The place where what it shows is carried.</summary>
    public byte[] FirstOf(PlacedMount mount) => First(mount).Path;

    /// <summary>Places where a subvolume shows another that is mounted and carried elsewhere.</summary>
    public IEnumerable<byte[]> Views() => Inside().Select(static v => v.Place);

    /// <summary>What the fix-ups must know.</summary>
    public List<SharedPlace> Places()
    {
        List<SharedPlace> places = [];
        foreach (PlacedMount mount in Carried.Where(m => !IsFirst(m) && !m.IsOwn))
        {
            places.Add(new SharedPlace(Text(mount.Path), Text(FirstOf(mount)), InTree: false));
        }

        // The root once more, somewhere below itself, is of no use, nor is what is not carried.
        places.AddRange(Inside().Where(static v => v.Target.Length > 1 && !v.Target.AsSpan().EndsWith(Snapshots)).Select(static v => new SharedPlace(Text(v.Place), Text(v.Target), InTree: true)));
        return places;

        static string Text(byte[] path) => Encoding.UTF8.GetString(path);
    }

    /// <summary>Made once: hosts of containers have a thousand mounts.</summary>
    private List<PlacedMount> Carried
        => field ??= [.. mounts.Where(m => m.IsOwn || !(FileSystemKinds.IsPseudo(m.Mount.Type) || FileSystemKinds.IsNetwork(m.Mount.Type) || IsHidden(m) || IsDirectoryOfAnother(m)))];

    private PlacedMount First(PlacedMount mount)
        => Carried.Where(m => m.Mount.Device == mount.Mount.Device && m.Mount.Root.AsSpan().SequenceEqual(mount.Mount.Root)).OrderByDescending(static m => m.IsOwn).First();

    private IEnumerable<(byte[] Place, byte[] Target)> Inside()
    {
        List<PlacedMount> carried = [.. Carried.Where(IsFirst)];
        foreach (PlacedMount around in carried)
        {
            foreach (PlacedMount inner in carried)
            {
                if (!inner.Mount.IsSubvolume || inner.Mount.Device != around.Mount.Device || !IsBelow(inner.Mount.Root, around.Mount.Root))
                {
                    continue;
                }

                int skip = around.Mount.Root.Length == 1 ? 0 : around.Mount.Root.Length;
                byte[] place = [.. around.Path.AsSpan().TrimEnd((byte)'/'), .. inner.Mount.Root.AsSpan(skip)];
                bool covered = mounts.Any(m => IsBelow(m.Path, around.Path) && (m.Path.AsSpan().SequenceEqual(place) || IsBelow(place, m.Path)));
                if (!covered)
                {
                    yield return (place, inner.Path);
                }
            }
        }
    }

    private static bool IsBelow(byte[] path, byte[] directory)
        => directory.Length == 1 ? path.Length > 1 : path.Length > directory.Length && path.AsSpan().StartsWith(directory) && path[directory.Length] == '/';
}
