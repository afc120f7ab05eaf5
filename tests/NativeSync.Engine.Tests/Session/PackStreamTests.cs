using System.Buffers;
using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Packs that are parts of streams, from where they are taken to where they are unpacked.</summary>
public sealed class PackStreamTests : IDisposable
{
    private readonly PackWriter _writer = new(3, new AdaptiveLevel(2), TimeProvider.System);
    private readonly PackReader _reader = new();
    private readonly PackStreams _streams = Streams();

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
        _streams.Dispose();
    }

    /// <summary>
    /// The number of streams changes while packs wait, some are not to be compressed or cannot be, some are tiny or as large as can be; lanes take them in order, and
    /// each compresses its own.
    /// </summary>
    [Fact]
    public async Task WhateverLanesDoTheOtherEndReadsTheSame()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            var source = Text(random, 100_000);
            var all = Enumerable.Range(0, 40).Select(_ => Some(random, source)).ToArray();
            var plain = all.Select(_ => random.Next(8) == 0).ToArray();
            var frames = new byte[all.Length][];
            var (next, gate) = (0, new Lock());
            using PackStreams streams = new(() => next / 5 % 3, () => 3, 2, CancellationToken.None);
            await Task.WhenAll(new[] { 3, 3, 5, 1 }.Select(level => Task.Run(() =>
            {
                using PackWriter writer = new(level, new AdaptiveLevel(2), TimeProvider.System);
                while (true)
                {
                    OutboundPack pack;
                    lock (gate)
                    {
                        if (next == all.Length)
                        {
                            return;
                        }

                        pack = Pack(all[next], next, plain[next]);
                        streams.Take(pack);
                        next++;
                    }

                    frames[pack.Number] = writer.Encode(pack, out _).ToArray();
                    pack.Return();
                }
            })));

            using PackReader reader = new();
            for (var number = 0; number < all.Length; number++)
            {
                Assert.True(Unpack(reader, frames[number]).AsSpan().SequenceEqual(all[number]), $"seed {seed}, pack {number}");
            }
        }
    }

    [Fact]
    public void APackThatResemblesTheOneBeforeItTakesNextToNothing()
    {
        var records = Noise(new Random(1), 200_000);
        Text(new Random(2), 100_000).CopyTo(records, 0); // noise alone is not even tried
        var sizes = Enumerable.Range(0, 3).Select(number =>
        {
            var frame = Encode(records, number);
            Assert.Equal(records, Unpack(_reader, frame));
            return frame.Length;
        }).ToArray();
        Assert.True(sizes[0] > 100_000 && sizes[1] < 1000 && sizes[2] < 1000, string.Join(' ', sizes));
    }

    [Fact]
    public void WithoutTheOneBeforeItItIsOfNoUse()
    {
        var records = Text(new Random(3), 100_000);
        Encode(records, 0);
        var second = Encode(records, 1);
        Assert.Throws<ProtocolException>(() => Unpack(_reader, second));
    }

    /// <summary>Where packs are read one by one, as those of a batch file, there is none before them.</summary>
    [Fact]
    public void WhoReadsInNoOrderTakesNoParts()
    {
        var records = Text(new Random(4), 100_000);
        var frame = Encode(records, 0);
        using PackReader reader = new(inOrder: false);
        Assert.Throws<ProtocolException>(() => Unpack(reader, frame));
        Assert.Equal(records, Unpack(_reader, frame));
    }

    /// <summary>When all is in place the source may still say what it could not remove, in packs that go on with the stream of those before them.</summary>
    [Fact]
    public async Task WhatComesLateGoesOnWithWhatCameBefore()
    {
        var root = Directory.CreateTempSubdirectory("ns-late-").FullName;
        try
        {
            Random random = new(5);
            var paths = Enumerable.Range(0, 200).Select(_ => Convert.ToHexString(Noise(random, 40))).ToArray();
            var early = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, EntriesFlags.Last).Close(0);
            Array.ForEach(paths, path => early.NotRemoved(path));
            early.EndOfTree();
            RecordScript late = new();
            Array.ForEach(paths, path => late.NotRemoved(path));
            var later = new RecordScript().NotRemoved("another").NotRemoved(paths[7]).NotRemoved(paths[8]);
            using PackStream stream = new(0, CancellationToken.None);

            await using var peer = await HostilePeer.PushAsync(Path.Combine(root, "new"));
            await peer.SendAsync(early.ToFrame(stream, 0));
            await peer.HearGoodbyeAsync();
            var frame = late.ToFrame(stream, 1);
            Assert.InRange(frame.Length, 1, late.Bytes.Length / 3);
            await peer.SendAsync(frame);
            await peer.SendAsync(later.ToFrame(stream, 2));
            Assert.Equal(23, await peer.FinishAsync());
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>What a part brings is known before; a peer that says otherwise, or wants more memory for a stream than was agreed, is refused.</summary>
    [Theory]
    [InlineData(-1, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 4)]
    [InlineData(0, 127)]
    public void APartThatLiesIsRefused(int longer, int stream)
    {
        var raw = Text(new Random(6), 50_000);
        var room = Part(raw, 3);
        room[0] = (byte)(PackStream.Anew | stream);
        if (longer == 0 && stream == 1)
        {
            room[0] = 1; // goes on with what never began
        }

        Assert.Throws<ProtocolException>(() => Unpack(_reader, Frame(room, raw.Length + longer)));
    }

    [Fact]
    public void EveryCutAndEveryOtherBitOfAPartIsRefusedOrGivesItsLength()
    {
        var raw = Text(new Random(7), 300);
        var part = Part(raw, 3);
        for (var length = 1; length < part.Length; length++)
        {
            var cut = part[..length];
            Assert.Throws<ProtocolException>(() => Unpack(_reader, Frame(cut, raw.Length)));
        }

        for (var bit = 0; bit < 8 * part.Length; bit++)
        {
            var changed = part.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal(raw.Length, Unpack(_reader, Frame(changed, raw.Length)).Length);
            }
            catch (ProtocolException)
            {
                // As good.
            }
        }

        Assert.Equal(raw, Unpack(_reader, Frame(part, raw.Length)));
    }

    /// <summary>The first stream may look back further than the others, and neither further than was agreed.</summary>
    [Theory]
    [InlineData(0, 24, true)]
    [InlineData(0, 25, false)]
    [InlineData(1, 22, true)]
    [InlineData(1, 23, false)]
    [InlineData(3, 24, false)]
    public unsafe void AWindowLargerThanAgreedIsRefused(int stream, int window, bool isTaken)
    {
        var raw = Text(new Random(8), 50_000);
        var part = new byte[raw.Length];
        part[0] = (byte)(PackStream.Anew | stream);
        var context = Methods.ZSTD_createCCtx();
        Methods.ZSTD_CCtx_setParameter(context, ZSTD_cParameter.ZSTD_c_windowLog, window);
        fixed (byte* from = raw, to = &part[1])
        {
            ZSTD_inBuffer_s input = new() { src = from, size = (nuint)raw.Length };
            ZSTD_outBuffer_s output = new() { dst = to, size = (nuint)part.Length - 1 };
            Assert.Equal((nuint)0, Methods.ZSTD_compressStream2(context, &output, &input, ZSTD_EndDirective.ZSTD_e_flush));
            part = part[..(1 + (int)output.pos)];
        }

        Methods.ZSTD_freeCCtx(context);
        var frame = Frame(part, raw.Length);
        if (isTaken)
        {
            Assert.Equal(raw, Unpack(_reader, frame));
        }
        else
        {
            Assert.Throws<ProtocolException>(() => Unpack(_reader, frame));
        }
    }

    /// <summary>Packs that are alike only over a distance: what the first stream's window holds is found, at the levels that look so far.</summary>
    [Theory]
    [InlineData(0, 9, true)]
    [InlineData(1, 9, false)]
    [InlineData(0, 1, false)]
    [InlineData(0, 13, false)]
    public void TheFirstStreamLooksBackFurther(int index, int level, bool isFound)
    {
        Random random = new(9);
        using PackStream stream = new(index, CancellationToken.None);
        var line = Text(random, 1000);
        var between = Enumerable.Range(0, 1000).SelectMany(_ => line).ToArray(); // which takes no room in the tables
        var packs = Enumerable.Repeat(between, 8).Prepend(Text(random, 100_000)).ToArray();
        var lengths = packs.Append(packs[0]).Select(raw =>
        {
            var room = new byte[PackStream.RoomFor(raw.Length)];
            stream.Enter(stream.GiveTurn());
            var length = stream.Compress(raw, room, level);
            stream.Leave();
            Assert.Equal(raw, Unpack(_reader, Frame(room[..length], raw.Length)));
            return length;
        }).ToArray();
        Assert.Equal(isFound, lengths[^1] < lengths[0] / 10);
    }

    /// <summary>A session that ends leaves nobody waiting for a turn that will never come, and frees a stream that is at work once it is not.</summary>
    [Fact]
    public async Task NobodyWaitsForATurnWhenTheSessionEnds()
    {
        using CancellationTokenSource stop = new();
        PackStreams streams = new(() => 1, () => 1, 1, stop.Token);
        OutboundPack[] packs = [Pack(new byte[1000], 0, plain: false), Pack(new byte[1000], 1, plain: false)];
        Array.ForEach(packs, streams.Take);
        var first = packs[0].Turn!.Value;
        first.Stream.Enter(first.Number);
        var waiting = Task.Run(() => _writer.Encode(packs[1], out _));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromMinutes(1)));
        streams.Dispose();
        Assert.NotEqual(0, first.Stream.Compress(new byte[1000], new byte[PackStream.RoomFor(1000)], 3));
        first.Stream.Leave();
        Assert.Throws<OperationCanceledException>(() => first.Stream.Enter(first.Number + 1));
    }

    private static PackStreams Streams() => new(() => 1, () => 1, 1, CancellationToken.None);

    private static byte[] Part(byte[] raw, int level)
    {
        using PackStream stream = new(0, CancellationToken.None);
        var room = new byte[PackStream.RoomFor(raw.Length)];
        stream.Enter(stream.GiveTurn());
        var length = stream.Compress(raw, room, level);
        stream.Leave();
        return room[..length];
    }

    private static byte[] Frame(byte[] part, int rawLength)
    {
        ArrayBufferWriter<byte> frame = new();
        new RecordsFrame(RecordsCodec.ZstdPart, rawLength).Write(frame, part);
        return frame.WrittenSpan.ToArray();
    }

    private byte[] Encode(byte[] records, int number)
    {
        var pack = Pack(records, number, plain: false);
        _streams.Take(pack);
        var frame = _writer.Encode(pack, out _).ToArray();
        pack.Return();
        return frame;
    }

    private static OutboundPack Pack(byte[] records, int number, bool plain)
    {
        OutboundPack pack = new(PackBuffers.Rent(records.Length + OutboundPack.HeaderRoom)) { Number = number, Plain = plain };
        records.CopyTo(pack.Buffer, OutboundPack.HeaderRoom);
        pack.Append(records.Length);
        return pack;
    }

    private static byte[] Unpack(PackReader reader, byte[] frame)
    {
        SequenceReader<byte> sequence = new(new ReadOnlySequence<byte>(frame));
        Assert.True(FrameHeader.TryReadFrame(ref sequence, out _, out var payload));
        return reader.Unpack(new SharedSlice(new SharedBuffer(payload.ToArray()), 0, (int)payload.Length)).Span.ToArray();
    }

    private static byte[] Some(Random random, byte[] source)
    {
        var length = random.Next(5) switch { 0 => random.Next(1, 100), 1 => random.Next(400_000, 1_000_000), _ => random.Next(100, 100_000) };
        if (random.Next(6) == 0)
        {
            return Noise(random, length);
        }

        var pieces = new byte[length];
        for (var at = 0; at < length;)
        {
            var from = random.Next(source.Length - 1000);
            var count = Math.Min(random.Next(1, 1000), length - at);
            source.AsSpan(from, count).CopyTo(pieces.AsSpan(at));
            at += count;
        }

        return pieces;
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }

    private static byte[] Text(Random random, int length)
    {
        var text = new byte[length];
        for (var i = 0; i < length; i++)
        {
            text[i] = (byte)('a' + random.Next(16));
        }

        return text;
    }
}
