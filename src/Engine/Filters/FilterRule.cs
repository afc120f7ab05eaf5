using System.Buffers;

namespace NativeSync.Engine.Filters;

/// <summary>Where a leading slash of a pattern is anchored, when not at the root of the transfer: at the directory of a dir-merge file.</summary>
/// <param name="Below">How many bytes of a name lie before the part below that directory, slash included.</param>
/// <param name="Above">The way from that directory down to the root of the transfer, for a directory above the root.</param>
internal readonly record struct RuleAnchor(int Below, byte[]? Above);

/// <summary>One include or exclude rule, compiled (rsync-semantics.md §2.2). Immutable.</summary>
internal sealed class FilterRule
{
    private const byte Slash = (byte)'/';
    private const int StackBytes = 1024;

    private readonly byte[] _pattern;
    private readonly WildPattern? _wild;
    private readonly int _slashes;
    private readonly bool _directoryOnly;
    private readonly bool _anchored;
    private readonly bool _crossesSlashes;
    private readonly bool _startsWithStars;
    private readonly bool _endsWithTripleStar;
    private readonly RuleAnchor _anchor;

    /// <summary>Compiles <paramref name="pattern"/> as it stands in a rule, trailing and leading slash included.</summary>
    public FilterRule(ReadOnlySpan<byte> pattern, RuleFlags flags, RuleAnchor anchor = default)
    {
        Flags = flags;
        _anchor = anchor;
        if (pattern.Length > 1 && pattern[^1] == Slash)
        {
            _directoryOnly = true;
            pattern = pattern[..^1];
        }

        _slashes = pattern.Count(Slash);
        bool wild = pattern.ContainsAny("*[?"u8);
        int doubleStar = pattern.IndexOf("**"u8);
        _crossesSlashes = doubleStar >= 0;
        _startsWithStars = doubleStar == 0;
        _endsWithTripleStar = pattern.EndsWith("***"u8);
        _anchored = pattern.Length > 0 && pattern[0] == Slash;
        _pattern = (_anchored ? pattern[1..] : pattern).ToArray();
        _wild = wild ? new WildPattern(_pattern) : null;
    }

    /// <summary>Side, sense and modifiers.</summary>
    public RuleFlags Flags { get; }

    /// <summary>Whether the rule is about names of extended attributes.</summary>
    public bool IsForXattrs => (Flags & RuleFlags.XattrName) != 0;

    /// <summary>Whether the rule includes what it matches.</summary>
    public bool Includes => (Flags & RuleFlags.Include) != 0;

    /// <summary>Whether the rule has a say on <paramref name="side"/>.</summary>
    public bool AppliesTo(FilterSide side) => AppliesTo(Flags, side);

    /// <summary>Whether a rule with those flags has a say on <paramref name="side"/>.</summary>
    public static bool AppliesTo(RuleFlags flags, FilterSide side)
    {
        RuleFlags sides = flags & RuleFlags.Sides;
        return sides is RuleFlags.None or RuleFlags.Sides || sides == (side == FilterSide.Sender ? RuleFlags.SenderSide : RuleFlags.ReceiverSide);
    }

    /// <summary>
    /// Whether the rule takes effect on <paramref name="name"/> (relative to the root of the transfer, no leading slash).
    /// <paramref name="root"/> is the absolute path of that root without its leading slash, used by rules about absolute paths.
    /// </summary>
    public bool TakesEffect(ReadOnlySpan<byte> name, bool isDirectory, ReadOnlySpan<byte> root)
    {
        bool matches = (isDirectory || !_directoryOnly) && MatchesName(name, isDirectory, root);
        return matches != ((Flags & RuleFlags.Negate) != 0);
    }

    private bool MatchesName(ReadOnlySpan<byte> name, bool isDirectory, ReadOnlySpan<byte> root)
    {
        bool basenameOnly = _slashes == 0 && !_crossesSlashes;
        if (basenameOnly)
        {
            name = name[(name.LastIndexOf(Slash) + 1)..];
        }

        // Virtual pieces around the name: what lies above it for anchored and absolute rules, a slash that a leading "**/" may take, one for "dir/***".
        if ((Flags & RuleFlags.AbsolutePath) == 0)
        {
            // rsync joins the directory's path and the pattern, and so takes a '[' in the path for a class; we do not.
            root = _anchored ? _anchor.Above : default;
            name = _anchored ? name[_anchor.Below..] : name;
        }

        bool prefixRoot = !basenameOnly && root.Length > 0;
        bool prefixSlash = !basenameOnly && !prefixRoot && _startsWithStars;
        bool suffixSlash = isDirectory && _endsWithTripleStar;
        if (!prefixRoot && !prefixSlash && !suffixSlash)
        {
            return MatchesText(name);
        }

        int length = (prefixRoot ? root.Length + 1 : 0) + (prefixSlash ? 1 : 0) + name.Length + (suffixSlash ? 1 : 0);
        byte[]? rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> text = rented is null ? stackalloc byte[StackBytes] : rented;
        int at = 0;
        if (prefixRoot)
        {
            root.CopyTo(text);
            at = root.Length;
        }

        if (prefixRoot || prefixSlash)
        {
            text[at++] = Slash;
        }

        name.CopyTo(text[at..]);
        at += name.Length;
        if (suffixSlash)
        {
            text[at++] = Slash;
        }

        bool result = MatchesText(text[..at]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return result;
    }

    private bool MatchesText(ReadOnlySpan<byte> text)
    {
        if (_wild is null)
        {
            return MatchesLiteral(text);
        }

        if (_anchored)
        {
            return _wild.Matches(text);
        }

        if (_slashes > 0 && !_crossesSlashes)
        {
            int start = StartOfLastElements(text, _slashes + 1);
            return start >= 0 && _wild.Matches(text[start..]);
        }

        if (_wild.Matches(text))
        {
            return true;
        }

        if (!_crossesSlashes || _startsWithStars)
        {
            return false;
        }

        while (text.IndexOf(Slash) is >= 0 and int slash)
        {
            text = text[(slash + 1)..];
            if (_wild.Matches(text))
            {
                return true;
            }
        }

        return false;
    }

    private bool MatchesLiteral(ReadOnlySpan<byte> text)
    {
        if (_anchored)
        {
            return text.SequenceEqual(_pattern);
        }

        int start = text.Length - _pattern.Length;
        return start >= 0 && text[start..].SequenceEqual(_pattern) && (start == 0 || text[start - 1] == Slash);
    }

    /// <summary>Where the last <paramref name="count"/> elements of a path begin, or -1 when it has fewer.</summary>
    private static int StartOfLastElements(ReadOnlySpan<byte> text, int count)
    {
        int end = text.Length;
        while (true)
        {
            int slash = text[..end].LastIndexOf(Slash);
            if (--count == 0)
            {
                return slash + 1;
            }

            if (slash < 0)
            {
                return -1;
            }

            end = slash;
        }
    }
}
