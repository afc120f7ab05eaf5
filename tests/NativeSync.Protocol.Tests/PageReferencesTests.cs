using System.Text.RegularExpressions;
using NativeSync.Fuzz;

namespace NativeSync.Protocol.Tests;

/// <summary>A codec that names its section names one that exists.</summary>
public sealed partial class PageReferencesTests
{
    [Fact]
    public void EverySectionThatTheCodeNamesIsOnThePage()
    {
        HashSet<string> headings = [.. Heading().Matches(ProtocolPage.Text).Select(m => m.Groups[1].Value)];
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "NativeSync.sln")))
        {
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        var missing = new List<string>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(root, "src"), "*.cs", SearchOption.AllDirectories))
        {
            foreach (Match reference in Reference().Matches(File.ReadAllText(file)))
            {
                missing.AddRange(reference.Groups[1].Captures.Select(c => c.Value).Where(s => !headings.Contains(s))
                    .Select(s => $"{Path.GetRelativePath(root, file)} names \"{s}\""));
            }
        }

        Assert.Empty(missing);
    }

    [Fact]
    public void EveryLinkInsideThePageLeadsToAHeading()
    {
        HashSet<string> anchors = [.. Heading().Matches(ProtocolPage.Text).Select(m => m.Groups[1].Value.ToLowerInvariant().Replace(' ', '-'))];
        Assert.Empty(Link().Matches(ProtocolPage.Text).Select(m => m.Groups[1].Value).Where(l => !anchors.Contains(l)));
    }

    [GeneratedRegex("^#+ ([^`(\\n]*[^`(\\n ])", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("docs/protocol\\.md(?:,(?:\\s|///)*\"([^\"]+)\")+")]
    private static partial Regex Reference();

    [GeneratedRegex("\\]\\(#([^)]+)\\)")]
    private static partial Regex Link();
}
