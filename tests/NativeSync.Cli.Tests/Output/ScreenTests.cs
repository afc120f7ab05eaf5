using System.Text;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Cli.Output;

namespace NativeSync.Cli.Tests.Output;

public sealed class ScreenTests
{
    [Fact]
    public void TheLineOfProgressMakesWayForOtherLinesAndComesBack()
    {
        FakeTimeProvider clock = new();
        using MemoryStream both = new();
        using (Screen screen = new(new Streams(both, both, 80), clock))
        {
            screen.SetStatus("50%");
            clock.Advance(TimeSpan.FromMilliseconds(100));
            screen.WriteLine("a name");
            clock.Advance(TimeSpan.FromMilliseconds(100));
            screen.WriteError("nativesync: trouble");
        }

        Assert.Equal("\r50%\u001b[K\r\u001b[Ka name\n\r50%\u001b[K\r\u001b[Knativesync: trouble\n", Encoding.UTF8.GetString(both.ToArray()));
    }

    [Fact]
    public void TheLineIsDrawnTenTimesASecondAtMost()
    {
        FakeTimeProvider clock = new();
        using MemoryStream error = new();
        using Screen screen = new(new Streams(new MemoryStream(), error, 80), clock);
        for (int i = 0; i < 1000; i++)
        {
            screen.SetStatus($"{i}");
            clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(Encoding.UTF8.GetString(error.ToArray()).Count(static c => c == '\r'), 1, 10);
    }

    [Fact]
    public void AReaderWhoHasGoneStopsNothing()
    {
        using Screen screen = new(new Streams(new BrokenPipe(), new MemoryStream(), null), new FakeTimeProvider());
        for (int i = 0; i < 10; i++)
        {
            screen.WriteLine(new string('x', 20_000));
        }

        screen.Flush();
    }

    private sealed class BrokenPipe : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("Broken pipe");
    }
}
