namespace NativeSync.Engine.FileSystem;

/// <summary>Files that fit into memory.</summary>
internal static class SmallFile
{
    private const int FirstRead = 16 * 1024;

    /// <summary>What an open file holds from its place on: up to about <paramref name="limit"/> bytes, and what came before an error.</summary>
    public static byte[] Read(ISystemCalls io, int fd, int limit = FirstRead)
    {
        byte[] content = new byte[FirstRead];
        int used = 0;
        while (io.Read(fd, content.AsSpan(used)) is > 0 and var n)
        {
            used += (int)n;
            if (used == content.Length)
            {
                if (used >= limit)
                {
                    break;
                }

                Array.Resize(ref content, used * 2);
            }
        }

        return content[..used];
    }
}
