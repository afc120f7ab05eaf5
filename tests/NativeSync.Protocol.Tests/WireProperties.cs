using System.Buffers;
using FsCheck.Xunit;
using NativeSync.Fuzz;

namespace NativeSync.Protocol.Tests;

/// <summary>What holds for all values and for all bytes. A failure prints the seed that repeats it.</summary>
[Properties(Arbitrary = [typeof(Samples)], MaxTest = 300)]
public sealed class WireProperties
{
    private const long Garbage = 1 << 20;

    [Property]
    public void EntriesComeBackAsTheyWere(SampleListing listing)
    {
        int bound = Records.EntriesBound;
        var encoder = new EntryEncoder();
        foreach (SampleEntry entry in listing.Entries)
        {
            bound += encoder.SizeBound(entry.ToEntry());
        }

        var writer = new WireWriter(new byte[bound]);
        Records.WriteEntries(ref writer, 1, 2, EntriesFlags.Last, listing.Entries.Count);
        foreach (SampleEntry entry in listing.Entries)
        {
            encoder.Write(ref writer, entry.ToEntry());
        }

        var reader = new RecordReader(writer.Written);
        Assert.True(reader.TryNext(out RecordType type));
        Assert.Equal(RecordType.Entries, type);
        EntriesRecord head = Records.ReadEntries(ref reader.Wire);
        Assert.Equal(new EntriesRecord(1, 2, EntriesFlags.Last, listing.Entries.Count), head);
        var decoder = new EntryDecoder();
        foreach (SampleEntry entry in listing.Entries)
        {
            Assert.Equal(entry.ToString(), SampleEntry.From(decoder.Read(ref reader.Wire)).ToString());
        }

        Assert.True(reader.Wire.End);
    }

    [Property]
    public void AttributesOfARootComeBackAsTheyWere(SampleListing listing)
    {
        foreach (SampleEntry entry in listing.Entries.Where(e => e.Metadata.IsDirectory))
        {
            Entry attributes = entry.ToEntry();
            attributes.Name = default;
            var writer = new WireWriter(new byte[Records.RootBound(attributes)]);
            Records.WriteRoot(ref writer, RootFlags.Attributes, attributes);
            var reader = new WireReader(writer.Written[1..]);
            RootRecord root = Records.ReadRoot(ref reader);
            Assert.Equal(SampleEntry.From(attributes).ToString(), SampleEntry.From(root.Attributes).ToString());
        }
    }

    [Property(MaxTest = 2000)]
    public void NumbersComeBackInTheirShortestForm(ulong value, long signed)
    {
        var writer = new WireWriter(new byte[2 * WireWriter.MaxVarint]);
        writer.WriteVarint(value);
        Assert.Equal(WireWriter.VarintSize(value), writer.Position);
        writer.WriteSigned(signed);
        var reader = new WireReader(writer.Written);
        Assert.Equal(value, reader.ReadVarint());
        Assert.Equal(signed, reader.ReadSigned());
        Assert.True(reader.End);
    }

    [Property(MaxTest = 2000)]
    public void AnyBytesAreRecordsOrAreRefused(byte[] bytes, byte type)
    {
        byte[] pack = [(byte)(type % 0x30), .. bytes];
        Bounded(pack.Length, () => new RecordMirror().Run(pack, null));
    }

    [Property(MaxTest = 2000)]
    public void AnyBytesAreFramesOrAreRefused(byte[] bytes, byte type)
    {
        byte[] stream = [(byte)(type % 0x12), (byte)Math.Min(bytes.Length, 127), .. bytes];
        Bounded(stream.Length, () => new FrameMirror().Run(new ReadOnlySequence<byte>(stream), null));
    }

    [Property(MaxTest = 1000)]
    public void HowAStreamIsCutMakesNoDifference(SampleCuts sample)
    {
        var whole = new FrameMirror();
        var pieces = new FrameMirror();
        string first = Outcome(whole, new ReadOnlySequence<byte>(sample.Data));
        string second = Outcome(pieces, Segments.Cut(sample.Data, new Random(sample.Seed)));
        Assert.Equal(first, second);
        Assert.Equal(whole.Output.ToArray(), pieces.Output.ToArray());
    }

    /// <summary>A claim of two billion things in ten bytes must not reserve room for them.</summary>
    [Theory]
    [InlineData("04000001ffffffff07")]
    [InlineData("24ffffffff0710")]
    [InlineData("0dffffffff07")]
    [InlineData("0500000080804000")]
    [InlineData("0c000000808004")]
    public void ACountAloneReservesNothing(string hex)
    {
        byte[] pack = Convert.FromHexString(hex);
        Bounded(pack.Length, () => new RecordMirror().Run(pack, null), 64 * 1024);
    }

    private static void Bounded(int length, Action run, long fixedBound = Garbage)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            run();
        }
        catch (ProtocolException)
        {
            // Anything else fails the test.
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < fixedBound + (64 * length), $"{length} bytes of input made {allocated} bytes of garbage");
    }

    private static string Outcome(FrameMirror mirror, ReadOnlySequence<byte> stream)
    {
        try
        {
            return $"{mirror.Run(stream, null)} bytes taken";
        }
        catch (ProtocolException e)
        {
            return $"{e.Kind}: {e.Message}";
        }
    }
}
