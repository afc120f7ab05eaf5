using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Filters;

/// <summary>Absolute paths of roots, by their text alone as in rsync: links on the way are not resolved.</summary>
internal static class RootPath
{
    private const byte Slash = (byte)'/';

    /// <summary>The absolute path of what an operator named, without slashes at the ends.</summary>
    public static byte[] Of(ISystemCalls io, ReadOnlySpan<byte> operatorPath)
    {
        if (operatorPath is [Slash, ..])
        {
            return Clean(operatorPath);
        }

        // The runtime's own answer is text, which loses names that are not UTF-8; it has to do where there is no /proc.
        byte[] room = new byte[4096];
        int self = io.OpenPath("/proc/self"u8, OpenFlags.PathOnly | OpenFlags.Directory);
        int length = self < 0 ? self : io.ReadLinkAt(self, "cwd"u8, room);
        _ = self < 0 ? 0 : io.Close(self);
        ReadOnlySpan<byte> working = length > 0 ? room.AsSpan(0, length) : ByteText.FromArgument(Environment.CurrentDirectory);
        return Clean([.. working, Slash, .. operatorPath]);
    }

    /// <summary>Takes empty, "." and ".." components out; the result has no slash at either end.</summary>
    public static byte[] Clean(ReadOnlySpan<byte> absolutePath)
    {
        List<byte> clean = [];
        foreach (Range range in absolutePath.Split(Slash))
        {
            ReadOnlySpan<byte> name = absolutePath[range];
            if (name.SequenceEqual(".."u8))
            {
                int slash = clean.LastIndexOf(Slash);
                clean.RemoveRange(Math.Max(0, slash), clean.Count - Math.Max(0, slash));
            }
            else if (!name.IsEmpty && !name.SequenceEqual("."u8))
            {
                if (clean.Count > 0)
                {
                    clean.Add(Slash);
                }

                clean.AddRange(name);
            }
        }

        return [.. clean];
    }

    /// <summary>Whether a clean path is another one or lies below it.</summary>
    public static bool IsWithin(ReadOnlySpan<byte> path, ReadOnlySpan<byte> directory) =>
        directory.IsEmpty || (path.StartsWith(directory) && (path.Length == directory.Length || path[directory.Length] == Slash));
}
