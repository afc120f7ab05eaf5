using System.IO.Pipelines;
using NativeSync.Engine;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

public sealed class LaneTests
{
    [Fact]
    public async Task BytesComeBackThroughSsh()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("cat");
        byte[] data = new byte[20_000_000];
        Random.Shared.NextBytes(data);
        Task sending = Task.Run(async () =>
        {
            await lane.SendAsync(data);
            await lane.Output.CompleteAsync();
        });
        Assert.Equal(data, await lane.TakeAllAsync());
        await sending;
    }

    [Fact]
    public async Task ManySmallWritesArriveInOrder()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("cat");
        var expected = new MemoryStream();
        for (int i = 0; i < 3000; i++)
        {
            byte[] piece = new byte[i % 97];
            Random.Shared.NextBytes(piece);
            expected.Write(piece);
            await lane.SendAsync(piece);
        }

        await lane.Output.CompleteAsync();
        Assert.Equal(expected.ToArray(), await lane.TakeAllAsync());
    }

    [Fact]
    public async Task AServerThatExchangesKeysAgainInBetweenLosesNothing()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ExtraLines = ["RekeyLimit 2M"] });
        await using SshSession session = await sshd.ConnectAsync();
        byte[] data = new byte[12_000_000];
        Random.Shared.NextBytes(data);
        Assert.Equal(data, (await session.RunAsync("cat", data)).Output);
    }

    [Fact]
    public async Task SeveralLanesShareAConnection()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        byte[][] results = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
            (await session.RunAsync("cat", Enumerable.Repeat((byte)i, 300_000 + i).ToArray())).Output));
        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal(Enumerable.Repeat((byte)i, 300_000 + i), results[i]));
    }

    /// <summary>What the peer still takes decides whether a lane may send in its turn: OpenSSH takes 2 MiB, less what was sent and not read yet.</summary>
    [Fact]
    public async Task WhatTheServerStillTakesOfAChannelIsKnown()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("read line; exec cat >/dev/null");
        var exec = Assert.IsType<SshExecLane>(lane);
        Assert.Equal(2u << 20, exec.Room);
        await lane.SendAsync(new byte[1 << 20]);
        Assert.True(SpinWait.SpinUntil(() => exec.Room < 2u << 20, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task AChannelTooManyIsRefusedAndTheOthersGoOn()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { OverrideLines = ["MaxSessions 1"] });
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("cat");
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => session.OpenExecLaneAsync("cat"));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("MaxSessions", e.Hint);
        await lane.SendAsync([1, 2, 3]);
        Assert.Equal([1, 2, 3], await lane.TakeAsync(3));
    }

    [Theory]
    [InlineData("exit 126", 126)]
    [InlineData("exit 127", 127)]
    [InlineData("exit 255", 255)]
    [InlineData("exit 3", 12)]
    [InlineData("kill -9 $$", 12)]
    public async Task HowTheCommandEndedIsToldApart(string command, int exitCode)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync($"printf before; echo 'because \x1b[31m' >&2; {command}");
        // What came before the end is not lost.
        Assert.Equal("before"u8.ToArray(), await lane.TakeAsync(6));
        TransportException e = await Assert.ThrowsAsync<TransportException>(lane.TakeAllAsync);
        Assert.Equal(exitCode, e.ExitCode);
        Assert.Contains("because \\#033[31m", e.Message);
    }

    [Fact]
    public async Task ACleanEndIsNoError()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("printf done");
        Assert.Equal("done"u8.ToArray(), await lane.TakeAllAsync());
        FlushResult result = await lane.Output.WriteAsync(new byte[1], TestContext.Limit());
        Assert.True(result.IsCompleted);
    }

    [Fact]
    public async Task AKilledConnectionFaultsReadingAndWriting()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("exec sleep 1000");
        Task flood = Task.Run(async () =>
        {
            while (true)
            {
                await lane.SendAsync(new byte[100_000]);
            }
        });
        await KillSessionsAsync(sshd);
        TransportException read = await Assert.ThrowsAsync<TransportException>(lane.TakeAllAsync);
        Assert.Equal(12, read.ExitCode);
        TransportException write = await Assert.ThrowsAsync<TransportException>(() => flood.WaitAsync(TestContext.Limit(20)));
        Assert.Equal(12, write.ExitCode);
    }

    [Fact]
    public async Task ACommandThatEndsWhileItsInputIsFullWakesTheWriter()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using ILane lane = await session.OpenExecLaneAsync("head -c 1; exit 5");
        Task flood = Task.Run(async () =>
        {
            while (!(await lane.Output.WriteAsync(new byte[100_000])).IsCompleted)
            {
            }
        });
        Assert.Equal(12, (await Assert.ThrowsAsync<TransportException>(() => flood.WaitAsync(TestContext.Limit(20)))).ExitCode);
    }

    [Fact]
    public async Task DisposingNeverHangsWhileThePeerTakesNothing()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        SshSession session = await sshd.ConnectAsync();
        ILane lane = await session.OpenExecLaneAsync("exec sleep 1000");
        using var full = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (true)
            {
                await lane.Output.WriteAsync(new byte[100_000], full.Token);
            }
        });
        await lane.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(15));
        await session.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(15));
    }

    [Fact]
    public async Task DisposingNeverHangsWhileTheServerIsFrozen()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        SshSession session = await sshd.ConnectAsync();
        ILane lane = await session.OpenExecLaneAsync("cat >/dev/null");
        foreach (int pid in SessionsOf(sshd))
        {
            Run.Program("sh", "-c", $"kill -STOP {pid} || true");
        }

        using var full = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (true)
            {
                await lane.Output.WriteAsync(new byte[100_000], full.Token);
            }
        });
        await lane.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(15));
        await session.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(15));
    }

    [Fact]
    public async Task NoThreadOutlivesItsSession()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();

        // Names of threads are cut to 15 characters by the kernel, so those of other tests beside this one have the same: whose they are is not asked,
        // only that those go which came meanwhile.
        string own = $"ssh {PrivateSshd.User}@127.0.0.1:{sshd.Port}"[..15];
        string[] before = ThreadsNamed(own), ours = [];
        for (int i = 0; i < 3; i++)
        {
            await using SshSession session = await sshd.ConnectAsync();
            await using ILane lane = await session.OpenExecLaneAsync("cat");
            await lane.SendAsync([1]);
            await lane.TakeAsync(1);
            ours = [.. ours, .. ThreadsNamed(own).Except(before)];
        }

        Assert.NotEmpty(ours);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        CancellationToken limit = TestContext.Limit();
        while (ThreadsNamed(own).Intersect(ours).Any())
        {
            await poll.WaitForNextTickAsync(limit);
        }
    }

    [Fact]
    public async Task TheLastWordsOfTheInputComeBeforeItsFault()
    {
        var pipe = new Pipe();
        var reader = new FaultingReader(pipe.Reader);
        await pipe.Writer.WriteAsync(new byte[10]);
        reader.SetFault(new TransportException(12, "cut"));
        await pipe.Writer.CompleteAsync();

        ReadResult first = await reader.ReadAsync();
        Assert.Equal(10, first.Buffer.Length);
        Assert.False(first.IsCompleted);
        reader.AdvanceTo(first.Buffer.GetPosition(4), first.Buffer.GetPosition(4));
        ReadResult second = await reader.ReadAsync();
        Assert.Equal(6, second.Buffer.Length);
        reader.AdvanceTo(second.Buffer.Start, second.Buffer.End);
        Assert.Equal("cut", (await Assert.ThrowsAsync<TransportException>(async () => await reader.ReadAsync())).Message);
        Assert.Equal("cut", (await Assert.ThrowsAsync<TransportException>(async () => await reader.ReadAsync())).Message);
    }

    [Fact]
    public void OnlyTheTailOfTheDiagnosticsIsKept()
    {
        var tail = new DiagnosticTail();
        for (int i = 0; i < 5000; i++)
        {
            tail.Append(System.Text.Encoding.ASCII.GetBytes($"line {i}\n"));
        }

        Assert.EndsWith("line 4999\n", tail.Raw());
        Assert.Equal(DiagnosticTail.Capacity, tail.Raw().Length);
        tail.Append(new byte[100_000]);
        Assert.Equal(DiagnosticTail.Capacity, tail.Raw().Length);
    }

    /// <summary>The server's processes for its sessions.</summary>
    private static IEnumerable<int> SessionsOf(PrivateSshd sshd) => Descendants(sshd.ProcessId);

    private static async Task KillSessionsAsync(PrivateSshd sshd)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        await poll.WaitForNextTickAsync();
        foreach (int pid in SessionsOf(sshd))
        {
            Run.Program("sh", "-c", $"kill -KILL {pid} || true");
        }
    }

    private static IEnumerable<int> Descendants(int parent) =>
        Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Select(n => int.Parse(n!, System.Globalization.CultureInfo.InvariantCulture))
            .Where(pid => ParentOf(pid) == parent).SelectMany(pid => Descendants(pid).Append(pid)).ToArray();

    private static int ParentOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    /// <summary>The threads of this process that have that name.</summary>
    private static string[] ThreadsNamed(string wanted)
    {
        return [.. Directory.GetDirectories("/proc/self/task").Where(task => NameOf(task) == wanted)];

        static string? NameOf(string task)
        {
            try
            {
                return File.ReadAllText(Path.Combine(task, "comm")).Trim();
            }
            catch (IOException)
            {
                return null;
            }
        }
    }
}
