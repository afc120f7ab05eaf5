using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Numbers for sets of hard links, given in the order in which their first member is met, and the path of that member.
/// Written by the scanner, read by the receive loop; guarded by <c>_gate</c>.
/// </summary>
internal sealed class LinkGroups
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Device, ulong Inode), int> _numbers = [];
    private readonly List<(byte[] Directory, byte[] Name)> _leaders = [];

    /// <summary>The group of each entry, 0 for those with one name only; null when the directory has no hard links.</summary>
    public ulong[]? Assign(DirectoryListing listing, byte[] path)
    {
        ulong[]? groups = null;
        for (var i = 0; i < listing.Count; i++)
        {
            ref var identity = ref listing.Identity(i);
            if (identity.LinkCount < 2 || listing.Metadata(i).IsDirectory)
            {
                continue;
            }

            groups ??= new ulong[listing.Count];
            var key = (identity.Device, identity.Inode);
            lock (_gate)
            {
                if (!_numbers.TryGetValue(key, out var number))
                {
                    _leaders.Add((path, listing.Name(i).ToArray()));
                    number = _leaders.Count;
                    _numbers.Add(key, number);
                }

                groups[i] = (ulong)number;
            }
        }

        return groups;
    }

    /// <summary>The path of the first member of a group; null for group 0.</summary>
    public byte[]? LeaderOf(ulong group)
    {
        lock (_gate)
        {
            return group == 0 ? null : PathBytes.Join(_leaders[(int)group - 1].Directory, _leaders[(int)group - 1].Name);
        }
    }
}
