namespace NativeSync.TestKit;

/// <summary>The table of docs/migration.md that says what a user sees: situation, and message with … for what varies.</summary>
public static class DocumentedMessages
{
    private const string Heading = "## What you may see";

    /// <summary>Message by situation, in the order of the page.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Read()
    {
        string page = File.ReadAllText(Path.Combine(PublishedExecutable.Repository, "docs", "migration.md"));
        string[] lines = page[page.IndexOf(Heading, StringComparison.Ordinal)..].Split('\n');
        return [.. lines.Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal))
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal) && l.Contains('`', StringComparison.Ordinal))
            .Select(l => new KeyValuePair<string, string>(l[2..l.IndexOf(" |", StringComparison.Ordinal)], l[(l.IndexOf('`', StringComparison.Ordinal) + 1)..l.LastIndexOf('`')]))];
    }

    /// <summary>The message of one situation.</summary>
    public static string Of(string situation) => Read().Single(m => m.Key == situation).Value;

    /// <summary>Whether a message is one that the page announces.</summary>
    public static bool Fits(string documented, string message)
    {
        string[] parts = documented.Split('…');
        if (!message.StartsWith(parts[0], StringComparison.Ordinal) || !message.EndsWith(parts[^1], StringComparison.Ordinal))
        {
            return false;
        }

        int at = 0;
        foreach (string part in parts)
        {
            int found = message.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0)
            {
                return false;
            }

            at = found + part.Length;
        }

        return true;
    }
}
