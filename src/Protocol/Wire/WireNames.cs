namespace NativeSync.Protocol;

/// <summary>What a name from the wire must be (docs/protocol.md, "Names"; design: the receiver trusts nobody).</summary>
public static class WireNames
{
    /// <summary>Whether these bytes are one component of a path: 1 to 255 bytes, no '/', no NUL, not "." or "..".</summary>
    public static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= ProtocolLimits.MaxNameLength
        && name.IndexOfAny((byte)'/', (byte)0) < 0
        && !(name[0] == '.' && (name.Length == 1 || (name.Length == 2 && name[1] == '.')));

    /// <summary>Whether these bytes are names joined by single slashes, at most 64 KiB, not absolute, not empty.</summary>
    public static bool IsRelativePath(ReadOnlySpan<byte> path)
    {
        if (path.Length > ProtocolLimits.MaxPath)
        {
            return false;
        }

        while (true)
        {
            int slash = path.IndexOf((byte)'/');
            if (slash < 0)
            {
                return IsName(path);
            }

            if (!IsName(path[..slash]))
            {
                return false;
            }

            path = path[(slash + 1)..];
        }
    }

    internal static void CheckName(ReadOnlySpan<byte> name)
    {
        if (!IsName(name))
        {
            // The bytes themselves stay out of the message: they are the peer's.
            Throw.Protocol(ProtocolError.BadName, $"a name of {name.Length} bytes is empty, too long, \".\", \"..\", or has a slash or NUL in it");
        }
    }

    internal static void CheckRelativePath(ReadOnlySpan<byte> path)
    {
        if (!IsRelativePath(path))
        {
            Throw.Protocol(ProtocolError.BadName, $"a path of {path.Length} bytes is absolute, empty, too long or not plain");
        }
    }

    internal static void CheckNoNul(ReadOnlySpan<byte> text, string what)
    {
        if (text.Contains((byte)0))
        {
            Throw.Protocol(ProtocolError.BadName, $"{what} has a NUL in it");
        }
    }
}
