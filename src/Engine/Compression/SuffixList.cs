namespace NativeSync.Engine.Compression;

/// <summary>
/// rsync's <c>--skip-compress</c>: suffixes behind the last dot of a name, separated by slashes, with simple classes of letters (<c>jp[e]g/mp[34]</c>);
/// small and capital letters are the same.
/// </summary>
internal sealed class SuffixList
{
    private readonly List<byte[][]> _suffixes = [];

    /// <summary>Reads a list; false when a class is not closed.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out SuffixList list)
    {
        list = new SuffixList();
        List<byte[]> suffix = [];
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == '/')
            {
                if (suffix.Count > 0)
                {
                    list._suffixes.Add([.. suffix]);
                    suffix.Clear();
                }
            }
            else if (text[i] == '[')
            {
                var length = text[i..].IndexOf((byte)']');
                if (length < 0)
                {
                    return false;
                }

                suffix.Add(text.Slice(i + 1, length - 1).ToArray());
                i += length;
            }
            else
            {
                suffix.Add([text[i]]);
            }
        }

        return true;
    }

    /// <summary>Whether a file of this name is sent as it is.</summary>
    public bool Matches(ReadOnlySpan<byte> name)
    {
        var dot = name.LastIndexOf((byte)'.');
        if (dot < 0)
        {
            return false;
        }

        var end = name[(dot + 1)..];
        foreach (var suffix in _suffixes)
        {
            if (suffix.Length == end.Length && Matches(suffix, end))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(byte[][] suffix, ReadOnlySpan<byte> end)
    {
        for (var i = 0; i < end.Length; i++)
        {
            if (!Contains(suffix[i], Lower(end[i])))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Contains(byte[] letters, byte letter)
    {
        foreach (var candidate in letters)
        {
            if (Lower(candidate) == letter)
            {
                return true;
            }
        }

        return false;
    }

    private static byte Lower(byte letter) => letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter + 32) : letter;
}
