namespace NativeSync.Protocol.Tests;

/// <summary>Lists of statistics of other releases can be read.</summary>
public sealed class StatisticsTests
{
    [Fact]
    public void AShorterListLeavesTheRestZero()
    {
        var reader = new WireReader([2, 7, 8]);
        Statistics statistics = Statistics.Read(ref reader);
        Assert.Equal(7, statistics.Entries);
        Assert.Equal(8, statistics.Files);
        Assert.Equal(0, statistics.UnlistedDirectories);
    }

    [Fact]
    public void ALongerListIsReadToItsEnd()
    {
        byte[] list = [100, .. Enumerable.Range(1, 100).Select(i => (byte)i)];
        var reader = new WireReader(list);
        Assert.Equal(Statistics.Count, Statistics.Read(ref reader).UnlistedDirectories);
        Assert.True(reader.End);
    }

    [Fact]
    public void TheLargestListFitsItsBound()
    {
        var statistics = new Statistics();
        for (int i = 0; i < Statistics.Count; i++)
        {
            statistics.Slot(i) = long.MaxValue;
        }

        var writer = new WireWriter(new byte[Statistics.MaxSize]);
        statistics.Write(ref writer);
        Assert.Equal(Statistics.MaxSize, writer.Position);
    }
}
