using System.Text.RegularExpressions;

namespace NativeSync.Fuzz;

/// <summary>What an example of the page shows.</summary>
public enum ExampleKind
{
    /// <summary>A whole frame, header included.</summary>
    Frame,
    /// <summary>One record, type included.</summary>
    Record,
}

/// <summary>One example: bytes beside what they mean.</summary>
/// <param name="Kind">Frame or record.</param>
/// <param name="Name">The type that the page says it is.</param>
/// <param name="Bytes">The bytes.</param>
/// <param name="Meaning">The line after "=": what a decoder must make of them.</param>
/// <param name="Line">Where on the page.</param>
public sealed record PageExample(ExampleKind Kind, string Name, byte[] Bytes, string Meaning, int Line)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Name} (docs/protocol.md:{Line})";
}

/// <summary>A row of a table whose first cell is a number in hexadecimal and whose second is a name.</summary>
/// <param name="Section">The nearest heading that names a type in `code`.</param>
/// <param name="Value">The number.</param>
/// <param name="Name">The name.</param>
public sealed record PageRow(string Section, ulong Value, string Name);

/// <summary>docs/protocol.md as data: its examples and the tables of its enumerations.</summary>
public static partial class ProtocolPage
{
    /// <summary>The page.</summary>
    public static string Text { get; } = Load();

    /// <summary>Every block that is marked `wire frame Name` or `wire record Name`.</summary>
    public static IReadOnlyList<PageExample> Examples { get; } = ReadExamples();

    /// <summary>Every row `| 0xNN | Name | … |` with the enumeration that its section is about.</summary>
    public static IReadOnlyList<PageRow> Rows { get; } = ReadRows();

    private static string Load()
    {
        using Stream stream = typeof(ProtocolPage).Assembly.GetManifestResourceStream("protocol.md")
            ?? throw new InvalidOperationException("docs/protocol.md is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static List<PageExample> ReadExamples()
    {
        var examples = new List<PageExample>();
        string[] lines = Text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            Match head = Fence().Match(lines[i]);
            if (!head.Success)
            {
                continue;
            }

            int start = i;
            var bytes = new List<byte>();
            string meaning = "";
            while (lines[++i] != "```")
            {
                if (lines[i].StartsWith("= ", StringComparison.Ordinal))
                {
                    meaning = lines[i][2..];
                    continue;
                }

                string hex = lines[i].Split(';')[0];
                foreach (string token in hex.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    bytes.Add(Convert.ToByte(token, 16));
                }
            }

            var kind = head.Groups[1].Value == "frame" ? ExampleKind.Frame : ExampleKind.Record;
            examples.Add(new PageExample(kind, head.Groups[2].Value, [.. bytes], meaning, start + 1));
        }

        return examples;
    }

    private static List<PageRow> ReadRows()
    {
        var rows = new List<PageRow>();
        string section = "";
        foreach (string line in Text.Split('\n'))
        {
            Match heading = Heading().Match(line);
            if (heading.Success)
            {
                section = heading.Groups[1].Value;
            }

            Match row = Row().Match(line);
            if (row.Success && section.Length > 0)
            {
                rows.Add(new PageRow(section, Convert.ToUInt64(row.Groups[1].Value, 16), row.Groups[2].Value));
            }
        }

        return rows;
    }

    [GeneratedRegex("^```wire (frame|record) (\\w+)$")]
    private static partial Regex Fence();

    // "### Verdicts (`Verdict`)"; a heading without a type in code ends the section.
    [GeneratedRegex("^#+ [^`]*(?:`(\\w+)`.*)?$")]
    private static partial Regex Heading();

    [GeneratedRegex("^\\| 0x([0-9a-f]+) \\| (\\w+) \\|")]
    private static partial Regex Row();
}
