using System.Text;
using NativeSync.Engine.Compression;

namespace NativeSync.Engine.Tests.Compression;

public sealed class SuffixListTests
{
    [Theory]
    [InlineData("gz/jp[e]g/mp[34]", "a.gz", true)]
    [InlineData("gz/jp[e]g/mp[34]", "a.GZ", true)]
    [InlineData("gz/jp[e]g/mp[34]", "a.tar.gz", true)]
    [InlineData("gz/jp[e]g/mp[34]", "a.jpeg", true)]
    [InlineData("gz/jp[e]g/mp[34]", "a.jpg", false)]
    [InlineData("gz/jp[e]g/mp[34]", "a.mp4", true)]
    [InlineData("gz/jp[e]g/mp[34]", "a.mp5", false)]
    [InlineData("gz/jp[e]g/mp[34]", "gz", false)]
    [InlineData("GZ", "a.gz", true)]
    [InlineData("g*", "a.gz", false)]
    [InlineData("", "a.gz", false)]
    [InlineData("/", "a.", false)]
    [InlineData("/gz/", "a.gz", true)]
    [InlineData("[]", "a.x", false)]
    public void ASuffixMatchesAsRsyncDescribesIt(string list, string name, bool matches)
    {
        Assert.True(SuffixList.TryParse(Encoding.UTF8.GetBytes(list), out SuffixList suffixes));
        Assert.Equal(matches, suffixes.Matches(Encoding.UTF8.GetBytes(name)));
    }

    [Fact]
    public void AClassThatIsNotClosedIsRefused() => Assert.False(SuffixList.TryParse("gz/mp[34"u8, out _));
}
