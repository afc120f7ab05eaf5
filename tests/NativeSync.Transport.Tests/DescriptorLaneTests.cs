using System.IO.Pipes;
using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

/// <summary>The agent's own lane, over a pair of pipes in place of its standard input and output.</summary>
public sealed class DescriptorLaneTests
{
    [Fact]
    public async Task BytesTravelBothWaysAndTheEndsFollowThem()
    {
        (ILane near, ILane far) = Pair();
        byte[] data = new byte[5_000_000];
        Random.Shared.NextBytes(data);
        Task echo = Task.Run(async () =>
        {
            await far.Input.CopyToAsync(far.Output);
            await far.Output.CompleteAsync();
            await far.DisposeAsync();
        });
        Task sending = Task.Run(async () =>
        {
            await near.SendAsync(data);
            await near.Output.CompleteAsync();
        });
        Assert.Equal(data, await near.TakeAllAsync());
        await sending;
        await echo;
        await near.DisposeAsync();
    }

    [Fact]
    public async Task WhatWasCompletedArrivesAlthoughTheLaneIsDisposedAtOnce()
    {
        (ILane near, ILane far) = Pair();
        await far.SendAsync("goodbye"u8.ToArray());
        await far.Output.CompleteAsync();
        await far.DisposeAsync();
        Assert.Equal("goodbye"u8.ToArray(), await near.TakeAllAsync());
        await near.DisposeAsync();
    }

    [Fact]
    public async Task AReaderThatWentAwayFaultsTheWriter()
    {
        (ILane near, ILane far) = Pair();
        await near.DisposeAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(async () =>
        {
            while (true)
            {
                await far.SendAsync(new byte[100_000]);
            }
        });
        Assert.Equal(12, e.ExitCode);
        await far.DisposeAsync();
    }

    [Fact]
    public async Task DisposingNeverWaitsForAPeerThatIsSilent()
    {
        (ILane near, ILane far) = Pair();
        await near.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(10));
        await far.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(10));
    }

    /// <summary>Who has not promised not to block is continued by the pool; who has, by the thread that reads, until it takes that back.</summary>
    [Fact]
    public async Task TheReaderContinuesOnTheReadingThreadWhileItPromisesNotToBlock()
    {
        (ILane near, ILane far) = Pair();
        Assert.Equal("the pool", await ContinuesOn());
        near.ContinueInline(true);
        Assert.Equal("near in", await ContinuesOn());
        near.ContinueInline(false);
        Assert.Equal("the pool", await ContinuesOn());
        await near.DisposeAsync();
        await far.DisposeAsync();

        // The name of the thread that goes on after a read that had to wait; or that it is the pool's.
        async Task<string?> ContinuesOn()
        {
            Task<string?> reading = ReadAsync();
            await far.SendAsync(new byte[1]);
            return await reading.WaitAsync(TestContext.Limit(10));
        }

        async Task<string?> ReadAsync()
        {
            System.IO.Pipelines.ReadResult result = await near.Input.ReadAsync().ConfigureAwait(false);
            string? name = Thread.CurrentThread.IsThreadPoolThread ? "the pool" : Thread.CurrentThread.Name;
            near.Input.AdvanceTo(result.Buffer.End);
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return name;
        }
    }

    private static (ILane Near, ILane Far) Pair()
    {
        (int read, int write) there = Pipe();
        (int read, int write) back = Pipe();
        return (new DescriptorLane(back.read, there.write, "near"), new DescriptorLane(there.read, back.write, "far"));
    }

    /// <summary>The lanes own the descriptors: the streams that made them must not close them.</summary>
    /// <remarks>The stream leaves its client's handle to whoever asked for it; one left open would keep the end from being seen.</remarks>
    private static (int Read, int Write) Pipe()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.In);
        using Microsoft.Win32.SafeHandles.SafePipeHandle client = server.ClientSafePipeHandle;
        return (Duplicate(server.SafePipeHandle), Duplicate(client));
    }

    private static int Duplicate(Microsoft.Win32.SafeHandles.SafePipeHandle handle) =>
        LibC.fcntl((int)handle.DangerousGetHandle(), LibC.F_DUPFD_CLOEXEC, 3);
}
