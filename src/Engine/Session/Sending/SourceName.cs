namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// One SRC, or one line of a list, taken apart. As in rsync, a name that ends in '/' (or is or ends in "." or "..") stands for
/// the contents of a directory, any other for the entry itself; with <c>--relative</c> the path behind <c>/./</c>, or all of it,
/// is kept.
/// </summary>
/// <param name="Directory">The path below which the rest lies; "." for the working directory.</param>
/// <param name="Parts">The names that are kept; none for the directory's own contents.</param>
/// <param name="Contents">The contents are meant.</param>
/// <param name="Dotted">It began with <c>./</c>, which names the root of the transfer, too.</param>
internal readonly record struct SourceName(byte[] Directory, byte[][] Parts, bool Contents, bool Dotted)
{
    /// <exception cref="SessionException">Code 1: a path that is kept must not have ".." in it.</exception>
    public static SourceName Parse(ReadOnlySpan<byte> source, bool relative)
    {
        if (!relative)
        {
            if (MeansContents(source))
            {
                return new SourceName(source.IsEmpty ? "."u8.ToArray() : source.ToArray(), [], Contents: true, Dotted: false);
            }

            var (directory, name) = PathBytes.Split(source);
            return new SourceName(directory.Length == 0 ? "."u8.ToArray() : directory, [name], Contents: false, Dotted: false);
        }

        var kept = source;
        var prefix = "."u8;
        var dotted = source.StartsWith("./"u8);
        var pivot = dotted ? -1 : source.IndexOf("/./"u8);
        if (pivot >= 0)
        {
            prefix = pivot == 0 ? "/"u8 : source[..pivot];
            kept = source[(pivot + 3)..];
        }
        else if (source.StartsWith("/"u8))
        {
            prefix = "/"u8;
        }

        var parts = new List<byte[]>();
        foreach (var range in kept.Split((byte)'/'))
        {
            var part = kept[range];
            if (part.SequenceEqual(".."u8))
            {
                throw new SessionException(1, $"found \"..\" dir in relative path: {ByteText.Escape(kept)} (put /./ behind it)");
            }

            if (!part.IsEmpty && !part.SequenceEqual("."u8))
            {
                parts.Add(part.ToArray());
            }
        }

        return new SourceName(prefix.ToArray(), [.. parts], parts.Count == 0 || MeansContents(kept), dotted);
    }

    private static bool MeansContents(ReadOnlySpan<byte> path) =>
        path.IsEmpty || path[^1] == (byte)'/' || path.SequenceEqual("."u8) || path.SequenceEqual(".."u8)
        || path.EndsWith("/."u8) || path.EndsWith("/.."u8);
}
