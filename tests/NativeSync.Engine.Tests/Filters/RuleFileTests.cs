using System.Text;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>Each row of rsync-semantics.md §2.1, and files of the whole language (§2.4).</summary>
public sealed class RuleFileTests
{
    /// <summary>The rules of a file with this content, one char a byte, as a job carries them.</summary>
    internal static IReadOnlyList<byte[]> Read(string content, RuleSyntax syntax)
    {
        RuleCollector collector = new(new Files(new() { ["rules"] = content })) { NulSeparated = syntax.NulSeparated };
        collector.AddFile("rules"u8, syntax);
        return collector.Rules;
    }

    private static string Text(string content, RuleSyntax syntax) => string.Join('|', Read(content, syntax).Select(Encoding.Latin1.GetString));

    [Theory]
    [InlineData("a\nb\r\nc\rd", "- a|- b|- c|- d")]
    [InlineData("# no\n; no\n #yes\n\n  x \n", "-  #yes|-   x ")]
    [InlineData("+ in\n- out\n-foo\n+bar\n!foo\nP foo\nexclude foo\nmerge x\n", "+ in|- out|- -foo|- +bar|- !foo|- P foo|- exclude foo|- merge x")]
    [InlineData("a\n!\nb", "- b")]
    [InlineData("a\n !\n! ", "- a|-  !|- ! ")]
    [InlineData("\u00ef\u00bb\u00bfx\ny", "- \u00ef\u00bb\u00bfx|- y")]
    [InlineData("a\0b\n\0c\nd", "- a|- d")]
    [InlineData("x #no comment\n", "- x #no comment")]
    [InlineData("-  two\n+  two", "-  two|+  two")]
    public void AnExcludeFileIsReadAsRsyncReadsIt(string content, string rules) => Assert.Equal(rules, Text(content, RuleSyntax.Old(include: false)));

    [Fact]
    public void ANulSeparatedFileKeepsLineEndsInItsPatterns() =>
        Assert.Equal("+ a\nb|+ c\r|- d", Text("a\nb\0#x\0c\r\0- d", RuleSyntax.Old(include: true, nulSeparated: true)));

    [Theory]
    [InlineData(".", "- foo\n\n#c\n;c\n+,s bar\r\nhide_x", "- foo|+s bar|-s x")]
    [InlineData(".-", "+ foo\n!\nbar", "- + foo|- !|- bar")]
    [InlineData(".+", "- foo\n#c\nbar", "+ - foo|+ bar")]
    [InlineData(".-w", "#c foo\t;b", "- #c|- foo|- ;b")]
    [InlineData(".C", "a b\n! c\n+ d", "- c|- +|- d")]
    [InlineData(".w", "- foo + bar\n-_x", "- foo|+ bar|- x")]
    [InlineData(".w", "! exclude,p a hide b :C", "-p a|-s b|:C .cvsignore")]
    [InlineData(".s", "- foo\n+p bar\n:n .f", "-s foo|+sp bar|:sn .f")]
    [InlineData(".rp/", "- foo", "-rp/ foo")]
    [InlineData(".x", "- foo\n-x bar", "- foo|-x bar")]
    [InlineData(".e", "- foo", "- rules|- foo")]
    [InlineData(".", ":-e .f\n:+w d/.g\n:/C", "- .f|:- .f|:+w d/.g|:C/ .cvsignore")]
    public void AMergeFileIsReadByItsModifiers(string rule, string content, string rules)
    {
        RuleCollector collector = new(new Files(new() { ["rules"] = content }));
        collector.Add(Encoding.Latin1.GetBytes(rule + " rules"), RuleSyntax.Filter);
        Assert.Equal(rules, string.Join('|', collector.Rules.Select(Encoding.Latin1.GetString)));
        foreach (byte[] written in collector.Rules)
        {
            Assert.Equal(written, RuleText.Write(FilterRuleParser.Parse(written)));
        }
    }

    [Theory]
    [InlineData("- ok\n\n- \n", ".", 3, 1, "unexpected end of filter rule: - ")]
    [InlineData("bogus x", ".", 1, 1, "unknown filter rule: bogus x")]
    [InlineData("\u00ef\u00bb\u00bf- x", ".", 1, 1, "unknown filter rule")]
    [InlineData("  - x", ".", 1, 1, "unknown filter rule")]
    [InlineData("#\r\n-q x", ".", 2, 1, "invalid modifier 'q' at position 1")]
    [InlineData("H foo", ".s", 1, 1, "specified-side merge file contains specified-side filter")]
    [InlineData("-s foo", ".r", 1, 1, "specified-side merge file contains specified-side filter")]
    [InlineData("- a\n. nothing", ".", 2, 11, "failed to open merge file nothing")]
    [InlineData("- a\n\n. rules", ".", 3, 11, "nested more than 32 deep")]
    public void WhatIsWrongInAFileIsNamedWithItsPlace(string content, string rule, int line, int exitCode, string message)
    {
        RuleCollector collector = new(new Files(new() { ["rules"] = content }));
        FilterException e = Assert.Throws<FilterException>(() => collector.Add(Encoding.Latin1.GetBytes(rule + " rules"), RuleSyntax.Filter));
        Assert.Equal((exitCode, line, "rules"), (e.ExitCode, e.Line, e.File));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.EndsWith($"(rules line {line})", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileOfTheTreeDoesNotGetItsTextIntoMessages()
    {
        RuleCollector collector = new(new Files([])) { TreeRoot = "/tree"u8.ToArray() };
        FilterException e = Assert.Throws<FilterException>(() => collector.AddContent("root:secret"u8, RuleSyntax.Of(RuleFlags.None, false), ".f"u8));
        Assert.Equal("unknown filter rule (.f line 1)", e.Message);
    }

    [Fact]
    public void MergeFilesMayBeNestedAsDeepAsInRsync()
    {
        Dictionary<string, string> files = Enumerable.Range(1, 31).ToDictionary(i => $"m{i}", i => $". m{i + 1}");
        files["m32"] = "- deep";
        RuleCollector collector = new(new Files(files));
        collector.Add(". m1"u8, RuleSyntax.Filter);
        Assert.Equal("- deep"u8, Assert.Single(collector.Rules));
    }

    [Fact]
    public void LongLinesAndLongPatternsAreDroppedAsInRsync()
    {
        string longest = new('x', 4095);
        IReadOnlyList<byte[]> rules = Read($"{longest}\n{longest}x\n{new string('y', 5120)}\n- a", RuleSyntax.Old(include: false));
        FilterList list = FilterList.Parse(rules);
        Assert.Equal(2, list.Entries.Count);
    }

    [Theory]
    [InlineData("-C", "CVS", true)]
    [InlineData("-C", "x.o", true)]
    [InlineData("-C", "home", true)]
    [InlineData("-C", "env", true)]
    [InlineData("+C", "x.o", false)]
    public void CvsExcludesComeFromTheListTheHomeAndTheEnvironment(string rule, string name, bool excluded)
    {
        FilterList list = Cvs(rule, "other env");
        Assert.Equal(excluded, list.Check(Encoding.ASCII.GetBytes(name), false, FilterSide.Sender) != FilterDecision.Included);
    }

    [Fact]
    public void OnlyCvssOwnListIsPerishableAndAClearingWordClearsThatListAlone()
    {
        FilterList list = Cvs("-C", "env");
        Assert.Equal(FilterDecision.Included, list.Check("x.o"u8, false, FilterSide.Receiver, insideDeletion: true));
        Assert.Equal(FilterDecision.Protected, list.Check("home"u8, false, FilterSide.Receiver, insideDeletion: true));
        list = Cvs("-C", "! env");
        Assert.Equal(FilterDecision.Included, list.Check("x.o"u8, false, FilterSide.Sender));
        Assert.Equal(FilterDecision.Excluded, list.Check("first"u8, false, FilterSide.Sender));
    }

    private static FilterList Cvs(string rule, string ignored)
    {
        RuleCollector collector = new(new Files(new() { ["/h/.cvsignore"] = "home\n" }), name => name == "HOME" ? "/h"u8.ToArray() : Encoding.ASCII.GetBytes(ignored));
        collector.Add("- first"u8, RuleSyntax.Filter);
        collector.Add(Encoding.ASCII.GetBytes(rule), RuleSyntax.Filter);
        return FilterList.Parse(collector.Rules);
    }

    private sealed class Files(Dictionary<string, string> files) : IRuleFiles
    {
        public byte[] Read(ReadOnlySpan<byte> path, string kind) =>
            files.TryGetValue(Encoding.Latin1.GetString(path), out string? content)
                ? Encoding.Latin1.GetBytes(content)
                : throw new FilterException($"failed to open {kind} file {ByteText.Escape(path)}", FilterException.FileError) { Errno = 2 };
    }
}
