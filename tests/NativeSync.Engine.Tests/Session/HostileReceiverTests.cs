using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A real agent that sends, against a receiver that does not play by the rules (rsync CVE-2024-12084, 2025-10158, 2026-43620, -53792).</summary>
public sealed class HostileReceiverTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ns-hostile-").FullName;

    public HostileReceiverTests()
    {
        Directory.CreateDirectory(Path.Combine(_root, "src/sub"));
        File.WriteAllText(Path.Combine(_root, "src/a"), "hello");
        File.WriteAllBytes(Path.Combine(_root, "src/b"), new byte[70_000]);
        File.WriteAllText(Path.Combine(_root, "secret"), "secret");
        File.CreateSymbolicLink(Path.Combine(_root, "src/link"), "../secret");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static TheoryData<string> Breaches => [.. Scripts.Keys];

    /// <summary>Entries of directory 0: a file, a larger one, a link and a directory.</summary>
    private static Dictionary<string, Func<RecordScript, RecordScript>> Scripts => new()
    {
        ["an answer about a directory that was not announced"] = s => s.Answer(9, Verdict.Same),
        ["an answer twice"] = s => s.Answer(0, Verdict.Differs).Answer(0, Verdict.Differs),
        ["an answer below a void directory"] = s => s.Answer(0, Verdict.Void).Answer(1, Verdict.Void),
        ["a verdict that there is none of"] = s => s.Raw("210009"),
        ["a wish beyond the entries"] = s => s.Answer(0, Verdict.Differs).Want(0, 4),
        ["a wish with the largest index"] = s => s.Answer(0, Verdict.Differs).Want(0, int.MaxValue),
        ["a wish about a directory that was not announced"] = s => s.Want(77, 0),
        ["a wish before the answer"] = s => s.Want(0, 0),
        ["a wish before the answer that all is the same"] = s => s.Want(0, 1).Answer(0, Verdict.Same),
        ["a wish about a settled directory"] = s => s.Answer(0, Verdict.Same).Want(0, 0),
        ["a comparison beyond the entries"] = s => s.Answer(0, Verdict.Differs).Add((ref WireWriter w) => Records.WriteCompare(ref w, 0, 99, 1)),
        ["a delta beyond the entries"] = s => s.Answer(0, Verdict.Differs).WantDelta(0, 99, 1000, 512, 4).Signature(2, 4),
        ["a delta with blocks of nothing"] = s => s.Answer(0, Verdict.Differs).Raw("23000180f00400" + "04"),
        ["a delta with blocks that are no power of two"] = s => s.Answer(0, Verdict.Differs).Raw("23000180f004" + "e90704"),
        ["a delta with too many blocks"] = s => s.Answer(0, Verdict.Differs).WantDelta(0, 1, 1L << 40, 256, 4),
        ["a strong checksum longer than there is"] = s => s.Answer(0, Verdict.Differs).Raw("23000180f004" + "801011"),
        ["a signature without a delta"] = s => s.Answer(0, Verdict.Differs).Signature(1, 4),
        ["a delta inside of a signature"] = s => s.Answer(0, Verdict.Differs).WantDelta(0, 1, 70_000, 2048, 4).Signature(1, 4).WantDelta(0, 0, 5, 2048, 4),
        ["a signature of another length"] = s => s.Answer(0, Verdict.Differs).WantDelta(0, 1, 70_000, 2048, 4).Signature(1, 8),
        ["more blocks than the basis has"] = s => s.Answer(0, Verdict.Differs).WantDelta(0, 1, 70_000, 2048, 4).Signature(36, 4),
        ["a confirmation where nothing is removed"] = s => s.Answer(0, Verdict.Differs).Add((ref WireWriter w) => Records.WriteConfirmed(ref w, new ConfirmedRecord(0, 0, 0, 0))),
        ["a list of names that was not announced"] = s => s.Add((ref WireWriter w) => Records.WriteNameList(ref w, true, "/etc/shadow\n"u8)),
        ["an outcome of no entry"] = s => s.Add((ref WireWriter w) => Records.WriteOutcome(ref w, OutcomeKind.Created, 0, 99, Changes.New)),
        ["an outcome that is never on the wire"] = s => s.Raw("270a00000000"),
        ["a deletion in a directory that was not announced"] = s => s.Add((ref WireWriter w) => Records.WriteDeleted(ref w, 9, "x"u8, EntryType.Regular)),
        ["a deletion that climbs out"] = s => s.Raw("2800" + "05" + "2e2e2f2f78" + "08"),
        ["settled twice"] = s => s.Answer(0, Verdict.Differs).Add((ref WireWriter w) => Records.WriteSettled(ref w, 0)).Add((ref WireWriter w) => Records.WriteSettled(ref w, 0)),
        ["a record of a sender"] = s => s.Root(),
        ["an unknown record"] = s => s.Raw("7f"),
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public async Task ABreachEndsTheSessionWithCode2(string breach)
    {
        await using HostilePeer peer = await HostilePeer.PullAsync(Path.Combine(_root, "src") + "/");
        await peer.ReadUntilAsync(RecordType.EndOfTree);
        await peer.SendAsync(Scripts[breach](new RecordScript()).ToFrame());

        Assert.Equal((2, 2), await peer.EndAsync());
    }

    [Fact]
    public async Task WhatIsNoFileIsNotSentAndNoLinkIsFollowed()
    {
        await using HostilePeer peer = await HostilePeer.PullAsync(Path.Combine(_root, "src") + "/");
        await peer.ReadUntilAsync(RecordType.EndOfTree);
        await peer.SendAsync(new RecordScript().Answer(0, Verdict.Differs).Want(0, 2).Want(0, 3).Want(0, 0).ToFrame());
        List<byte[]> records = await peer.ReadUntilAsync(RecordType.Whole);

        Assert.Equal(2, records.Count(r => r[0] == (byte)RecordType.FileFailed));
        Assert.DoesNotContain(records, r => r.AsSpan().IndexOf("secret"u8) >= 0 && r[0] != (byte)RecordType.Entries);
        await peer.ReadUntilEndAsync();
    }

    [Theory]
    [InlineData(99)]
    [InlineData(3)]
    public async Task AConfirmationRemovesOnlyAnEntryThatWasSentAndNoDirectory(int index)
    {
        await using HostilePeer peer = await HostilePeer.PullAsync(Path.Combine(_root, "src") + "/", JobFlags.RemoveSourceFiles);
        await peer.ReadUntilAsync(RecordType.EndOfTree);
        await peer.SendAsync(new RecordScript().Answer(0, Verdict.Differs).Add((ref WireWriter w) => Records.WriteConfirmed(ref w, new ConfirmedRecord(0, index, 0, 0))).ToFrame());
        await peer.ReadUntilEndAsync();

        Assert.True(Directory.Exists(Path.Combine(_root, "src/sub")));
        Assert.Equal(4, Directory.GetFileSystemEntries(Path.Combine(_root, "src")).Length);
    }

    /// <summary>It was exchanged behind the sender's back for another (rsync CVE-2026-53800).</summary>
    [Fact]
    public async Task AConfirmationRemovesNothingButWhatWasSent()
    {
        await using HostilePeer peer = await HostilePeer.PullAsync(Path.Combine(_root, "src") + "/", JobFlags.RemoveSourceFiles);
        await peer.ReadUntilAsync(RecordType.EndOfTree);
        File.WriteAllText(Path.Combine(_root, "other"), "hello");
        File.Move(Path.Combine(_root, "other"), Path.Combine(_root, "src/a"), overwrite: true);
        await peer.SendAsync(new RecordScript().Answer(0, Verdict.Differs).Add((ref WireWriter w) => Records.WriteConfirmed(ref w, new ConfirmedRecord(0, 0, 0, 0))).ToFrame());
        await peer.ReadUntilAsync(RecordType.Problem);
        await peer.ReadUntilEndAsync();

        Assert.True(File.Exists(Path.Combine(_root, "src/a")));
    }
}
