using System.Diagnostics;

namespace NativeSync.Engine.Filters;

/// <summary>
/// A compiled wildcard pattern over bytes (rsync-semantics.md §2.3): <c>?</c>, <c>*</c>, <c>**</c>, classes, and backslash escapes.
/// </summary>
/// <remarks>
/// Matching goes back to two points, the last <c>*</c> and the last <c>**</c>, and never to a stack of them. That is enough: the text
/// between two stars was matched as early as it can be, so moving an earlier star only leaves less room for what follows, and a part
/// that holds a literal slash is pinned to the next slash of the text. Where even that takes long, all ways are followed at once. So
/// the cost is at most (text length) × (pattern length) and a little, whatever the pattern.
/// </remarks>
internal sealed class WildPattern
{
    private const byte Slash = (byte)'/';

    /// <summary>Steps for each byte of text and pattern before all ways are followed: ordinary patterns take one or two.</summary>
    private const int Patience = 16;

    private readonly ushort[] _tokens;
    private readonly List<ByteSet> _sets = [];

    // A token is a byte value (literal), or one of these, or FirstSet + the index of a class.
    private const ushort AnyByte = 0x100;
    private const ushort Star = 0x101;
    private const ushort StarStar = 0x102;
    private const ushort FirstSet = 0x200;

    /// <summary>Compiles <paramref name="pattern"/>; a malformed one (unterminated class, unknown class name, dangling backslash) matches nothing.</summary>
    public WildPattern(ReadOnlySpan<byte> pattern)
    {
        List<ushort> tokens = new(pattern.Length);
        int at = 0;
        while (at < pattern.Length)
        {
            byte b = pattern[at++];
            switch (b)
            {
                case (byte)'\\' when at == pattern.Length:
                    MatchesNothing = true;
                    break;
                case (byte)'\\':
                    tokens.Add(pattern[at++]);
                    break;
                case (byte)'?':
                    tokens.Add(AnyByte);
                    break;
                case (byte)'*':
                    int start = at - 1;
                    while (at < pattern.Length && pattern[at] == '*')
                    {
                        at++;
                    }

                    tokens.Add(at - start > 1 ? StarStar : Star);
                    break;
                case (byte)'[':
                    if (CharacterClass.TryParse(pattern, ref at, out ByteSet set) && _sets.Count < ushort.MaxValue - FirstSet)
                    {
                        tokens.Add((ushort)(FirstSet + _sets.Count));
                        _sets.Add(set);
                    }
                    else
                    {
                        // Every part of a pattern has to match, so a class that cannot match spoils the whole of it.
                        MatchesNothing = true;
                        at = pattern.Length;
                    }

                    break;
                default:
                    tokens.Add(b);
                    break;
            }
        }

        _tokens = [.. tokens];
    }

    /// <summary>The pattern is malformed and matches no text.</summary>
    public bool MatchesNothing { get; }

    /// <summary>Whether the pattern matches all of <paramref name="text"/>.</summary>
    public bool Matches(ReadOnlySpan<byte> text) => Matches(text, out _);

    /// <summary>The same; <paramref name="steps"/> is what it took, at most <see cref="MaxSteps"/>.</summary>
    internal bool Matches(ReadOnlySpan<byte> text, out long steps)
    {
        steps = 0;
        if (MatchesNothing)
        {
            return false;
        }

        int patience = Patience * (text.Length + _tokens.Length + 1);
        if (TryGoingBack(text, ref patience) is { } matches)
        {
            steps = (Patience * (text.Length + _tokens.Length + 1)) - patience;
            return matches;
        }

        steps = MaxSteps(text.Length);
        return MatchesAllWays(text);
    }

    /// <summary>The most steps for a text of that length.</summary>
    internal long MaxSteps(int length) => ((long)Patience * (length + _tokens.Length + 1)) + (((long)length + 1) * (_tokens.Length + 1));

    /// <summary>Follows all ways through the pattern at once, a byte of the text after the other.</summary>
    internal bool MatchesAllWays(ReadOnlySpan<byte> text)
    {
        // Place k: the tokens before k have matched what came so far.
        Span<bool> places = new bool[_tokens.Length + 1];
        Span<bool> next = new bool[_tokens.Length + 1];
        places[0] = true;
        PassStars(places);
        foreach (byte b in text)
        {
            next.Clear();
            for (int k = 0; k < _tokens.Length; k++)
            {
                if (!places[k])
                {
                    continue;
                }

                ushort token = _tokens[k];
                bool star = token is Star or StarStar;
                next[k] |= token == StarStar || (token == Star && b != Slash);
                next[k + 1] |= !star && MatchesByte(token, b);
            }

            PassStars(next);
            Span<bool> spare = places;
            places = next;
            next = spare;
        }

        return places[^1];
    }

    /// <summary>A star may stand for nothing.</summary>
    private void PassStars(Span<bool> places)
    {
        for (int k = 0; k < _tokens.Length; k++)
        {
            places[k + 1] |= places[k] && _tokens[k] is (Star or StarStar);
        }
    }

    /// <summary>Goes back to the last star where a way ends; null when <paramref name="patience"/> ends first.</summary>
    private bool? TryGoingBack(ReadOnlySpan<byte> text, ref int patience)
    {
        ReadOnlySpan<ushort> tokens = _tokens;
        int i = 0, k = 0;
        int starToken = -1, starText = 0;
        int doubleToken = -1, doubleText = 0;
        while (--patience >= 0)
        {
            if (k < tokens.Length)
            {
                ushort token = tokens[k];
                if (token == Star)
                {
                    starToken = ++k;
                    starText = i;
                    continue;
                }

                if (token == StarStar)
                {
                    if (++k == tokens.Length)
                    {
                        return true;
                    }

                    doubleToken = k;
                    doubleText = i;
                    starToken = -1;
                    continue;
                }

                if (i == text.Length)
                {
                    // Out of text: any star that took more would leave even less.
                    return false;
                }

                if (MatchesByte(token, text[i]))
                {
                    i++;
                    k++;
                    continue;
                }
            }
            else if (i == text.Length)
            {
                return true;
            }

            if (starToken >= 0 && starText < text.Length && text[starText] != Slash)
            {
                i = ++starText;
                k = starToken;
            }
            else if (doubleToken >= 0 && doubleText < text.Length)
            {
                i = ++doubleText;
                k = doubleToken;
                starToken = -1;
            }
            else
            {
                return false;
            }
        }

        return null;
    }

    private bool MatchesByte(ushort token, byte b)
    {
        if (token < AnyByte)
        {
            return token == b;
        }

        Debug.Assert(token == AnyByte || token >= FirstSet, "stars are handled by the caller");
        return token == AnyByte ? b != Slash : _sets[token - FirstSet].Contains(b);
    }
}
