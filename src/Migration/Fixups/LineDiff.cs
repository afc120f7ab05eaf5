namespace NativeSync.Migration.Fixups;

/// <summary>The lines that differ between two texts: enough to see what a step does to a configuration file.</summary>
internal static class LineDiff
{
    /// <summary>Lines that go, with "- ", and lines that come, with "+ ", in the order of the texts.</summary>
    /// <remarks>Greedy: after a difference it goes on at the next line that both have. Files of this kind have some hundred lines.</remarks>
    public static List<string> Between(string before, string after, int most)
    {
        string[] a = Lines(before), b = Lines(after);
        List<string> result = [];
        int i = 0, j = 0;
        while (i < a.Length || j < b.Length)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j])
            {
                (i, j) = (i + 1, j + 1);
                continue;
            }

            int nextB = i < a.Length ? Array.IndexOf(b, a[i], j) : -1;
            int nextA = j < b.Length ? Array.IndexOf(a, b[j], i) : -1;
            if (i < a.Length && (nextB < 0 || (nextA >= 0 && nextA - i < nextB - j)))
            {
                result.Add("- " + a[i++]);
            }
            else
            {
                result.Add("+ " + b[j++]);
            }
        }

        if (result.Count > most)
        {
            int more = result.Count - most;
            result.RemoveRange(most, more);
            result.Add($"… {more} more lines");
        }

        return result;
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
}
