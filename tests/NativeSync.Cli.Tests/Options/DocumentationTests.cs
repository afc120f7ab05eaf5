using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Options;

public sealed class DocumentationTests
{
    private static readonly string Page = Path.Combine(Root(), "docs", "cli.md");

    [Fact]
    public void ThePageListsEveryOptionAsTheTableDoes()
    {
        string page = File.ReadAllText(Page);
        int begin = page.IndexOf(OptionDocumentation.Begin, StringComparison.Ordinal), end = page.IndexOf(OptionDocumentation.End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "the marks of the table are missing");
        begin += OptionDocumentation.Begin.Length;
        string expected = "\n\n" + OptionDocumentation.Markdown() + "\n";
        if (Environment.GetEnvironmentVariable("NATIVESYNC_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(Page, page[..begin] + expected + page[end..]);
            return;
        }

        Assert.Equal(expected, page[begin..end]);
    }

    [Fact]
    public void TheManualIsUpToDateAndWellFormed()
    {
        string path = Path.Combine(Root(), "docs", "nativesync.1"), expected = ManualPage.Roff(File.ReadAllText(Page));
        if (Environment.GetEnvironmentVariable("NATIVESYNC_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(path, expected);
        }

        Assert.Equal(expected, File.ReadAllText(path));
        using System.Diagnostics.Process lint = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("mandoc", ["-T", "lint", "-W", "warning", path]) { RedirectStandardOutput = true })!;
        Assert.Equal("", lint.StandardOutput.ReadToEnd());
    }

    /// <summary>The table may name fewer tests than there are, so that a new one does not make it wrong; never one that does not use the option.</summary>
    [Fact]
    public void EveryOptionHasATestAndTheTestingPageNamesIt()
    {
        string path = Path.Combine(Root(), "docs", "testing.md"), page = File.ReadAllText(path);
        IReadOnlyList<(OptionSpec Option, IReadOnlyList<string> Classes)> rows = TestedOptions.Find(Root());
        Assert.True(rows.All(static row => row.Classes.Count > 0), string.Join(" ", rows.Where(static row => row.Classes.Count == 0).Select(static row => row.Option.Name)));
        int begin = page.IndexOf(TestedOptions.Begin, StringComparison.Ordinal) + TestedOptions.Begin.Length, end = page.IndexOf(TestedOptions.End, StringComparison.Ordinal);
        Assert.True(begin >= TestedOptions.Begin.Length && end > begin, "the marks of the table are missing");
        if (Environment.GetEnvironmentVariable("NATIVESYNC_UPDATE_DOCS") == "1")
        {
            page = $"{page[..begin]}\n\n{TestedOptions.Markdown(rows)}\n{page[end..]}";
            File.WriteAllText(path, page);
        }

        Dictionary<string, string[]> listed = page[begin..].Split('\n').Where(static line => line.StartsWith("| `", StringComparison.Ordinal)).Select(static line => line.Split('|'))
            .ToDictionary(static cells => cells[1].Trim(' ', '`'), static cells => cells[2].Split([',', ' ', '…'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All(rows, row => Assert.True(listed.TryGetValue(row.Option.Name, out string[]? names) && names.Length > 0 && names.All(row.Classes.Contains), row.Option.Name));
    }

    [Fact]
    public void ThePageNamesEveryEnvironmentVariable()
    {
        string page = File.ReadAllText(Page);
        string sources = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Root(), "src", "Cli"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText));
        Assert.All(System.Text.RegularExpressions.Regex.Matches(sources, "\"((?:NATIVESYNC|RSYNC)_[A-Z_]+)\"").Select(static match => match.Groups[1].Value).Distinct(),
            name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void HelpNamesEveryOption()
    {
        string help = HelpText.ForCommand("sync");
        Assert.All(OptionTable.All.Where(static option => !option.Hidden), option => Assert.Contains(option.Name, help, StringComparison.Ordinal));
    }

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "NativeSync.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("NativeSync.sln is nowhere above the tests");
        }

        return directory;
    }
}
