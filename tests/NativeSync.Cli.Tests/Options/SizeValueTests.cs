using System.Text.RegularExpressions;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Options;

public sealed class SizeValueTests
{
    [Theory]
    [InlineData("1536b", 2)]
    [InlineData("1KB", 1)]
    [InlineData("1.5m", 1536)]
    [InlineData("100", 100)]
    [InlineData("0", 0)]
    [InlineData("512b", 1)]
    [InlineData("2.5", 3)]
    [InlineData("1m", 1024)]
    [InlineData("1MB", 977)]
    [InlineData("1MiB", 1024)]
    [InlineData("1g-1", 1048576)]
    [InlineData("1k+1", 1)]
    [InlineData("", 0)]
    [InlineData(".5m", 512)]
    public void ABandwidthIsReadAsTheReferenceSays(string text, long kibibytes) => Assert.Equal(kibibytes * 1024, SizeValue.ParseBandwidth(text));

    [Theory]
    [InlineData("511b")]
    [InlineData("x")]
    [InlineData("1x")]
    [InlineData("-1")]
    [InlineData("1kk")]
    [InlineData("1k2")]
    [InlineData("1k+2")]
    [InlineData("0x10")]
    [InlineData(" 1")]
    [InlineData("99999999999p")]
    public void ABandwidthThatMakesNoSenseIsRefused(string text) => Assert.Equal(1, Assert.Throws<UsageException>(() => SizeValue.ParseBandwidth(text)).ExitCode);

    [Fact]
    public void RsyncReadsTheSameBandwidths()
    {
        // rsync tells the other side in its arguments what it made of the option; the remote shell here only repeats them.
        List<string> differing = [];
        foreach (string text in (string[])["1536b", "1KB", "1.5m", "100", "512b", "511b", "2.5", "1m", "1MB", "1MiB", "1g-1", "1k+1", ".5m", "x", "1x", "1kk", "1k2", "1k+2", "0x10", "7.", "3kb", "3KiB", "1t", "10G"])
        {
            (int exitCode, _, string error) = Rsync.Run("-n", "--bwlimit=" + text, "-e", "sh -c 'echo \"$@\" >&2; exit 1' x", "/etc/hostname", "h:");
            Match match = Regex.Match(error, @"--bwlimit=(\d+)(?= )");
            string theirs = match.Success ? match.Groups[1].Value : $"refused {exitCode}";
            string ours;
            try
            {
                ours = (SizeValue.ParseBandwidth(text) / 1024).ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
            catch (UsageException e)
            {
                ours = $"refused {e.ExitCode}";
            }

            if (ours != theirs)
            {
                differing.Add($"{text}: ours {ours}, rsync's {theirs}");
            }
        }

        Assert.Empty(differing);
    }
}
