namespace NativeSync.Migration.Source;

/// <summary>
/// Turns filter rules written for paths from "/" into rules for a transfer that begins at a mount point. Anchored
/// patterns lose the part that the mount point matches; those that cannot match below it fall away; the rest stays.
/// </summary>
public static class RuleRebase
{
    /// <summary>The rules that apply below a mount point.</summary>
    /// <param name="rules">Rules in --filter syntax, such as "- /dev/*".</param>
    /// <param name="mountPoint">Absolute, without a slash at the end; "/" leaves all as it is.</param>
    public static List<byte[]> Below(IReadOnlyList<byte[]> rules, ReadOnlySpan<byte> mountPoint)
    {
        if (mountPoint.SequenceEqual("/"u8))
        {
            return [.. rules];
        }

        List<byte[]> components = Components(mountPoint);
        List<byte[]> result = [];
        foreach (byte[] rule in rules)
        {
            int space = rule.AsSpan().IndexOf((byte)' ');
            ReadOnlySpan<byte> head = rule.AsSpan(0, space + 1);
            ReadOnlySpan<byte> pattern = rule.AsSpan(space + 1);
            if (space < 1 || head[0] is not ((byte)'-' or (byte)'+') || !pattern.StartsWith("/"u8))
            {
                result.Add(rule);
                continue;
            }

            bool directory = pattern.EndsWith("/"u8);
            HashSet<string> seen = [];
            foreach (List<byte[]> rest in Strip(Components(pattern), 0, components, 0))
            {
                bool wholeMount = rest.Count == 0;
                if (wholeMount)
                {
                    // The rule is about the mount point or a directory above it: an exclude takes all below with it,
                    // an include of the directory says nothing about its contents.
                    if (head[0] == '+')
                    {
                        continue;
                    }

                    rest.Add([(byte)'*']);
                }

                byte[] rebased = Join(head, rest, directory && !wholeMount);
                if (seen.Add(Convert.ToHexString(rebased)))
                {
                    result.Add(rebased);
                }
            }
        }

        return result;
    }

    /// <summary>A path as a pattern that matches nothing else.</summary>
    public static byte[] Literal(ReadOnlySpan<byte> path)
    {
        // Without a wildcard in the pattern rsync takes a backslash as itself, so escapes are added only where one makes them necessary.
        if (!path.ContainsAny("*?["u8))
        {
            return path.ToArray();
        }

        List<byte> result = [];
        foreach (byte b in path)
        {
            if (b is (byte)'*' or (byte)'?' or (byte)'[' or (byte)'\\')
            {
                result.Add((byte)'\\');
            }

            result.Add(b);
        }

        return [.. result];
    }

    /// <summary>A rule that leaves out everything in a directory, but not the directory.</summary>
    public static byte[] ExcludeContents(ReadOnlySpan<byte> directory)
    {
        List<byte> rule = [(byte)'-', (byte)' '];
        foreach (byte b in directory)
        {
            // The star at the end makes this a pattern with wildcards, in which a backslash escapes.
            if (b is (byte)'*' or (byte)'?' or (byte)'[' or (byte)'\\')
            {
                rule.Add((byte)'\\');
            }

            rule.Add(b);
        }

        if (rule[^1] != '/')
        {
            rule.Add((byte)'/');
        }

        rule.Add((byte)'*');
        return [.. rule];
    }

    private static IEnumerable<List<byte[]>> Strip(List<byte[]> pattern, int p, List<byte[]> mount, int m)
    {
        if (m == mount.Count)
        {
            yield return pattern[p..];
            yield break;
        }

        if (p == pattern.Count)
        {
            yield return [];
            yield break;
        }

        if (pattern[p].AsSpan().IndexOf("**"u8) >= 0)
        {
            // "**" crosses slashes: it may end anywhere, at or below the mount point.
            yield return pattern[p..];
            for (int next = m + 1; next <= mount.Count; next++)
            {
                foreach (List<byte[]> rest in Strip(pattern, p + 1, mount, next))
                {
                    yield return rest;
                }
            }

            yield break;
        }

        if (Matches(pattern[p], mount[m]))
        {
            foreach (List<byte[]> rest in Strip(pattern, p + 1, mount, m + 1))
            {
                yield return rest;
            }
        }
    }

    /// <summary>One component against a pattern without slashes; character classes are taken as "perhaps".</summary>
    private static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name)
    {
        if (pattern.IsEmpty)
        {
            return name.IsEmpty;
        }

        switch (pattern[0])
        {
            case (byte)'*':
                for (int i = 0; i <= name.Length; i++)
                {
                    if (Matches(pattern[1..], name[i..]))
                    {
                        return true;
                    }
                }

                return false;
            case (byte)'?':
                return !name.IsEmpty && Matches(pattern[1..], name[1..]);
            case (byte)'[' when pattern.IndexOf((byte)']') is > 0 and int close:
                return !name.IsEmpty && Matches(pattern[(close + 1)..], name[1..]);
            case (byte)'\\' when pattern.Length > 1:
                return !name.IsEmpty && name[0] == pattern[1] && Matches(pattern[2..], name[1..]);
            default:
                return !name.IsEmpty && name[0] == pattern[0] && Matches(pattern[1..], name[1..]);
        }
    }

    private static List<byte[]> Components(ReadOnlySpan<byte> path)
    {
        List<byte[]> parts = [];
        foreach (Range range in path.Split((byte)'/'))
        {
            if (!path[range].IsEmpty)
            {
                parts.Add(path[range].ToArray());
            }
        }

        return parts;
    }

    private static byte[] Join(ReadOnlySpan<byte> head, List<byte[]> components, bool directory)
    {
        List<byte> rule = [.. head];
        foreach (byte[] component in components)
        {
            rule.Add((byte)'/');
            rule.AddRange(component);
        }

        if (directory)
        {
            rule.Add((byte)'/');
        }

        return [.. rule];
    }
}
