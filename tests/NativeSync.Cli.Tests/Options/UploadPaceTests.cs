using NativeSync.Cli.Remote;

namespace NativeSync.Cli.Tests.Options;

/// <summary>The bandwidth limit before there is a session.</summary>
public sealed class UploadPaceTests
{
    [Fact]
    public async Task TheLimitOfTheMomentHolds()
    {
        long rate = 20 * 1024;
        Func<int, CancellationToken, ValueTask<int>> pace = UploadPace.Of(() => rate);
        Assert.InRange(await pace(1_000_000, CancellationToken.None), 512, 1024);
        rate = 2 << 20;
        Assert.InRange(await pace(1_000_000, CancellationToken.None), 90_000, 110_000);
        rate = 0;
        Assert.Equal(1_000_000, await pace(1_000_000, CancellationToken.None));
    }
}
