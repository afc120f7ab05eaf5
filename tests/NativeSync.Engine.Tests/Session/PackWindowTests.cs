using System.Buffers;
using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Packs that are compressed after those before them, from where they are taken to where they are unpacked.</summary>
public sealed class PackWindowTests : IDisposable
{
    private const int Least = 4096;

    private readonly PackWriter _writer = new(3, new AdaptiveLevel(2), TimeProvider.System);
    private readonly PackReader _reader = new();

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
    }

    /// <summary>
    /// The level changes while packs wait, some are not to be compressed or cannot be, some are tiny or larger than the window allows for; lanes take them
    /// in order and compress them in any.
    /// </summary>
    [Fact]
    public void WhateverIsKeptBothEndsKeepTheSame()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var level = 1;
            var history = new PackHistory(() => level, Least);
            using var writer = new PackWriter(random.Next(2) == 0 ? 3 : 9, new AdaptiveLevel(2), TimeProvider.System);
            using var reader = new PackReader();
            var source = Text(random, 100_000);
            List<(OutboundPack Pack, byte[] Records, byte[] Frame)> packs = [];
            for (var number = 0; number < 30; number++)
            {
                level = random.Next(4) == 0 ? 1 : 3;
                var length = random.Next(5) switch { 0 => random.Next(1, Least), 1 => random.Next(400_000, 1_000_000), _ => random.Next(Least, 100_000) };
                var records = random.Next(6) == 0 ? Noise(random, length) : Pieces(random, source, length);
                packs.Add((Pack(records, number, plain: random.Next(8) == 0), records, []));
                history.Take(packs[^1].Pack);
            }

            foreach (var i in Enumerable.Range(0, packs.Count).OrderBy(_ => random.Next()).ToArray())
            {
                packs[i] = packs[i] with { Frame = writer.Encode(packs[i].Pack, out _).ToArray() };
                packs[i].Pack.Return();
            }

            foreach (var (_, records, frame) in packs)
            {
                Assert.True(Unpack(reader, frame).SequenceEqual(records), $"seed {seed}");
            }

            history.Return();
        }
    }

    [Fact]
    public void APackThatResemblesTheOneBeforeItTakesNextToNothing()
    {
        var records = Noise(new Random(1), 200_000);
        Text(new Random(2), 100_000).CopyTo(records, 0); // noise alone is not even tried
        var history = new PackHistory(() => 3, Least);
        var sizes = new List<int>();
        for (var number = 0; number < 3; number++)
        {
            var pack = Pack(records, number, plain: false);
            history.Take(pack);
            var frame = _writer.Encode(pack, out var payload).ToArray();
            sizes.Add(payload);
            Assert.Equal(records, Unpack(_reader, frame));
            pack.Return();
        }

        Assert.True(sizes[0] > 100_000 && sizes[1] < 1000 && sizes[2] < 1000, string.Join(' ', sizes));
        history.Return();
    }

    /// <summary>The other end of a session that does not read the first pack cannot make sense of the second, and says so or gives something else.</summary>
    [Fact]
    public void WithoutTheOneBeforeItItIsOfNoUse()
    {
        var records = Text(new Random(3), 100_000);
        var history = new PackHistory(() => 3, Least);
        OutboundPack[] packs = [Pack(records, 0, plain: false), Pack(records, 1, plain: false)];
        Array.ForEach(packs, history.Take);
        var second = _writer.Encode(packs[1], out _).ToArray();
        Assert.Throws<ProtocolException>(() => Unpack(_reader, second));
    }

    /// <summary>Where packs are read one by one, as those of a batch file, there is none before them.</summary>
    [Fact]
    public void WhoReadsInNoOrderTakesNoneThatRefersToOthers()
    {
        var records = Text(new Random(4), 100_000);
        var pack = Pack(records, 0, plain: false);
        new PackHistory(() => 3, Least).Take(pack);
        var frame = _writer.Encode(pack, out _).ToArray();
        using var reader = new PackReader(inOrder: false);
        Assert.Throws<ProtocolException>(() => Unpack(reader, frame));
        Assert.Equal(records, Unpack(_reader, frame));
    }

    /// <summary>When all is in place the source may still say what it could not remove, in packs that refer to those before them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatComesLateStillRefersToWhatCameBefore(bool hasWindow)
    {
        var root = Directory.CreateTempSubdirectory("ns-late-").FullName;
        try
        {
            var random = new Random(5);
            var paths = Enumerable.Range(0, 200).Select(_ => Convert.ToHexString(Noise(random, 40))).ToArray();
            var early = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, EntriesFlags.Last).Close(0);
            Array.ForEach(paths, path => early.NotRemoved(path));
            early.EndOfTree();
            var late = new RecordScript();
            Array.ForEach(paths, path => late.NotRemoved(path));
            var later = new RecordScript().NotRemoved("another").NotRemoved(paths[7]).NotRemoved(paths[8]);

            await using var peer = await HostilePeer.PushAsync(Path.Combine(root, "new"));
            await peer.SendAsync(early.ToFrame(hasWindow ? RecordsCodec.PlainKept : RecordsCodec.Plain));
            await peer.HearGoodbyeAsync();
            var frame = late.ToFrame(1, early);
            Assert.InRange(frame.Length, 1, late.Bytes.Length / 3);
            await peer.SendAsync(frame);
            await peer.SendAsync(later.ToFrame(2, early, late));
            Assert.Equal(hasWindow ? 23 : 2, await peer.FinishAsync());
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>An end that says little keeps no buffer of half a megabyte for each word.</summary>
    [Fact]
    public void PacksOfAFewBytesAreNotKept()
    {
        var history = new PackHistory(() => 9, Least);
        for (var number = 0; number < 100; number++)
        {
            var pack = Pack(new byte[Least - 1], number, plain: false);
            history.Take(pack);
            Assert.False(pack.IsKept);
            pack.Return();
        }
    }

    private static OutboundPack Pack(byte[] records, int number, bool plain)
    {
        var pack = new OutboundPack(ArrayPool<byte>.Shared.Rent(records.Length + OutboundPack.HeaderRoom)) { Number = number, Plain = plain };
        records.CopyTo(pack.Buffer, OutboundPack.HeaderRoom);
        pack.Append(records.Length);
        return pack;
    }

    private static byte[] Unpack(PackReader reader, byte[] frame)
    {
        var sequence = new SequenceReader<byte>(new ReadOnlySequence<byte>(frame));
        Assert.True(FrameHeader.TryReadFrame(ref sequence, out _, out var payload));
        return reader.Unpack(new SharedSlice(new SharedBuffer(payload.ToArray()), 0, (int)payload.Length)).Span.ToArray();
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

    /// <summary>Pieces of one text in another order, so that packs share much.</summary>
    private static byte[] Pieces(Random random, byte[] source, int length)
    {
        var made = new byte[length];
        for (var at = 0; at < length;)
        {
            var piece = Math.Min(random.Next(50, 5000), length - at);
            source.AsSpan(random.Next(source.Length - piece), piece).CopyTo(made.AsSpan(at));
            at += piece;
        }

        return made;
    }
}
