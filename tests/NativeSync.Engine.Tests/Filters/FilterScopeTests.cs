using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>Rule files that lie in a tree, and what may be wrong with them.</summary>
public sealed class FilterScopeTests : IDisposable
{
    private const uint Nobody = 65534;

    private readonly Scratch _scratch = new();
    private readonly List<(string Path, int Errno)> _unreadable = [];

    public FilterScopeTests() => Directory.CreateDirectory(_scratch["tree/d"]);

    public void Dispose() => _scratch.Dispose();

    private DirectoryRules Root(params string[] rules)
    {
        FilterScope scope = new(FilterList.Parse(rules.Select(Encoding.UTF8.GetBytes)), LinuxSystemCalls.Instance, FilterSide.Sender,
            RootPath.Of(LinuxSystemCalls.Instance, RawFiles.Bytes(_scratch["tree"])), false, (path, errno) => _unreadable.Add((Encoding.UTF8.GetString(path), errno)));
        int fd = LinuxSystemCalls.Instance.OpenPath(RawFiles.Bytes(_scratch["tree"]), OpenFlags.Read | OpenFlags.Directory);
        try
        {
            return scope.EnterRoot(fd);
        }
        finally
        {
            LinuxSystemCalls.Instance.Close(fd);
        }
    }

    private static bool Hides(DirectoryRules rules, string name) => rules.Check(Encoding.UTF8.GetBytes(name), false, FilterSide.Sender) == FilterDecision.Excluded;

    [Theory]
    [InlineData(0u, true)]
    [InlineData(Nobody, false)]
    public void ARuleFileThatIsALinkIsFollowedOnlyWhenItIsOursOrRoots(uint owner, bool followed)
    {
        File.WriteAllText(_scratch["rules"], "- x\n");
        RawFiles.SymbolicLink(RawFiles.Bytes(_scratch["rules"]), RawFiles.Bytes(_scratch["tree/.f"]));
        RawFiles.ChangeOwner(RawFiles.Bytes(_scratch["tree/.f"]), owner, owner);
        DirectoryRules rules = Root(": .f");
        Assert.Equal(followed, Hides(rules, "x"));
        Assert.Equal(!followed, rules.IsUncertain);
        Assert.Equal(followed ? [] : [(".f", Errno.ELOOP)], _unreadable);
    }

    [Fact]
    public void ARuleForAttributesInARuleFileOfTheTreeIsRefused()
    {
        File.WriteAllText(_scratch["tree/.f"], "-x user.*\n");
        FilterException refused = Assert.Throws<FilterException>(() => Root(": .f"));
        Assert.Equal(FilterException.NotSupported, refused.ExitCode);
        Assert.StartsWith(".f: ", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("way")]
    public void AnOperatorsRuleFileIsNotReachedThroughLinksOfOthers(string which)
    {
        Directory.CreateDirectory(_scratch["dir"]);
        File.WriteAllText(_scratch["dir/rules"], "- x\n");
        RawFiles.SymbolicLink("dir"u8.ToArray(), RawFiles.Bytes(_scratch["way"]));
        RawFiles.SymbolicLink("dir/rules"u8.ToArray(), RawFiles.Bytes(_scratch["link"]));
        byte[] path = RawFiles.Bytes(which == "link" ? _scratch["link"] : _scratch["way/rules"]);
        Assert.Equal("- x\n"u8, RuleFiles.OnDisk.Read(path, "exclude"));
        RawFiles.ChangeOwner(RawFiles.Bytes(_scratch[which]), Nobody, Nobody);
        FilterException e = Assert.Throws<FilterException>(() => RuleFiles.OnDisk.Read(path, "exclude"));
        Assert.Equal(FilterException.FileError, e.ExitCode);
        Assert.Contains(Encoding.UTF8.GetString(path), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoFileIsNoRuleFile()
    {
        RawFiles.MakeNode(RawFiles.Bytes(_scratch["tree/.f"]), RawFiles.Fifo | 0x1A4);
        RawFiles.MakeDirectory(RawFiles.Bytes(_scratch["tree/.g"]));
        Assert.False(Root(": .f", ": .g", "- y").IsUncertain);
        Assert.Empty(_unreadable);
    }

    [Fact]
    public void AMalformedFileIsNamedWithoutItsText()
    {
        File.WriteAllText(_scratch["tree/.f"], "- fine\n\nsecret words\n");
        FilterException e = Assert.Throws<FilterException>(() => Root(": .f"));
        Assert.Equal("unknown filter rule (.f line 3)", e.Message);
        Assert.Equal(1, e.ExitCode);
    }

    [Fact]
    public void AFileThatMergesAnotherFindsItFromTheRootOfTheTransfer()
    {
        File.WriteAllText(_scratch["tree/.f"], ". more\n");
        FilterException e = Assert.Throws<FilterException>(() => Root(": .f"));
        Assert.Equal((FilterException.FileError, ".f", 1), (e.ExitCode, e.File, e.Line));
        File.WriteAllText(_scratch["tree/more"], "- x\n");
        Assert.True(Hides(Root(": .f"), "x"));
    }

    [Fact]
    public void DirectoriesAboveTheRootAreSearchedFromThePathThatTheRuleNames()
    {
        File.WriteAllText(_scratch[".f"], "- x\n- /tree/y\n- /z\n: .g\n");
        File.WriteAllText(_scratch["tree/.g"], "- w\n");
        Assert.Equal("", string.Concat("wxyz".Where(c => Hides(Root(": .f"), $"{c}"))));
        foreach (string from in (string[])["/", "../", "../../", _scratch.Root + "/", "../../../../../../../../"])
        {
            Assert.Equal("wxy", string.Concat("wxyz".Where(c => Hides(Root($": {from}.f"), $"{c}"))));
        }

        Assert.Equal("", string.Concat("wxyz".Where(c => Hides(Root($": {_scratch["tree/d"]}/.f"), $"{c}"))));
    }
}
