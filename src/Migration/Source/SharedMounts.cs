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
public sealed record SharedPlace(string MountPoint, string Target);

/// <summary>
/// Mounts of one file system that show the same files at several places, which are carried once. A directory that is
/// mounted a second time is carried where it belongs, if it is seen there, since whoever mounts it does so again at the
/// destination. A subvolume of btrfs is carried where it is mounted, and not where the subvolume around it shows it: at the
/// destination it is a directory, so there the fix-ups let a bind mount show it.
/// </summary>
internal sealed class SharedMounts
{
    private readonly IReadOnlyList<PlacedMount> _mounts;
    private readonly Dictionary<PlacedMount, PlacedMount> _first = [];
    private readonly HashSet<PlacedMount> _elsewhere = [], _inPlace = [];

    /// <summary>Made once: hosts of containers have a thousand mounts.</summary>
    /// <param name="mounts">In the order of the kernel, none that another covers at the same place.</param>
    public SharedMounts(IReadOnlyList<PlacedMount> mounts)
    {
        _mounts = mounts;
        List<PlacedMount> carried = [];

        // From the top of each file system down, as a directory is seen in another mount only where that one is carried.
        foreach (PlacedMount mount in mounts.Where(IsData).OrderBy(static m => m.Mount.Root.Length).ThenByDescending(static m => m.IsOwn))
        {
            if (!mount.IsOwn && mount.Mount.IsSubvolume == false
                && carried.Where(m => IsInside(mount.Mount, m.Mount)).MaxBy(static m => m.Mount.Root.Length) is { } around)
            {
                byte[] place = PlaceOf(mount.Mount, around);
                if (place.AsSpan().SequenceEqual(mount.Path))
                {
                    _inPlace.Add(mount);
                    continue;
                }

                if (!IsCovered(place, around))
                {
                    _elsewhere.Add(mount);
                    continue;
                }
            }

            PlacedMount? first = carried.Find(m => m.Mount.Device == mount.Mount.Device && m.Mount.Root.AsSpan().SequenceEqual(mount.Mount.Root));
            _first.Add(mount, first ?? mount);
            if (first is null)
            {
                carried.Add(mount);
            }
        }
    }

    /// <summary>Where snapper keeps the snapshots of a subvolume, itself a subvolume.</summary>
    public static ReadOnlySpan<byte> Snapshots => "/.snapshots"u8;

    /// <summary>Whether it shows snapshots, each of which would arrive as a full copy.</summary>
    public static bool IsOfSnapshots(MountEntry mount, byte[] path) => mount.Type == "btrfs" && path.AsSpan().EndsWith(Snapshots);

    /// <summary>Whether it lies below what the kernel or another machine supplies, which is left out with all that is in it.</summary>
    public bool IsHidden(PlacedMount mount)
        => !mount.IsOwn && _mounts.Any(m => (FileSystemKinds.IsPseudo(m.Mount.Type) || FileSystemKinds.IsNetwork(m.Mount.Type)) && !m.IsOwn && MountTable.IsBelow(mount.Path, m.Path));

    /// <summary>Whether it shows a directory that is carried at another place, where another mount shows it.</summary>
    public bool IsDirectoryOfAnother(PlacedMount mount) => _elsewhere.Contains(mount);

    /// <summary>Whether it is a directory mounted over itself: what is there is what would be there without it.</summary>
    public bool IsInPlace(PlacedMount mount) => _inPlace.Contains(mount);

    /// <summary>Whether nothing before it shows the same; the root and the data disks come before all others.</summary>
    public bool IsFirst(PlacedMount mount) => ReferenceEquals(FirstOf(mount), mount);

    /// <summary>The mount where what it shows is carried.</summary>
    public PlacedMount FirstOf(PlacedMount mount) => _first[mount];

    /// <summary>Places where a subvolume shows another that is mounted and carried elsewhere.</summary>
    public IEnumerable<byte[]> Views() => Inside().Select(static v => v.Place);

    /// <summary>What the fix-ups must know.</summary>
    public List<SharedPlace> Places()
    {
        List<SharedPlace> places = [];
        foreach (PlacedMount mount in _mounts.Where(m => _first.ContainsKey(m) && !IsFirst(m) && !m.IsOwn))
        {
            places.Add(new SharedPlace(Text(mount.Path), Text(FirstOf(mount).Path)));
        }

        // The root once more, somewhere below itself, is of no use, nor is what is not carried.
        places.AddRange(Inside().Where(static v => v.Target.Length > 1 && !v.Target.AsSpan().EndsWith(Snapshots)).Select(static v => new SharedPlace(Text(v.Place), Text(v.Target))));
        return places;

        static string Text(byte[] path) => Encoding.UTF8.GetString(path);
    }

    private IEnumerable<(byte[] Place, byte[] Target)> Inside()
    {
        List<PlacedMount> carried = [.. _mounts.Where(m => _first.ContainsKey(m) && IsFirst(m))];
        foreach (PlacedMount around in carried)
        {
            foreach (PlacedMount inner in carried)
            {
                if (inner.Mount.IsSubvolume == true && IsInside(inner.Mount, around.Mount)
                    && PlaceOf(inner.Mount, around) is var place && !IsCovered(place, around))
                {
                    yield return (place, inner.Path);
                }
            }
        }
    }

    private bool IsData(PlacedMount mount)
        => mount.IsOwn || !(FileSystemKinds.IsPseudo(mount.Mount.Type) || FileSystemKinds.IsNetwork(mount.Mount.Type) || IsHidden(mount));

    /// <summary>Whether something is mounted there, or above it, that shows other files than the mount around it.</summary>
    private bool IsCovered(byte[] place, PlacedMount around)
        => _mounts.Any(m => MountTable.IsBelow(m.Path, around.Path) && (m.Path.AsSpan().SequenceEqual(place) || MountTable.IsBelow(place, m.Path))
            && !(!m.IsOwn && m.Mount.IsSubvolume == false && IsInside(m.Mount, around.Mount) && PlaceOf(m.Mount, around).AsSpan().SequenceEqual(m.Path)));

    private static bool IsInside(MountEntry mount, MountEntry around) => mount.Device == around.Device && MountTable.IsBelow(mount.Root, around.Root);

    /// <summary>Where the mount around it has what a mount shows.</summary>
    private static byte[] PlaceOf(MountEntry mount, PlacedMount around)
        => [.. around.Path.AsSpan().TrimEnd((byte)'/'), .. mount.Root.AsSpan(around.Mount.Root.Length == 1 ? 0 : around.Mount.Root.Length)];
}
