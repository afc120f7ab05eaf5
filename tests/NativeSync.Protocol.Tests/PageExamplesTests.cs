using System.Buffers;
using System.IO.Hashing;
using System.Text;
using NativeSync.Fuzz;

namespace NativeSync.Protocol.Tests;

/// <summary>docs/protocol.md is an input: what it shows is what the code does.</summary>
public sealed class PageExamplesTests
{
    public static TheoryData<int> Lines => [.. ProtocolPage.Examples.Select(e => e.Line)];

    private static PageExample At(int line) => ProtocolPage.Examples.Single(e => e.Line == line);

    [Theory]
    [MemberData(nameof(Lines))]
    public void AnExampleMeansWhatItsLastLineSays(int line)
    {
        PageExample example = At(line);
        var text = new StringBuilder();
        if (example.Kind == ExampleKind.Frame)
        {
            Assert.Equal(example.Bytes.Length, new FrameMirror().Run(new ReadOnlySequence<byte>(example.Bytes), text));
            Assert.Equal(example.Name, ((FrameType)example.Bytes[0]).ToString());
        }
        else
        {
            new RecordMirror().Run(example.Bytes, text);
            Assert.Equal(example.Name, ((RecordType)example.Bytes[0]).ToString());
        }

        Assert.Equal(example.Meaning, text.ToString());
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void AnExampleIsWrittenByteForByte(int line)
    {
        PageExample example = At(line);
        Assert.Equal(Convert.ToHexStringLower(example.Bytes), Convert.ToHexStringLower(Mirror(example.Kind, example.Bytes)));
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void APrefixOfAFrameMeansMore(int line)
    {
        PageExample example = At(line);
        if (example.Kind == ExampleKind.Record)
        {
            return;
        }

        for (int length = 0; length < example.Bytes.Length; length++)
        {
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(example.Bytes.AsMemory(0, length)));
            Assert.False(FrameHeader.TryReadFrame(ref reader, out _, out _), $"cut at {length}");
            Assert.Equal(0, reader.Consumed);
        }
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void APrefixOfARecordIsRefused(int line)
    {
        PageExample example = At(line);
        for (int length = 1; example.Kind == ExampleKind.Record && length < example.Bytes.Length; length++)
        {
            byte[] cut = example.Bytes[..length];
            var refused = Assert.Throws<ProtocolException>(() => Mirror(ExampleKind.Record, cut));
            Assert.Equal(ProtocolError.Truncated, refused.Kind);
        }
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void APayloadCutShortInsideACompleteFrameIsRefused(int line)
    {
        PageExample example = At(line);
        if (example.Kind == ExampleKind.Record)
        {
            return;
        }

        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(example.Bytes));
        Assert.True(FrameHeader.TryReadFrame(ref reader, out FrameHeader header, out ReadOnlySequence<byte> whole));
        byte[] payload = whole.ToArray();
        for (int length = 0; length < payload.Length; length++)
        {
            var frame = new ArrayBufferWriter<byte>();
            FrameHeader.Write(frame, header.Type, length);
            frame.Write(payload.AsSpan(0, length));
            // A compressed pack that is cut is for the codec to see, not for us.
            int codec = payload.AsSpan().IndexOfAnyInRange((byte)0, (byte)0x7f) + 1;
            if (header.Type == FrameType.Records && payload[codec] is (byte)RecordsCodec.Zstd or (byte)RecordsCodec.ZstdPart && length > codec + 1 + WireWriter.VarintSize(payload[codec + 1]))
            {
                continue;
            }

            Assert.Throws<ProtocolException>(() => Mirror(ExampleKind.Frame, frame.WrittenSpan.ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void AnyOtherByteAnywhereDecodesOrIsRefused(int line)
    {
        PageExample example = At(line);
        byte[] changed = example.Bytes.ToArray();
        for (int at = 0; at < changed.Length; at++)
        {
            for (int value = 0; value < 256; value++)
            {
                changed[at] = (byte)value;
                try
                {
                    Mirror(example.Kind, changed);
                }
                catch (ProtocolException)
                {
                    // Anything else fails the test.
                }
            }

            changed[at] = example.Bytes[at];
        }
    }

    [Fact]
    public void EveryFrameAndEveryRecordHasAnExample()
    {
        ILookup<ExampleKind, string> names = ProtocolPage.Examples.ToLookup(e => e.Kind, e => e.Name);
        Assert.Empty(Enum.GetNames<FrameType>().Except(names[ExampleKind.Frame]));
        Assert.Empty(Enum.GetNames<RecordType>().Except(names[ExampleKind.Record]));
    }

    [Fact]
    public void TheDigestOfTheExampleIsThatOfItsData()
    {
        PageExample example = ProtocolPage.Examples.First(e => e.Name == nameof(RecordType.Whole));
        var reader = new RecordReader(example.Bytes);
        Assert.True(reader.TryNext(out _));
        WholeRecord whole = Records.ReadWhole(ref reader.Wire);
        Assert.Equal(XxHash128.HashToUInt128(whole.Data), whole.Digest);
    }

    private static byte[] Mirror(ExampleKind kind, byte[] bytes)
    {
        if (kind == ExampleKind.Frame)
        {
            var frames = new FrameMirror();
            frames.Run(new ReadOnlySequence<byte>(bytes), null);
            return frames.Output.ToArray();
        }

        var records = new RecordMirror();
        records.Run(bytes, null);
        return records.Output.ToArray();
    }
}
