namespace NativeSync.Engine.Filters;

/// <summary>Parses a bracketed class of a wildcard pattern (rsync-semantics.md §2.3).</summary>
internal static class CharacterClass
{
    /// <summary>
    /// Parses the class whose <c>[</c> lies just before <paramref name="at"/> and moves <paramref name="at"/> behind its <c>]</c>.
    /// </summary>
    /// <returns>False when the class is unterminated or names a class that does not exist: such a pattern matches nothing.</returns>
    public static bool TryParse(ReadOnlySpan<byte> pattern, ref int at, out ByteSet set)
    {
        set = default;
        int i = at;
        bool negated = i < pattern.Length && pattern[i] is (byte)'!' or (byte)'^';
        if (negated)
        {
            i++;
        }

        // The lower end of a range, or -1 when a '-' here would be literal.
        int previous = -1;
        for (bool first = true; ; first = false)
        {
            if (i >= pattern.Length)
            {
                return false;
            }

            byte b = pattern[i];
            if (b == ']' && !first)
            {
                at = i + 1;
                break;
            }

            if (b == '-' && previous >= 0 && i + 1 < pattern.Length && pattern[i + 1] != ']')
            {
                i++;
                if (!TryReadMember(pattern, ref i, out byte last))
                {
                    return false;
                }

                set.AddRange(previous, last);
                previous = -1;
            }
            else if (b == '[' && i + 1 < pattern.Length && pattern[i + 1] == ':' && IsNamedClass(pattern[(i + 2)..], out int length))
            {
                if (length < 0 || !TryAddNamed(pattern.Slice(i + 2, length), ref set))
                {
                    return false;
                }

                i += 2 + length + 2;
                previous = -1;
            }
            else
            {
                if (!TryReadMember(pattern, ref i, out byte member))
                {
                    return false;
                }

                set.Add(member);
                previous = member;
            }
        }

        if (negated)
        {
            set = set.Complement();
        }

        set.Remove((byte)'/');
        return true;
    }

    /// <summary>Reads one byte that may be escaped; a backslash at the very end makes the pattern malformed.</summary>
    private static bool TryReadMember(ReadOnlySpan<byte> pattern, ref int i, out byte member)
    {
        member = pattern[i++];
        if (member != '\\')
        {
            return true;
        }

        if (i == pattern.Length)
        {
            return false;
        }

        member = pattern[i++];
        return true;
    }

    /// <summary>
    /// Decides whether <c>[:</c> opens a named class: what lies up to the next <c>]</c> must end in a colon.
    /// <paramref name="length"/> is that of the name, or -1 when there is no <c>]</c> at all (unterminated).
    /// </summary>
    private static bool IsNamedClass(ReadOnlySpan<byte> rest, out int length)
    {
        int end = rest.IndexOf((byte)']');
        length = end - 1;
        if (end < 0)
        {
            length = -1;
            return true;
        }

        return end > 0 && rest[end - 1] == ':';
    }

    private static bool TryAddNamed(ReadOnlySpan<byte> name, ref ByteSet set)
    {
        Func<char, bool>? belongs = name switch
        {
            _ when name.SequenceEqual("alnum"u8) => char.IsAsciiLetterOrDigit,
            _ when name.SequenceEqual("alpha"u8) => char.IsAsciiLetter,
            _ when name.SequenceEqual("blank"u8) => static c => c is ' ' or '\t',
            _ when name.SequenceEqual("cntrl"u8) => static c => c is < ' ' or '\x7f',
            _ when name.SequenceEqual("digit"u8) => char.IsAsciiDigit,
            _ when name.SequenceEqual("graph"u8) => static c => c is > ' ' and < '\x7f',
            _ when name.SequenceEqual("lower"u8) => char.IsAsciiLetterLower,
            _ when name.SequenceEqual("print"u8) => static c => c is >= ' ' and < '\x7f',
            _ when name.SequenceEqual("punct"u8) => static c => c is > ' ' and < '\x7f' && !char.IsAsciiLetterOrDigit(c),
            _ when name.SequenceEqual("space"u8) => static c => c is ' ' or (>= '\t' and <= '\r'),
            _ when name.SequenceEqual("upper"u8) => char.IsAsciiLetterUpper,
            _ when name.SequenceEqual("xdigit"u8) => char.IsAsciiHexDigit,
            _ => null,
        };
        if (belongs is null)
        {
            return false;
        }

        for (char c = '\0'; c < 128; c++)
        {
            if (belongs(c))
            {
                set.Add((byte)c);
            }
        }

        return true;
    }
}
