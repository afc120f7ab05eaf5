using System.Buffers;

namespace NativeSync.Protocol.Tests;

/// <summary>Frame headers, magic and negotiation: what cannot be said by an example.</summary>
public sealed class FrameTests
{
    [Theory]
    [InlineData("00")] // no such type
    [InlineData("0c")]
    [InlineData("ff00")]
    public void AnUnknownTypeIsRefusedAtOnce(string hex) => Refused(ProtocolError.UnknownFrame, hex);

    [Theory]
    [InlineData("1081808001")] // Records of 2 MiB and one byte
    [InlineData("06ff01")] // Ping of 255 bytes
    [InlineData("0901")] // Goodbye with a payload
    [InlineData("018108")] // Hello of 1025 bytes
    [InlineData("10ffffffffff")]
    [InlineData("1080808080808080")]
    public void ALengthBeyondTheLimitOfItsTypeIsRefusedBeforeThePayload(string hex) => Refused(ProtocolError.FrameTooLong, hex);

    [Theory]
    [InlineData("068000")]
    [InlineData("10818000")]
    public void ALengthInALongFormIsRefused(string hex) => Refused(ProtocolError.VarintNotMinimal, hex);

    [Fact]
    public void TheLongestFrameIsRead()
    {
        var frame = new ArrayBufferWriter<byte>();
        FrameHeader.Write(frame, FrameType.Records, ProtocolLimits.MaxPayload);
        frame.Write(new byte[ProtocolLimits.MaxPayload]);
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(frame.WrittenMemory));
        Assert.True(FrameHeader.TryReadFrame(ref reader, out FrameHeader header, out ReadOnlySequence<byte> payload));
        Assert.Equal(new FrameHeader(FrameType.Records, ProtocolLimits.MaxPayload), header);
        Assert.Equal(ProtocolLimits.MaxPayload, payload.Length);
        Assert.True(reader.End);
    }

    [Fact]
    public void AFrameBeyondTheLimitIsNotWritten() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameHeader.Write(new ArrayBufferWriter<byte>(), FrameType.Records, ProtocolLimits.MaxPayload + 1));

    [Fact]
    public void AJobTooLargeForAFrameIsRefusedByTheWriter()
    {
        var job = new JobFrame { Kind = JobKind.Push, Flags = default, Secret = new byte[32], Rules = [.. Enumerable.Repeat(new byte[60_000], 40)] };
        Assert.Contains("filter rules", Assert.Throws<ArgumentException>(() => job.Write(new ArrayBufferWriter<byte>())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongTextsAreCutToWhatTheOtherEndAccepts()
    {
        var writer = new ArrayBufferWriter<byte>();
        new AbortFrame { Code = 11, Text = new byte[10_000] }.Write(writer);
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(writer.WrittenMemory));
        Assert.True(FrameHeader.TryReadFrame(ref reader, out _, out ReadOnlySequence<byte> payload));
        Assert.Equal(ProtocolLimits.MaxText, AbortFrame.Parse(payload.ToArray()).Text.Length);
    }

    [Fact]
    public void TheMagicIsFoundBehindABannerAndTheFrameBehindItIsLeft()
    {
        byte[] stream = [.. "Welcome!\0\0NSYNC\r\n"u8, .. "rest"u8];
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(stream));
        int skipped = 0;
        Assert.True(Magic.TryFind(ref reader, ref skipped));
        Assert.Equal(9, skipped);
        Assert.Equal(4, reader.Remaining);
    }

    [Fact]
    public void ABannerOf64KiBIsPassedAndOneByteMoreIsNot()
    {
        static bool Find(int noise)
        {
            byte[] stream = [.. new byte[noise].Select(_ => (byte)'x'), .. Magic.Bytes];
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(stream));
            int skipped = 0;
            return Magic.TryFind(ref reader, ref skipped);
        }

        Assert.True(Find(ProtocolLimits.MaxBanner));
        Assert.Equal(ProtocolError.NoMagic, Assert.Throws<ProtocolException>(() => Find(ProtocolLimits.MaxBanner + 1)).Kind);
    }

    [Fact]
    public void AnAgentTakesNothingBeforeTheMagic()
    {
        for (int length = 0; length < Magic.Bytes.Length; length++)
        {
            var part = new SequenceReader<byte>(new ReadOnlySequence<byte>(Magic.Bytes[..length].ToArray()));
            Assert.False(Magic.TryRead(ref part));
        }

        var whole = new SequenceReader<byte>(new ReadOnlySequence<byte>(Magic.Bytes.ToArray()));
        Assert.True(Magic.TryRead(ref whole));
        Assert.Throws<ProtocolException>(() =>
        {
            var other = new SequenceReader<byte>(new ReadOnlySequence<byte>("\0NSYM"u8.ToArray()));
            Magic.TryRead(ref other);
        });
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 3, 2, 5, 3)]
    [InlineData(2, 4, 1, 2, 2)]
    public void TheHighestCommonVersionIsUsed(int min, int max, int theirMin, int theirMax, int used) =>
        Assert.Equal(used, ProtocolVersion.Negotiate(Hello(min, max, PeerRole.Client), Hello(theirMin, theirMax, PeerRole.Agent)));

    [Theory]
    [InlineData(1, 1, 2, 3, PeerRole.Agent)]
    [InlineData(4, 5, 1, 3, PeerRole.Agent)]
    [InlineData(1, 1, 1, 1, PeerRole.Client)]
    public void NoCommonVersionOrTwoClientsEndTheSession(int min, int max, int theirMin, int theirMax, PeerRole theirs) =>
        Assert.Equal(ProtocolError.VersionMismatch,
            Assert.Throws<ProtocolException>(() => ProtocolVersion.Negotiate(Hello(min, max, PeerRole.Client), Hello(theirMin, theirMax, theirs))).Kind);

    [Fact]
    public void ALaneMustShowSessionAndSecret()
    {
        byte[] secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        var join = new JoinFrame { Session = 7, Secret = secret, Lane = 1 };
        Assert.True(join.Matches(7, secret));
        Assert.False(join.Matches(8, secret));
        Assert.False(join.Matches(7, secret.AsSpan(0, 31)));
        Assert.False(join.Matches(7, []));
        for (int i = 0; i < 32; i++)
        {
            byte[] other = [.. secret];
            other[i] ^= 0x80;
            Assert.False(join.Matches(7, other));
        }
    }

    [Fact]
    public void ASecretIsNeverPartOfAText()
    {
        byte[] secret = [.. "hunter2hunter2hunter2hunter2hunt"u8];
        Assert.DoesNotContain("hunter", new JoinFrame { Session = 7, Secret = secret, Lane = 1 }.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("68756e", new JoinFrame { Session = 7, Secret = secret, Lane = 1 }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void FlagsNameTheCapabilitiesThatTheyNeed() => Assert.Equal(
        Capabilities.Xattrs | Capabilities.Acls | Capabilities.HardLinks | Capabilities.Sparse,
        (JobFlags.Xattrs | JobFlags.Acls | JobFlags.HardLinks | JobFlags.Sparse | JobFlags.Recursive).RequiredCapabilities());

    [Fact]
    public void EveryJobFlagIsKnownToTheReader()
    {
        JobFlags all = Enum.GetValues<JobFlags>().Aggregate((a, b) => a | b);
        Assert.Equal(JobFrame.KnownFlags, all);
    }

    private static HelloFrame Hello(int min, int max, PeerRole role) =>
        new() { MinVersion = min, MaxVersion = max, Capabilities = default, Role = role, Build = [], Credit = 0, Session = 0 };

    private static void Refused(ProtocolError kind, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        Assert.Equal(kind, Assert.Throws<ProtocolException>(() =>
        {
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes));
            FrameHeader.TryRead(ref reader, out _);
        }).Kind);
    }
}
