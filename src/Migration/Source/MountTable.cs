using System.Buffers.Text;
using System.Text;

namespace NativeSync.Migration.Source;

/// <summary>One mount of the source.</summary>
/// <param name="MountPoint">Bytes of the mount point, absolute.</param>
/// <param name="Type">Type of the file system.</param>
/// <param name="Device">major:minor.</param>
/// <param name="Root">The part of the file system that is mounted, "/" for all of it.</param>
/// <param name="Source">What was mounted, a block device as a rule.</param>
/// <param name="IsSubvolume">A subvolume of btrfs as a whole, and no directory of one; null where the kernel does not tell, before 4.2.</param>
public sealed record MountEntry(byte[] MountPoint, string Type, string Device, byte[] Root, string Source = "", bool? IsSubvolume = false)
{
    /// <summary>The kernel's number of it, and of the mount that it is mounted on.</summary>
    internal int Id { get; init; }

    /// <inheritdoc cref="Id"/>
    internal int Parent { get; init; }
}

/// <summary>Reads /proc/self/mountinfo (proc(5)).</summary>
public static class MountTable
{
    /// <summary>The mounts in the order of the file: later ones lie over earlier ones. What is below a directory on which something else was mounted later is left out: no path leads there.</summary>
    public static List<MountEntry> Parse(ReadOnlySpan<byte> mountinfo)
    {
        List<MountEntry> entries = [];
        Span<Range> fields = stackalloc Range[6];
        foreach (Range lineRange in mountinfo.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = mountinfo[lineRange];
            int separator = line.IndexOf(" - "u8);
            if (separator < 0)
            {
                continue;
            }

            ReadOnlySpan<byte> head = line[..separator];
            ReadOnlySpan<byte> tail = line[(separator + 3)..];
            int count = 0;
            foreach (Range field in head.Split((byte)' '))
            {
                if (count == fields.Length)
                {
                    break;
                }

                fields[count++] = field;
            }

            if (count < 5)
            {
                continue;
            }

            int space = tail.IndexOf((byte)' ');
            int subvolume = tail.IndexOf(",subvol="u8);
            entries.Add(new MountEntry(
                Unescape(head[fields[4]]),
                Encoding.ASCII.GetString(space < 0 ? tail : tail[..space]),
                Encoding.ASCII.GetString(head[fields[2]]),
                Unescape(head[fields[3]]),
                SourceOf(space < 0 ? [] : tail[(space + 1)..]),
                !tail.StartsWith("btrfs "u8) ? false : subvolume < 0 ? null : tail[(subvolume + ",subvol="u8.Length)..].SequenceEqual(head[fields[3]]))
            {
                Id = Utf8Parser.TryParse(head[fields[0]], out int id, out _) ? id : 0,
                Parent = Utf8Parser.TryParse(head[fields[1]], out int parent, out _) ? parent : 0,
            });
        }

        HashSet<int> hidden = [];
        for (int before = -1; before < hidden.Count;)
        {
            before = hidden.Count;
            foreach (MountEntry mount in entries)
            {
                // Whoever is mounted below another one has that for its parent, unless it was there before. The first of all, an initramfs, is its own parent.
                if ((hidden.Contains(mount.Parent) && mount.Parent != mount.Id)
                    || entries.Exists(other => other.Parent == mount.Parent && other.Id != mount.Parent && IsBelow(mount.MountPoint, other.MountPoint)))
                {
                    hidden.Add(mount.Id);
                }
            }
        }

        entries.RemoveAll(mount => hidden.Contains(mount.Id));
        return entries;
    }

    /// <summary>Whether a path lies below a directory, and is not that itself.</summary>
    internal static bool IsBelow(byte[] path, byte[] directory)
        => directory.Length == 1 ? path.Length > 1 : path.Length > directory.Length && path.AsSpan().StartsWith(directory) && path[directory.Length] == '/';

    private static string SourceOf(ReadOnlySpan<byte> tail)
    {
        int space = tail.IndexOf((byte)' ');
        return Encoding.UTF8.GetString(Unescape(space < 0 ? tail : tail[..space]));
    }

    private static byte[] Unescape(ReadOnlySpan<byte> text)
    {
        List<byte> result = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && IsOctal(text[i + 1]) && IsOctal(text[i + 2]) && IsOctal(text[i + 3]))
            {
                result.Add((byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                result.Add(text[i]);
            }
        }

        return [.. result];
    }

    private static bool IsOctal(byte b) => b is >= (byte)'0' and <= (byte)'7';
}
