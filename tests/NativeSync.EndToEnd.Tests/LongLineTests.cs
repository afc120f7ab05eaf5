using System.Diagnostics;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>A real server at the far end of a line of 40 ms which loses one packet in two hundred: lanes are opened unasked.</summary>
public sealed class LongLineTests
{
    private const int Bytes = 24 << 20;

    /// <summary>Five seconds for the whole, and a login in half a second.</summary>
    private static readonly LineShape Shape = new(40_000_000, TimeSpan.FromMilliseconds(40), Loss: 0.005);

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SeveralConnectionsBringATreeOverALineThatLosesPackets(bool push)
    {
        await using LongLine line = await OpenAsync(push);
        await using PrivateSshd server = await PrivateSshd.StartAsync(new PrivateSshdOptions { Line = line });
        using Scratch scratch = MixedTree.Make(Bytes);
        CommandResult sync = await SyncAsync(line, server, scratch, push);
        Assert.True(sync.ExitCode == 0, sync.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
        Assert.True(await server.LoggedAsync("Accepted publickey", 2) >= 2, server.Log);
        Assert.True(await server.LoggedAsync("Starting session: command", 4) >= 4, server.Log);
        Assert.True(line.Dropped is { There: > 0 } or { Back: > 0 });
    }

    /// <summary>The server's process of the last connection is killed as soon as it is there.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LosingAConnectionThatNobodyAskedForLosesNothing(bool push)
    {
        await using LongLine line = await OpenAsync(push);
        await using PrivateSshd server = await PrivateSshd.StartAsync(new PrivateSshdOptions { Line = line });
        using Scratch scratch = MixedTree.Make(Bytes);
        Task<CommandResult> sync = SyncAsync(line, server, scratch, push);
        using (var connection = Process.GetProcessById(await ServerProcesses.SecondConnectionAsync(server.ProcessId, sync)))
        {
            connection.Kill();
        }

        CommandResult result = await sync;
        Assert.True(result.ExitCode == 0, result.ToString());
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    /// <summary>A sender whose kernel has bbr opens no second connection, which would only take from the first.</summary>
    private static async Task<LongLine> OpenAsync(bool push)
    {
        LongLine line = await LongLine.OpenAsync(Shape);
        if (push)
        {
            await line.SetKernelAsync("reno");
        }

        return line;
    }

    /// <summary>The executable under test lies at the far end, too: what is tested is not the upload.</summary>
    private static Task<CommandResult> SyncAsync(LongLine line, PrivateSshd server, Scratch scratch, bool push)
    {
        string there = $"{PrivateSshd.User}@{server.Address}:";
        (string from, string to) = (scratch["src"] + "/", scratch["dst"] + "/");
        return Command.RunAsync([.. line.Near, Tool.Path, "sync", .. Tool.OptionsFor(server), "--rsync-path", Tool.Path, "-aH",
            push ? from : there + from, push ? there + to : to]);
    }
}
