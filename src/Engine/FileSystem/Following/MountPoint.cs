using System.Buffers.Text;
using System.Text;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>A mount, as /proc/self/mountinfo tells (proc(5)). Two that are equal are the same mount, or cannot be told apart.</summary>
/// <param name="Id">Of the mount, until it is gone.</param>
/// <param name="Device">major:minor.</param>
/// <param name="Root">The part of the file system that it shows.</param>
/// <param name="Path">Where.</param>
/// <param name="Type">Of the file system.</param>
internal sealed record MountPoint(int Id, string Device, string Root, string Path, string Type)
{
    /// <summary>The mounts of this process in the order of the kernel, later ones over earlier ones; texts are Latin-1.</summary>
    public static List<MountPoint> ReadAll(ISystemCalls io) => Parse(ProcText.Read(io, "/proc/self/mountinfo"u8) ?? []);

    /// <summary>The same of what such a file holds.</summary>
    public static List<MountPoint> Parse(byte[] text)
    {
        List<MountPoint> mounts = [];
        foreach (var range in text.AsSpan().Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text.AsSpan(range);
            var type = line.IndexOf(" - "u8);
            if (type < 0 || !Utf8Parser.TryParse(line, out int id, out _))
            {
                continue;
            }

            var fields = Encoding.Latin1.GetString(line).Split(' ');
            mounts.Add(new MountPoint(id, fields[2], Unescape(fields[3]), Unescape(fields[4]), Encoding.Latin1.GetString(line[(type + 3)..]).Split(' ')[0]));
        }

        return mounts;
    }

    /// <summary>The one that shows a path.</summary>
    public static MountPoint? Showing(IReadOnlyList<MountPoint> mounts, string path)
    {
        MountPoint? best = null;
        foreach (var mount in mounts)
        {
            best = IsWithin(path, mount.Path) && mount.Path.Length >= (best?.Path.Length ?? 0) ? mount : best;
        }

        return best;
    }

    /// <summary>Whether an absolute path is another one or lies below it.</summary>
    public static bool IsWithin(string path, string directory) =>
        directory.Length == 1 || (path.StartsWith(directory, StringComparison.Ordinal) && (path.Length == directory.Length || path[directory.Length] == '/'));

    /// <summary>Space, tab, line feed and backslash are three octal digits behind a backslash.</summary>
    private static string Unescape(string text)
    {
        for (var at = text.IndexOf('\\', StringComparison.Ordinal); at >= 0 && at + 3 < text.Length; at = text.IndexOf('\\', at + 1))
        {
            text = string.Concat(text.AsSpan(0, at), ((char)(((text[at + 1] - '0') << 6) | ((text[at + 2] - '0') << 3) | (text[at + 3] - '0'))).ToString(), text.AsSpan(at + 4));
        }

        return text;
    }
}
