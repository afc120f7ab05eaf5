using System.Buffers;
using System.Text;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>docs/protocol.md, "What must be checked": a real agent against a client that does not play by the rules.</summary>
public sealed class HostilePeerTests : IDisposable
{
    private const EntriesFlags Last = EntriesFlags.Last;

    private readonly string _root = Directory.CreateTempSubdirectory("ns-hostile-").FullName;

    private string Destination => Path.Combine(_root, "destination");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static TheoryData<string> Breaches => [.. Scripts.Keys];

    private static Dictionary<string, Func<RecordScript, RecordScript>> Scripts => new()
    {
        ["a probe before the root"] = s => new RecordScript().Probe(0, 0, ""),
        ["a second root"] = s => s.Root(),
        ["a second directory 0"] = s => s.Probe(0, 0, ""),
        ["a directory twice"] = s => s.Probe(1, 0, "a").Probe(1, 0, "b"),
        ["a directory in one that was not announced"] = s => s.Probe(5, 4, "a"),
        ["a directory in a closed one"] = s => s.Probe(1, 0, "a").Close(1).Probe(2, 1, "b"),
        ["a directory whose number does not ascend"] = s => s.Probe(5, 0, "a").Probe(3, 0, "b"),
        ["a directory whose name does not ascend"] = s => s.Probe(1, 0, "b").Probe(2, 0, "a"),
        ["a name announced twice"] = s => s.Probe(1, 0, "a").Probe(2, 0, "a"),
        ["the root once more when it is done"] = s => s.Entries(0, 0, Last).Close(0).Probe(0, 0, ""),
        ["content before all entries are here"] = s => s.Entries(0, 0, EntriesFlags.None, "a").Whole(0, 0),
        ["a comparison that nobody asked for"] = s => s.Entries(0, 0, Last, "a").Add((ref WireWriter w) => Records.WriteSame(ref w, 0, 7)),
        ["a delta declined that nobody asked for"] = s => s.Entries(0, 0, Last, "a").NoDelta(0, 0),
        ["a delta of no entry declined"] = s => s.Entries(0, 0, Last, "a").NoDelta(0, 1),
        ["a deletion that nobody asked for"] = s => s.Missing(0, "precious"),
        ["entries of a directory that was not announced"] = s => s.Entries(1, 0, Last, "a"),
        ["entries twice"] = s => s.Entries(0, 0, Last, "a").Entries(0, 0, Last, "a"),
        ["a part with a gap"] = s => s.Entries(0, 0, EntriesFlags.None, "a").Entries(0, 2, Last, "b"),
        ["parts that do not ascend"] = s => s.Entries(0, 0, EntriesFlags.None, "b").Entries(0, 1, Last, "a"),
        ["content of no entry"] = s => s.Entries(0, 0, Last, "a").Whole(0, 1),
        ["content before the entries"] = s => s.Whole(0, 0),
        ["content of a directory"] = s => s.Entries(0, 0, Last, "a/").Whole(0, 0),
        ["content twice"] = s => s.Entries(0, 0, Last, "a").Whole(0, 0).Whole(0, 0),
        ["a literal of no file"] = s => s.Add((ref WireWriter w) => Records.WriteLiteral(ref w, "x"u8)),
        ["an end of no file"] = s => s.Add((ref WireWriter w) => Records.WriteFileEnd(ref w, ContentFlags.None, 0, 0)),
        ["a file inside a file"] = s => s.Entries(0, 0, Last, "a", "b").Begin(0, 0).Begin(0, 1),
        ["the answer of a receiver"] = s => s.Add((ref WireWriter w) => Records.WriteAnswer(ref w, 0, Verdict.Void)),
        ["an unknown record"] = s => s.Add((ref WireWriter w) => w.WriteByte(0x7f)),
        ["a record that is cut"] = s => s.Add((ref WireWriter w) => w.WriteBytes([5, 0, 0])),
        ["an end with open directories"] = s => s.EndOfTree(),
        ["the end of the tree twice"] = s => s.Close(0).EndOfTree().EndOfTree(),
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public async Task ABreachEndsTheSessionWithCode2(string breach)
    {
        RecordScript script = Scripts[breach](new RecordScript().Root().Probe(0, 0, ""));
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        await peer.SendAsync(script.ToFrame());

        Assert.Equal((2, 2), await peer.EndAsync());
    }

    [Theory]
    [InlineData("0c00")] // an unknown frame
    [InlineData("0300")] // an empty job, and a second one at that
    [InlineData("10ffffffff7f")] // 32 GiB of records
    [InlineData("10050000010000")] // a plain pack of one byte too many
    [InlineData("1005000105ffff")] // zstd that is none
    [InlineData("100600040100ffff")] // an unknown codec
    public async Task AMalformedFrameEndsTheSessionWithCode2(string hex)
    {
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        await peer.SendAsync(Convert.FromHexString(hex));

        Assert.Equal((2, 2), await peer.EndAsync());
    }

    [Fact]
    public async Task ACopyWithoutABasisDoesNotReadAnything()
    {
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, Last, "a").Begin(0, 0, basis: 1 << 20)
            .Add((ref WireWriter w) => Records.WriteCopy(ref w, 0, 1 << 20))
            .Add((ref WireWriter w) => Records.WriteFileEnd(ref w, ContentFlags.None, 0, 0));
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        await peer.SendAsync(script.ToFrame());

        Assert.Equal((2, 2), await peer.EndAsync());
        Assert.False(File.Exists(Path.Combine(Destination, "a")));
    }

    /// <summary>The destination is the name of a file: what is beside it is not the sender's.</summary>
    [Theory]
    [InlineData("a directory beside it")]
    [InlineData("a second file")]
    [InlineData("a directory in its place")]
    public async Task ASingleFileBringsNothingElse(string what)
    {
        RecordScript script = new RecordScript().Root(RootFlags.SingleFile).Probe(0, 0, "");
        script = what switch
        {
            "a second file" => script.Entries(0, 0, EntriesFlags.None, "a").Entries(0, 1, Last, "b").Whole(0, 0).Whole(0, 1),
            "a directory in its place" => script.Entries(0, 0, Last, "a/"),
            _ => script.Probe(1, 0, "beside").Entries(0, 0, Last, "beside/").Entries(1, 0, Last, "planted").Whole(1, 0),
        };
        await using HostilePeer peer = await HostilePeer.PushAsync(Path.Combine(_root, "name"), SyncOptions.ArchiveFlags);
        await peer.SendAsync(script.ToFrame());

        Assert.Equal((2, 2), await peer.EndAsync());
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    /// <summary>Hard links, attributes, devices and deletions come although the job has none of them (rsync CVE-2026-70458, -53789).</summary>
    [Fact]
    public async Task WhatTheJobDoesNotAskForIsNotDone()
    {
        Directory.CreateDirectory(Destination);
        File.WriteAllText(Path.Combine(Destination, "precious"), "old");
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Add((ref WireWriter w) =>
        {
            Records.WriteEntries(ref w, 0, 0, Last, 4);
            var encoder = new EntryEncoder();
            var file = new EntryMetadata { Mode = 0x89ff, Uid = 12, Gid = 13, Size = 5, Modified = new Timestamp(1, 0), FileFlags = 0x10 };
            encoder.Write(ref w, new Entry { Name = "a"u8, Metadata = file, HardLinkGroup = 7, Xattrs = "\x06user.x\x01y"u8 });
            encoder.Write(ref w, new Entry { Name = "b"u8, Metadata = file, HardLinkGroup = 7 });
            encoder.Write(ref w, new Entry { Name = "c"u8, Metadata = file with { Mode = 0x21ff, Rdev = 1UL << 32 | 3 } });
            encoder.Write(ref w, new Entry { Name = "d"u8, Metadata = file with { Mode = 0xa1ff }, LinkTarget = "/etc/passwd"u8 });
        }).Whole(0, 0).Whole(0, 1).Close(0).EndOfTree();
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination, JobFlags.Recursive);
        await peer.SendAsync(script.ToFrame());
        await peer.ReadUntilEndAsync();

        Assert.Equal("old", File.ReadAllText(Path.Combine(Destination, "precious")));
        Assert.False(Path.Exists(Path.Combine(Destination, "c")));
        Assert.Null(new FileInfo(Path.Combine(Destination, "d")).LinkTarget);
        Assert.False(File.Exists(Path.Combine(Destination, "d")));
    }

    /// <summary>The entries say that "d" is a link out of the tree; then its "contents" come as if it were a directory.</summary>
    [Fact]
    public async Task ALinkThatTheSenderSuppliesIsNeverFollowed()
    {
        string outside = Directory.CreateDirectory(Path.Combine(_root, "outside")).FullName;
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, Last, "d@" + outside)
            .Probe(1, 0, "d").Entries(1, 0, Last, "planted").Whole(1, 0).Close(1).Close(0).EndOfTree();
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        await peer.SendAsync(script.ToFrame());
        await peer.FinishAsync();

        Assert.Empty(Directory.GetFileSystemEntries(outside));
    }

    /// <summary>The destination holds a link where the sender has a directory.</summary>
    [Fact]
    public async Task ALinkThatIsThereAlreadyIsNeverFollowed()
    {
        string outside = Directory.CreateDirectory(Path.Combine(_root, "outside")).FullName;
        File.WriteAllText(Path.Combine(outside, "precious"), "old");
        Directory.CreateDirectory(Destination);
        File.CreateSymbolicLink(Path.Combine(Destination, "d"), outside);
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, Last, "d/")
            .Probe(1, 0, "d").Entries(1, 0, Last, "precious").Whole(1, 0).Close(1).Close(0).EndOfTree();
        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        await peer.SendAsync(script.ToFrame());

        Assert.Equal(0, await peer.FinishAsync());
        Assert.Equal("hello", File.ReadAllText(Path.Combine(Destination, "d", "precious")));
        Assert.Null(new DirectoryInfo(Path.Combine(Destination, "d")).LinkTarget);
        Assert.Equal("old", File.ReadAllText(Path.Combine(outside, "precious")));
        Assert.Single(Directory.GetFileSystemEntries(outside));
    }

    [Fact]
    public async Task AnAgentStaysUntilItsCallerHasClosed()
    {
        await using (HostilePeer peer = await HostilePeer.PushAsync(Destination))
        {
            RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, Last).Close(0).EndOfTree();
            await peer.SendAsync(script.ToFrame());
            Assert.Equal(0, await peer.FinishAsync());
            Assert.True(peer.AgentSawTheEnd);
        }

        await using (HostilePeer peer = await HostilePeer.PushAsync(Destination))
        {
            await peer.SendAsync(new RecordScript().EndOfTree().ToFrame());
            Assert.Equal((2, 2), await peer.EndAsync());
            Assert.True(peer.AgentSawTheEnd);
        }
    }

    [Fact]
    public async Task WhoAsksOnAndOnWithoutTakingTheAnswersIsCutOff()
    {
        var pings = new ArrayBufferWriter<byte>();
        for (int i = 0; i < 1_000_000; i++)
        {
            new PingFrame(ulong.MaxValue).Write(pings);
        }

        await using HostilePeer peer = await HostilePeer.PushAsync(Destination);
        Task flood = Task.Run(() => peer.SendAsync(pings.WrittenMemory));
        Assert.Equal(2, await peer.ExitCodeAsync());
        await Task.WhenAny(flood).WaitAsync(TimeSpan.FromSeconds(60)); // it may fail: nobody listens any more
    }

    [Fact]
    public async Task WhoSendsMoreThanItWasGrantedIsCutOff()
    {
        (ILane near, ILane far) = InProcessConnection.CreateLanePair();
        using var abort = new SessionAbort();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = abort.Token.Register(() => ended.TrySetResult());
        long held = 0;
        Task flood;
        var lane = new FrameLane(far, abort, TimeProvider.System);
        await using (lane)
        {
            // Nothing is released: this end is stuck, and must not have to hold more than it said.
            lane.Start(new LaneSettings(), peerCredit: 0, pack => held += pack.Payload.Length);
            flood = Task.Run(async () =>
            {
                for (int i = 0; i < 20; i++)
                {
                    var frame = new ArrayBufferWriter<byte>();
                    new RecordsFrame(RecordsCodec.Plain, 1 << 20, i).Write(frame, new byte[1 << 20]);
                    await near.Output.WriteAsync(frame.WrittenMemory);
                }
            });

            await ended.Task.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(ProtocolError.CreditExceeded, Assert.IsType<ProtocolException>(abort.Reason).Kind);
            Assert.InRange(held, 1, LaneSettings.InitialCredit);
        }

        await Task.WhenAny(flood).WaitAsync(TimeSpan.FromSeconds(60)); // it may fail: nobody listens any more
        await near.DisposeAsync();
    }
}
