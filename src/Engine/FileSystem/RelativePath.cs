namespace NativeSync.Engine.FileSystem;

/// <summary>Paths below a root handle, as bytes.</summary>
internal static class RelativePath
{
    /// <summary>
    /// True for components joined by single slashes, none of them empty, "." or "..", none longer than 255 bytes, no NUL. The empty
    /// path (the root itself) is safe too.
    /// </summary>
    public static bool IsSafe(ReadOnlySpan<byte> path)
    {
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            if (!IsName(name))
            {
                return false;
            }

            if (slash < 0)
            {
                return true;
            }

            path = path[(slash + 1)..];
            if (path.IsEmpty)
            {
                return false; // a trailing slash
            }
        }

        return true;
    }

    /// <summary>True for one component that may be created or opened below a directory.</summary>
    public static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 255
        && name is not [(byte)'.'] and not [(byte)'.', (byte)'.']
        && name.IndexOfAny((byte)0, (byte)'/') < 0;
}
