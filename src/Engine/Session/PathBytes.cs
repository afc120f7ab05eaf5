namespace NativeSync.Engine.Session;

/// <summary>Relative paths as bytes, parts joined by '/'.</summary>
internal static class PathBytes
{
    public static byte[] Join(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        if (directory.IsEmpty)
        {
            return name.ToArray();
        }

        var path = new byte[directory.Length + 1 + name.Length];
        directory.CopyTo(path);
        path[directory.Length] = (byte)'/';
        name.CopyTo(path.AsSpan(directory.Length + 1));
        return path;
    }

    /// <summary>Splits an operator's path into the directory part (may be empty: the working directory) and the last component.</summary>
    public static (byte[] Directory, byte[] Name) Split(ReadOnlySpan<byte> path)
    {
        var slash = path.LastIndexOf((byte)'/');
        return slash < 0
            ? ([], path.ToArray())
            : (slash == 0 ? "/"u8.ToArray() : path[..slash].ToArray(), path[(slash + 1)..].ToArray());
    }
}
