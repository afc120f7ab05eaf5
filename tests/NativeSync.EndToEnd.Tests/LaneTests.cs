using System.Buffers;
using System.Diagnostics;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.Protocol;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Several channels and connections to a real server: <c>--lanes</c>, and the limit over all of them.</summary>
public sealed class LaneTests
{
    /// <summary>Slow enough for all lanes to take part.</summary>
    private const string Limit = "--bwlimit=8m";

    private const int Bytes = 32 << 20;

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task SixLanesBringATree(bool push, bool otherSsh)
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync();
        using Scratch scratch = MixedTree.Make(Bytes);
        string[] words = otherSsh ? ["-e", server.RshCommand] : Tool.OptionsFor(server);
        (string from, string to) = (scratch["src"] + "/", scratch["dst"] + "/");
        CommandResult sync = await Tool.SyncAsync([.. words, "-aH", "--lanes=6", Limit, push ? from : Tool.Remote(from), push ? Tool.Remote(to) : to]);
        Assert.True(sync.ExitCode == 0, sync.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);

        // The upload of the agent takes commands, too.
        Assert.True(await server.LoggedAsync("Starting session: command", 6) >= 6, server.Log);
        int connections = otherSsh ? 6 : push ? 1 : 2;
        Assert.True(await server.LoggedAsync("Accepted publickey", connections) >= connections, server.Log);

        // The upload of the agent counts, too.
        double least = (Bytes + new FileInfo(Tool.Path).Length) / (double)(8 << 20);
        Assert.True(sync.Elapsed.TotalSeconds >= 0.95 * least, $"too fast for the limit: {sync}");
    }

    [Fact]
    public async Task AServerThatAllowsNoMoreStopsNothing()
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(new PrivateSshdOptions { OverrideLines = ["MaxSessions 1", "MaxStartups 1:100:1"] });
        using Scratch scratch = MixedTree.Make(Bytes);
        CommandResult sync = await Tool.SyncAsync(server, "-aH", "--rsync-path", Tool.Path, "--lanes=8", Limit, scratch["src"] + "/", Tool.Remote(scratch["dst"] + "/"));
        Assert.True(sync.ExitCode == 0, sync.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    /// <summary>The server's process of the second connection is killed while it carries a part of the data.</summary>
    [Fact]
    public async Task LosingAConnectionOfSeveralLosesNothing()
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(new PrivateSshdOptions { OverrideLines = ["MaxSessions 2"] }); // else all lanes may share the first one
        using Scratch scratch = MixedTree.Make(Bytes);
        (await Tool.SyncAsync(server, "-a", scratch["empty"] + "/", Tool.Remote(scratch["x"]))).MustExit(0); // puts the agent there
        Task<CommandResult> sync = Tool.SyncAsync(server, "-aH", "--lanes=6", Limit, scratch["src"] + "/", Tool.Remote(scratch["dst"] + "/"));
        int victim = await ServerProcesses.SecondConnectionAsync(server.ProcessId, sync);
        using (Process process = Process.GetProcessById(victim))
        {
            process.Kill();
        }

        CommandResult result = await sync;
        Assert.True(result.ExitCode == 0, result.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    [Fact]
    public async Task ALimitIsReadAgainFromItsFile()
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync();
        using Scratch scratch = MixedTree.Make(Bytes);
        await File.WriteAllTextAsync(scratch["limit"], "100"); // 330 s
        Task<CommandResult> sync = Tool.SyncAsync(
            server, "-a", "--lanes=6", "--rsync-path", Tool.Path, "--bwlimit-file=" + scratch["limit"], Tool.Remote(scratch["src"] + "/"), scratch["dst"] + "/");
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((!Directory.Exists(scratch["dst"]) || server.Log.Split("Starting session: command").Length <= 6) && !sync.IsCompleted)
        {
            await poll.WaitForNextTickAsync();
        }

        await File.WriteAllTextAsync(scratch["limit"], "00:00,off");
        CommandResult result = await sync;
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.True(result.Elapsed.TotalSeconds < 200, result.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    /// <summary>The far end of a lane whose session nobody has.</summary>
    [Fact]
    public async Task AStrangerAtTheDoorIsRefused()
    {
        var said = new ArrayBufferWriter<byte>();
        Magic.Write(said);
        new HelloFrame { MinVersion = 1, MaxVersion = 1, Capabilities = ProtocolVersion.AllCapabilities, Role = PeerRole.Client, Build = [], Credit = 0, Session = 7 }.Write(said);
        new JoinFrame { Session = 7, Secret = new byte[ProtocolLimits.SecretLength], Lane = 1 }.Write(said);
        using Process process = Process.Start(new ProcessStartInfo(Tool.Path, ["serve", "join"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await process.StandardInput.BaseStream.WriteAsync(said.WrittenMemory);
        await process.StandardInput.BaseStream.FlushAsync();
        using var answer = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(answer);
        await process.WaitForExitAsync();
        Assert.Equal(5, process.ExitCode);
        Assert.Contains("no session", System.Text.Encoding.ASCII.GetString(answer.ToArray()), StringComparison.Ordinal);
    }
}
