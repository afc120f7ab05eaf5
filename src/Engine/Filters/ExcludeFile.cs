namespace NativeSync.Engine.Filters;

/// <summary>
/// Turns what <c>--exclude-from</c>, <c>--include-from</c>, <c>--exclude</c> and <c>--include</c> give into rules in the syntax of
/// <c>--filter</c> (rsync-semantics.md §2.1).
/// </summary>
internal static class ExcludeFile
{
    /// <summary>rsync discards longer lines.</summary>
    private const int MaxLine = 5119;

    /// <summary>
    /// Reads a whole file. A line ends at LF or CR (with <paramref name="nulSeparated"/> at NUL only); empty lines and those whose first
    /// byte is <c>#</c> or <c>;</c> are skipped; <c>"+ "</c>, <c>"- "</c> and a lone <c>!</c> are the only prefixes.
    /// </summary>
    /// <exception cref="FilterException">A line has a prefix and no pattern; the message ends in the number of the line.</exception>
    public static List<byte[]> Read(ReadOnlySpan<byte> content, bool include, bool nulSeparated)
    {
        List<byte[]> rules = [];
        int line = 1;
        while (!content.IsEmpty)
        {
            int end = nulSeparated ? content.IndexOf((byte)0) : content.IndexOfAny((byte)'\n', (byte)'\r');
            ReadOnlySpan<byte> text = end < 0 ? content : content[..end];
            bool crlf = !nulSeparated && end >= 0 && end + 1 < content.Length && content[end] == '\r' && content[end + 1] == '\n';
            content = end < 0 ? default : content[(end + (crlf ? 2 : 1))..];

            // Inside a line a NUL ends it, as in any C string.
            int nul = text.IndexOf((byte)0);
            text = nul < 0 ? text : text[..nul];
            if (text.Length > 0 && text.Length <= MaxLine && text[0] is not ((byte)'#' or (byte)';'))
            {
                try
                {
                    rules.Add(FromArgument(text, include));
                }
                catch (FilterException e)
                {
                    throw new FilterException($"{e.Message} (line {line})", e.ExitCode, null, line);
                }
            }

            line++;
        }

        return rules;
    }

    /// <summary>The rule that one <c>--exclude</c> or <c>--include</c> argument, or one line of a file, stands for. Empty stays empty.</summary>
    /// <exception cref="FilterException">There is a prefix and no pattern.</exception>
    public static byte[] FromArgument(ReadOnlySpan<byte> pattern, bool include)
    {
        if (pattern.IsEmpty || pattern.SequenceEqual("!"u8))
        {
            return pattern.ToArray();
        }

        bool prefixed = pattern is [(byte)'+' or (byte)'-', (byte)' ', ..];
        if (!prefixed)
        {
            return [include ? (byte)'+' : (byte)'-', (byte)' ', .. pattern];
        }

        return pattern.Length > 2 ? pattern.ToArray() : throw new FilterException($"unexpected end of filter rule: {ByteText.Escape(pattern)}");
    }
}
