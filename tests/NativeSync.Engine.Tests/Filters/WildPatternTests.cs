using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>The table of rsync-semantics.md §2.3, and the patterns that a naive matcher never finishes.</summary>
public sealed class WildPatternTests
{
    [Theory]
    [InlineData(false, "foo", "**/foo")]
    [InlineData(true, "/foo", "**/foo")]
    [InlineData(false, "bar/baz/foo", "*/foo")]
    [InlineData(true, "foo/bar/baz/x", "*/bar/**")]
    [InlineData(false, "deep/foo/bar/baz/x", "*/bar/**")]
    [InlineData(false, "deep/foo/bar/baz/", "**/bar/*")]
    [InlineData(true, "deep/foo/bar/", "**/bar/**")]
    [InlineData(false, "foo/bar", "foo[/]bar")]
    [InlineData(false, "foo/bar", "f[^eiu][^eiu][^eiu][^eiu][^eiu]r")]
    [InlineData(false, "", "\\")]
    [InlineData(false, "\\", "\\")]
    [InlineData(true, "/\\", "*/\\\\")]
    [InlineData(true, "abc", "\\a\\b\\c")]
    [InlineData(true, "[ab]", "[[:]ab]")]
    [InlineData(false, "[ab]", "[[::]ab]")]
    [InlineData(true, "[ab]", "[[:digit]ab]")]
    [InlineData(true, "[ab]", "[\\[:]ab]")]
    [InlineData(false, "1", "[[:digit:][:upper:][:spaci:]]")]
    [InlineData(true, "]", "[\\\\-^]")]
    [InlineData(false, "[", "[\\\\-^]")]
    [InlineData(true, "-", "[\\-_]")]
    [InlineData(false, "\\]", "[\\]]")]
    [InlineData(false, "a[]b", "a[]b")]
    [InlineData(false, "ab[", "ab[")]
    [InlineData(true, "5", "[--A]")]
    [InlineData(true, "$", "[ --]")]
    [InlineData(true, "-", "[a-e-n]")]
    [InlineData(false, "j", "[a-e-n]")]
    [InlineData(true, "a", "[!------]")]
    [InlineData(true, "^", "[]-a]")]
    [InlineData(true, "-b]", "[a-]b]")]
    [InlineData(true, "\\", "[[-\\]]")]
    [InlineData(false, "-", "[[-\\]]")]
    [InlineData(true, "G", "[A-\\\\]")]
    [InlineData(false, "+", "[,-.]")]
    [InlineData(true, "2", "[\\1-\\3]")]
    [InlineData(false, "aaabbb", "b*a")]
    [InlineData(true, "-adobe-courier-bold-o-normal--12-120-75-75-m-70-iso8859-1", "-*-*-*-*-*-*-12-*-*-*-m-*-*-*")]
    [InlineData(false, "-adobe-courier-bold-o-normal--12-120-75-75-X-70-iso8859-1", "-*-*-*-*-*-*-12-*-*-*-m-*-*-*")]
    [InlineData(true, "/adobe/courier/bold/o/normal//12/120/75/75/m/70/iso8859/1", "/*/*/*/*/*/*/12/*/*/*/m/*/*/*")]
    [InlineData(false, "/adobe/courier/bold/o/normal//12/120/75/75/X/70/iso8859/1", "/*/*/*/*/*/*/12/*/*/*/m/*/*/*")]
    [InlineData(false, "abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txtz", "**/*a*b*g*n*t")]
    [InlineData(true, "abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txt", "**/*a*b*g*n*t")]
    public void TheTableOfWildcardsHolds(bool matches, string text, string pattern) =>
        Assert.Equal(matches, new WildPattern(Encoding.UTF8.GetBytes(pattern)).Matches(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("alnum", "09azAZ", "/_ \x7f")]
    [InlineData("alpha", "azAZ", "09_")]
    [InlineData("blank", " \t", "\nx")]
    [InlineData("cntrl", "\x01\x1f\x7f", " a")]
    [InlineData("digit", "0189", "a/:")]
    [InlineData("graph", "!~a0", " \x7f")]
    [InlineData("lower", "az", "AZ0")]
    [InlineData("print", " ~a", "\x1f\x7f")]
    [InlineData("punct", "!.~_", "a0 /")]
    [InlineData("space", " \t\n\r\x0b\x0c", "a_")]
    [InlineData("upper", "AZ", "az")]
    [InlineData("xdigit", "09afAF", "gG")]
    public void EachNamedClassIsAscii(string name, string members, string others)
    {
        WildPattern pattern = new(Encoding.ASCII.GetBytes($"[[:{name}:]]"));
        Assert.All(members, c => Assert.True(pattern.Matches([(byte)c]), $"{(int)c:x2}"));
        Assert.All(others, c => Assert.False(pattern.Matches([(byte)c]), $"{(int)c:x2}"));
        Assert.False(pattern.Matches([0xe9]));
    }

    [Theory]
    [InlineData("*", 1000, "b")]
    [InlineData("a*", 1000, "b")]
    [InlineData("**a", 500, "b")]
    [InlineData("**/*a*", 100, "b")]
    [InlineData("*a", 150, "b")]
    [InlineData("?*", 400, "[b]")]
    [InlineData("**/*a*b*g*n*t", 1, "")]
    [InlineData("**/*a*b*g*n*t", 50, "x")]
    [InlineData("**aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 1, "")]
    public void PathologicalPatternsEndAtOnce(string part, int times, string end)
    {
        string pattern = "**/" + string.Concat(Enumerable.Repeat(part, times)) + end;
        foreach (string component in (string[])[new string('a', 200), "abcdefghijklmnop" + new string('a', 180), string.Concat(Enumerable.Repeat("abgn", 60))])
        {
            byte[] name = Encoding.ASCII.GetBytes("/" + string.Join('/', Enumerable.Repeat(component, 20)));
            WildPattern wild = new(Encoding.ASCII.GetBytes(pattern));
            Assert.False(wild.Matches(name, out long steps), pattern);
            Assert.True(steps <= 20_000_000 && steps <= wild.MaxSteps(name.Length), $"{steps} steps");
        }
    }

    [Fact]
    public void GoingBackAndFollowingAllWaysAgree()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            Random random = new(seed);
            string[] atoms = ["a", "b", "/", "/", "?", "*", "**", "[ab]", "[!a]"];
            byte[] Text(string[] from, int most) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, random.Next(most)).Select(_ => from[random.Next(from.Length)])));
            for (int i = 0; i < 50; i++)
            {
                byte[] pattern = Text(atoms, 12), text = Text(["a", "b", "/"], 16);
                WildPattern wild = new(pattern);
                Assert.True(wild.Matches(text) == wild.MatchesAllWays(text), $"{Encoding.ASCII.GetString(pattern)} against {Encoding.ASCII.GetString(text)}");
            }
        }).QuickCheckThrowOnFailure();
    }
}
