using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A caller goes on before the agent has answered the job, where the agent says that it may.</summary>
public sealed class EarlySessionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();

    public EarlySessionTests() => _tree.Fill("src", 7);

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task AnAgentThatTakesNothingEarlyIsWaitedFor(JobKind kind)
    {
        await using var connection = new InProcessConnection(ServeWithoutEarlyAsync);
        var report = await Synchronizer.RunAsync(connection, kind, _tree.Request("src/", "new", JobFlags.Delete), null, SyncEnvironment.Default, CancellationToken.None);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal("", _tree.Difference("src/", "new"));
    }

    /// <summary>It refuses while records are on their way to it: what it says is what the caller hears.</summary>
    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task ARefusalIsHeardThoughTheSessionHasBegun(JobKind kind)
    {
        await using var connection = new InProcessConnection(async (lane, token) =>
        {
            var answer = new ArrayBufferWriter<byte>();
            answer.Write(Handshake.AgentGreeting(1 << 24));
            await lane.Output.WriteAsync(answer.WrittenMemory, token);
            if (kind == JobKind.Push)
            {
                // Records come without an answer.
                await ReadUntilAsync(lane.Input, FrameType.Records, token);
            }

            answer.ResetWrittenCount();
            new ReadyFrame { Flags = 0, Code = 3, Text = "no such place"u8.ToArray() }.Write(answer);
            await lane.Output.WriteAsync(answer.WrittenMemory, token);
        });
        var refusal = await Assert.ThrowsAsync<SessionException>(() => Synchronizer
            .RunAsync(connection, kind, _tree.Request("src/", "new", JobFlags.Delete), null, SyncEnvironment.Default, CancellationToken.None).WaitAsync(Patience));
        Assert.Equal((3, "no such place"), (refusal.ExitCode, refusal.Message));
        Assert.False(Directory.Exists(Path.Combine(_tree.Root, "new")));
    }

    /// <summary>On a line that is known to be long; on another one the answer to the job shows how long it is.</summary>
    [Theory]
    [InlineData(200)]
    [InlineData(0)]
    public async Task FurtherLanesAreAskedForBeforeTheAnswerWhereTheLineIsLong(int milliseconds)
    {
        LongWay? way = null;
        await using var connection = new InProcessConnection(async (lane, token) =>
        {
            var answer = new ArrayBufferWriter<byte>();
            answer.Write(Handshake.AgentGreeting(1 << 24));
            await lane.Output.WriteAsync(answer.WrittenMemory, token);
            await ReadUntilAsync(lane.Input, FrameType.Records, token);
            if (milliseconds > 0)
            {
                await way!.Asked.WaitAsync(Patience, token);
            }

            Assert.Equal(milliseconds > 0, way!.Asked.IsCompleted);
            answer.ResetWrittenCount();
            new ReadyFrame { Flags = 0, Code = 3, Text = "no such place"u8.ToArray() }.Write(answer);
            await lane.Output.WriteAsync(answer.WrittenMemory, token);
        });
        way = new LongWay(connection, TimeSpan.FromMilliseconds(milliseconds));
        var request = _tree.Request("src/", "new", JobFlags.Delete);
        var refusal = await Assert.ThrowsAsync<SessionException>(() => Synchronizer
            .RunAsync(way, JobKind.Push, request with { Options = request.Options with { Lanes = 2 } }, null, SyncEnvironment.Default, CancellationToken.None).WaitAsync(Patience));
        Assert.Equal((3, "no such place"), (refusal.ExitCode, refusal.Message));
    }

    /// <summary>One that was asked for before the answer has joined by then, and waits for a session that will not begin.</summary>
    [Fact]
    public async Task ARefusedJobLeavesNoLaneWaiting()
    {
        using ManualResetEventSlim joins = new();
        var door = new InProcessDoor
        {
            Tamper = join =>
            {
                joins.Set();
                return join;
            },
        };
        ConcurrentBag<Task<int>> agents = [];
        var environment = new SyncEnvironment(new UnreadableList(joins), TimeProvider.System);
        await using var connection = new InProcessConnection(async (lane, token) =>
        {
            var agent = Agent.ServeAsync(lane, door, environment, CancellationToken.None);
            agents.Add(agent);
            await agent.WaitAsync(token);
        });
        var way = new LongWay(connection, TimeSpan.FromMilliseconds(200)) { HasMoreLanes = true };
        var request = _tree.Request("src/", "new", JobFlags.None) with { FilesFrom = "list"u8.ToArray(), FilesFromIsRemote = true };
        var refusal = await Assert.ThrowsAsync<SessionException>(() => Synchronizer
            .RunAsync(way, JobKind.Push, request with { Options = request.Options with { Lanes = 2 } }, null, SyncEnvironment.Default, CancellationToken.None).WaitAsync(Patience));
        Assert.Contains("list", refusal.Message);
        Assert.True(joins.IsSet);
        Assert.Equal(2, agents.Count);
        await Task.WhenAll(agents).WaitAsync(Patience);
    }

    /// <summary>The list of the job cannot be opened, which takes until a further lane has said whose it is.</summary>
    private sealed class UnreadableList(ManualResetEventSlim joins) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override int StatPath(ReadOnlySpan<byte> operatorPath, bool follow, out FileStatus status)
        {
            status = default;
            return 0;
        }

        public override int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0)
        {
            joins.Wait(Patience);
            return -Errno.EACCES;
        }
    }

    /// <summary>A connection that says how long it is, and has one lane unless it is said to have more.</summary>
    private sealed class LongWay(IConnection inner, TimeSpan roundTrip) : IConnection
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _opened;

        /// <summary>A second one was asked for.</summary>
        public Task Asked => _asked.Task;

        public string Peer => inner.Peer;

        public string? DiagnosticText => inner.DiagnosticText;

        public int? ExitCode => inner.ExitCode;

        public TimeSpan RoundTrip => roundTrip;

        public bool HasMoreLanes { get; init; }

        public int PlanLanes(bool sends, out bool fillsLine)
        {
            fillsLine = true;
            return 1;
        }

        public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
        {
            if (Interlocked.Increment(ref _opened) == 1 || HasMoreLanes)
            {
                return await inner.OpenLaneAsync(ct);
            }

            _asked.TrySetResult();
            throw new NotSupportedException();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>An agent behind a line which takes that capability out of its Hello, and lets nothing pass before its Ready that it could not take.</summary>
    private static async Task ServeWithoutEarlyAsync(ILane caller, CancellationToken ct)
    {
        var (near, far) = InProcessConnection.CreateLanePair();
        var agent = Agent.ServeAsync(far, ct);
        var hello = HelloFrame.Parse((await ReadUntilAsync(near.Input, FrameType.Hello, ct))[^1].Payload);
        var greeting = new ArrayBufferWriter<byte>();
        Magic.Write(greeting);
        (hello with { Capabilities = hello.Capabilities & ~(Capabilities.Early | Capabilities.SuperUser) }).Write(greeting);
        await caller.Output.WriteAsync(greeting.WrittenMemory, ct);

        var asked = await ReadUntilAsync(caller.Input, FrameType.Job, ct);
        Assert.Equal([FrameType.Hello, FrameType.Job], asked.Select(frame => frame.Type));
        greeting.ResetWrittenCount();
        Magic.Write(greeting);
        HelloFrame.Parse(asked[0].Payload).Write(greeting);
        JobFrame.Parse(asked[1].Payload).Write(greeting);
        Assert.False(caller.Input.TryRead(out var early), $"{early.Buffer.Length} bytes came before the answer");
        await near.Output.WriteAsync(greeting.WrittenMemory, ct);
        await Task.WhenAll(CopyAsync(near, caller, ct), CopyAsync(caller, near, ct));
        await agent;
    }

    private static async Task CopyAsync(ILane from, ILane to, CancellationToken ct)
    {
        try
        {
            await from.Input.CopyToAsync(to.Output, ct);
        }
        catch (InvalidOperationException)
        {
            // It is closed: nobody is left to read.
        }

        await to.Output.CompleteAsync();
    }

    /// <summary>Reads the magic, where it is still to come, and frames up to one of this type, and not a byte more.</summary>
    private static async Task<List<(FrameType Type, byte[] Payload)>> ReadUntilAsync(PipeReader input, FrameType wanted, CancellationToken ct)
    {
        List<(FrameType Type, byte[] Payload)> frames = [];
        while (true)
        {
            var read = await input.ReadAsync(ct);
            var (consumed, isDone) = Take(read.Buffer, wanted, frames);
            input.AdvanceTo(consumed, isDone ? consumed : read.Buffer.End);
            if (isDone)
            {
                return frames;
            }

            Assert.False(read.IsCompleted, $"no {wanted} came");
            frames.Clear();
        }
    }

    private static (SequencePosition Consumed, bool IsDone) Take(in ReadOnlySequence<byte> buffer, FrameType wanted, List<(FrameType Type, byte[] Payload)> frames)
    {
        var reader = new SequenceReader<byte>(buffer);
        var skipped = 0;
        if (!Magic.TryFind(ref reader, ref skipped))
        {
            return (buffer.Start, false);
        }

        while (FrameHeader.TryRead(ref reader, out var header) && reader.Remaining >= header.Length)
        {
            frames.Add((header.Type, reader.UnreadSequence.Slice(0, header.Length).ToArray()));
            reader.Advance(header.Length);
            if (header.Type == wanted)
            {
                return (reader.Position, true);
            }
        }

        return (buffer.Start, false);
    }
}
