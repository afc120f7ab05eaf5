namespace NativeSync.Transport;

/// <summary>Matching of host names against OpenSSH's patterns (ssh_config(5), PATTERNS): <c>*</c>, <c>?</c>, and <c>!</c> for negation.</summary>
internal static class HostPattern
{
    /// <summary>True when at least one pattern matches and no negated one does. Letters are compared without case.</summary>
    public static bool MatchesList(string host, IEnumerable<string> patterns)
    {
        bool matched = false;
        foreach (string pattern in patterns)
        {
            bool negated = pattern.StartsWith('!');
            if (!Matches(host, negated ? pattern.AsSpan(1) : pattern))
            {
                continue;
            }

            if (negated)
            {
                return false;
            }

            matched = true;
        }

        return matched;
    }

    /// <summary>One pattern without negation. Linear in the product of the lengths at worst, never exponential.</summary>
    public static bool Matches(ReadOnlySpan<char> host, ReadOnlySpan<char> pattern)
    {
        int h = 0;
        int p = 0;
        int starAt = -1;
        int retryAt = 0;
        while (h < host.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                starAt = p++;
                retryAt = h;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || char.ToLowerInvariant(pattern[p]) == char.ToLowerInvariant(host[h])))
            {
                p++;
                h++;
            }
            else if (starAt >= 0)
            {
                p = starAt + 1;
                h = ++retryAt;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }
}
