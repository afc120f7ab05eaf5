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

    [GeneratedRegex(@"\b(Fact|Theory|Property)\([^)]*\bSkip\s*=")]
    private static partial Regex Skipped();
}
