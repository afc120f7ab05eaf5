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
