using System.Text;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Tests.Filters;

public sealed class FilterListTests
{
    private static FilterList List(params string[] rules) => FilterList.Parse(rules.Select(Encoding.Latin1.GetBytes));

    private static bool Hidden(FilterList list, string path, bool directory = false) =>
        list.Check(Encoding.Latin1.GetBytes(path), directory, FilterSide.Sender) == FilterDecision.Excluded;

    private static bool Kept(FilterList list, string path, bool directory = false, bool insideDeletion = false) =>
        list.Check(Encoding.Latin1.GetBytes(path), directory, FilterSide.Receiver, insideDeletion) == FilterDecision.Protected;

    [Theory]
    [InlineData("- foo/", "foo", true, true)]
    [InlineData("- foo/", "foo", false, false)]
    [InlineData("- /foo", "foo", false, true)]
    [InlineData("- /foo", "a/foo", false, false)]
    [InlineData("- foo", "a/b/foo", false, true)]
    [InlineData("- a/foo", "b/a/foo", false, true)]
    [InlineData("- a/foo", "xa/foo", false, false)]
    [InlineData("- a/f*", "b/a/foo", false, true)]
    [InlineData("- a/f*", "a/b/foo", false, false)]
    [InlineData("- dir/***", "dir", true, true)]
    [InlineData("- dir/***", "dir", false, false)]
    [InlineData("- dir/***", "dir/x/y", false, true)]
    [InlineData("- dir/**", "dir", true, false)]
    [InlineData("- **/foo", "foo", false, true)]
    [InlineData("- a/**/b", "a/b", false, false)]
    [InlineData("- a/**/b", "x/a/1/2/b", false, true)]
    [InlineData("- /a/**/b", "x/a/1/b", false, false)]
    [InlineData("- foo\\bar", "foo\\bar", false, true)]
    [InlineData("- foo\\bar*", "foobarx", false, true)]
    [InlineData("- foo\\", "foo\\", false, true)]
    [InlineData("- foo*\\", "foox\\", false, false)]
    [InlineData("- /", "a", true, false)]
    [InlineData("- //a", "a", false, false)]
    [InlineData("- ./a", "a", false, false)]
    [InlineData("-! */", "file", false, true)]
    [InlineData("-! */", "dir", true, false)]
    [InlineData("-_a b", "a b", false, true)]
    [InlineData("exclude,! */", "file", false, true)]
    [InlineData("exclude x", "x", false, true)]
    [InlineData("hide_x", "x", false, true)]
    [InlineData("protect x", "x", false, false)]
    [InlineData("-x user.*", "user.a", false, false)]
    public void OneRuleHidesWhatRsyncHides(string rule, string path, bool directory, bool hidden) =>
        Assert.Equal(hidden, Hidden(List(rule), path, directory));

    [Fact]
    public void TheFirstRuleThatMatchesDecides()
    {
        FilterList list = List("+ keep*", "- *");
        Assert.False(Hidden(list, "keep1"));
        Assert.True(Hidden(list, "other"));
        Assert.True(Hidden(List("- *", "+ keep*"), "keep1"));
    }

    [Fact]
    public void ARuleIsLimitedToItsSide()
    {
        FilterList list = List("H hidden", "P kept", "S both", "R both", "- both", "- plain", "-s sender", "-r receiver", "-sr two");
        Assert.True(Hidden(list, "hidden"));
        Assert.False(Kept(list, "hidden"));
        Assert.False(Hidden(list, "kept"));
        Assert.True(Kept(list, "kept"));
        Assert.False(Hidden(list, "both"));
        Assert.False(Kept(list, "both"));
        Assert.True(Hidden(list, "plain") && Kept(list, "plain"));
        Assert.True(Hidden(list, "sender") && !Kept(list, "sender"));
        Assert.True(!Hidden(list, "receiver") && Kept(list, "receiver"));
        Assert.True(Hidden(list, "two") && Kept(list, "two"));
    }

    [Fact]
    public void APerishableRuleDoesNotKeepADoomedDirectoryAlive()
    {
        FilterList list = List("-p *.o");
        Assert.True(Kept(list, "d/x.o"));
        Assert.False(Kept(list, "d/x.o", insideDeletion: true));
    }

    [Fact]
    public void DeleteExcludedMakesUnsidedRulesTheSendersAlone()
    {
        FilterList list = FilterList.Parse(["- a"u8.ToArray(), "P b"u8.ToArray()], deleteExcluded: true);
        Assert.True(Hidden(list, "a"));
        Assert.False(Kept(list, "a"));
        Assert.True(Kept(list, "b"));
    }

    [Fact]
    public void AClearingRuleForgetsWhatCameBefore()
    {
        FilterList list = List("- a", "!", "- b");
        Assert.False(Hidden(list, "a"));
        Assert.True(Hidden(list, "b"));
        Assert.True(List("- a", "clear").IsEmpty);
    }

    [Fact]
    public void ARuleAboutAbsolutePathsSeesTheRootOfTheTransfer()
    {
        FilterList list = List("-/ /etc/passwd", "-/ home/*/x");
        DirectoryRules inEtc = DirectoryRules.Of(list.Entries, "etc"u8.ToArray(), DirMergeLists.None);
        Assert.Equal(FilterDecision.Excluded, inEtc.Check("passwd"u8, false, FilterSide.Sender));
        Assert.Equal(FilterDecision.Included, inEtc.Check("sub/passwd"u8, false, FilterSide.Sender));
        DirectoryRules inHome = DirectoryRules.Of(list.Entries, "home"u8.ToArray(), DirMergeLists.None);
        Assert.Equal(FilterDecision.Excluded, inHome.Check("me/x"u8, false, FilterSide.Sender));
    }

    [Fact]
    public void RulesAboutXattrsDecideAboutXattrsAlone()
    {
        FilterList list = List("-x user.secret*", "- user.name");
        Assert.False(list.IncludesXattr("user.secret1"u8, FilterSide.Sender));
        Assert.Null(list.IncludesXattr("user.name"u8, FilterSide.Sender));
        Assert.True(list.HasXattrRules);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("foo", 1)]
    [InlineData("excludex foo", 1)]
    [InlineData("exclude", 1)]
    [InlineData("- ", 1)]
    [InlineData("-", 1)]
    [InlineData("-q foo", 1)]
    [InlineData("Hs foo", 1)]
    [InlineData("! foo", 1)]
    [InlineData("!foo", 1)]
    [InlineData(" - foo", 1)]
    public void AMalformedRuleIsNamedWithRsyncsExitCode(string rule, int exitCode)
    {
        if (exitCode == 0)
        {
            Assert.True(List(rule).IsEmpty);
            return;
        }

        FilterException e = Assert.Throws<FilterException>(() => List(rule));
        Assert.Equal(exitCode, e.ExitCode);
        Assert.Contains(rule, e.Message, StringComparison.Ordinal);
    }
}
