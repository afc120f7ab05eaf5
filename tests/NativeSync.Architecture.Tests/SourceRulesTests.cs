using System.Text.RegularExpressions;

namespace NativeSync.Architecture.Tests;

/// <summary>Rules of the house that no analyzer checks, read from the sources.</summary>
public sealed partial class SourceRulesTests
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void EveryImportIsSafeToCompileAheadOfTime()
    {
        Assert.Empty(Sources("src").Where(file => DllImport().IsMatch(File.ReadAllText(file))));
    }

    [Fact]
    public void NoTestIsSkipped()
    {
        Assert.Empty(Sources("tests").Where(file => Skipped().IsMatch(File.ReadAllText(file))));
    }

    [Fact]
    public void EveryProjectIsPartOfTheSolution()
    {
        string solution = File.ReadAllText(Path.Combine(Root, "NativeSync.sln"));
        string[] missing =
        [
            .. Directory.EnumerateFiles(Root, "*.csproj", SearchOption.AllDirectories)
                .Select(Path.GetFileName).OfType<string>()
                .Where(name => !solution.Contains(name, StringComparison.Ordinal)),
        ];
        Assert.Empty(missing);
    }

    /// <summary>rsync CVE-2024-12085: bytes that nobody wrote are compared, or sent. Elsewhere than on the way to the kernel there are none.</summary>
    [Fact]
    public void StackMemoryIsClearedButOnTheWayToTheKernel()
    {
        Assert.All(
            Sources("src").Where(file => File.ReadAllText(file).Contains("SkipLocalsInit", StringComparison.Ordinal)),
            file => Assert.Contains("/Engine/FileSystem/", file, StringComparison.Ordinal));
    }

    /// <summary>rsync CVE-2026-53784 and -53796: who changes the working directory may be led elsewhere.</summary>
    [Fact]
    public void NobodyChangesTheWorkingDirectory()
    {
        Assert.Empty(Sources("src").Where(file => WorkingDirectory().IsMatch(File.ReadAllText(file))));
    }

    /// <summary>docs/testing.md, "The weaknesses of rsync": every test that stands there exists.</summary>
    [Fact]
    public void EveryWeaknessOfRsyncHasItsTests()
    {
        string page = File.ReadAllText(Path.Combine(Root, "docs", "testing.md"));
        string table = page[page.IndexOf("## The weaknesses of rsync", StringComparison.Ordinal)..];
        string[] rows = [.. table.Split('\n').SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.StartsWith('|'))];
        Assert.True(Weakness().Count(string.Concat(rows)) >= 40, "a row is missing");
        Dictionary<string, string> classes = Sources("tests").ToLookup(file => Path.GetFileNameWithoutExtension(file)).ToDictionary(g => g.Key, g => string.Concat(g.Select(File.ReadAllText)));
        foreach (string row in rows)
        {
            MatchCollection tests = NamedTest().Matches(row);
            Assert.True(tests.Count > 0 || row.Contains("does not exist here", StringComparison.Ordinal), row);
            Assert.All(tests, test => Assert.True(
                classes.TryGetValue(test.Groups[1].Value, out string? source) && source.Contains($" {test.Groups[2].Value}(", StringComparison.Ordinal), $"{test.Value} is not there"));
        }
    }

    private static IEnumerable<string> Sources(string directory) =>
        Directory.EnumerateFiles(Path.Combine(Root, directory), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "NativeSync.sln")))
        {
            at = Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException("NativeSync.sln was not found above " + AppContext.BaseDirectory);
    }

    [GeneratedRegex(@"\[\s*DllImport\b")]
    private static partial Regex DllImport();

    [GeneratedRegex(@"\bSetCurrentDirectory\b|\bf?chdir\(")]
    private static partial Regex WorkingDirectory();

    [GeneratedRegex(@"20\d\d-\d{5}")]
    private static partial Regex Weakness();

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"\b(Fact|Theory|Property)\([^)]*\bSkip\s*=")]
    private static partial Regex Skipped();
}
