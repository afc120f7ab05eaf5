using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace NativeSync.Protocol.Tests;

/// <summary>An entry that owns its bytes.</summary>
public sealed record SampleEntry(byte[] Name, EntryMetadata Metadata, byte[] LinkTarget, ulong HardLinkGroup, byte[] Xattrs, UInt128? Digest)
{
    internal Entry ToEntry() => new()
    {
        Name = Name,
        Metadata = Metadata,
        LinkTarget = LinkTarget,
        HardLinkGroup = HardLinkGroup,
        Xattrs = Xattrs,
        HasContentDigest = Digest is not null,
        ContentDigest = Digest ?? 0,
    };

    internal static SampleEntry From(in Entry entry) => new(entry.Name.ToArray(), entry.Metadata, entry.LinkTarget.ToArray(), entry.HardLinkGroup,
        entry.Xattrs.ToArray(), entry.HasContentDigest ? entry.ContentDigest : null);

    /// <summary>Everything, so that two can be compared.</summary>
    public override string ToString() => $"{Convert.ToHexString(Name)} {Convert.ToString(Metadata.Mode, 8)} {Metadata.Uid} {Metadata.Gid} {Metadata.Size} {Metadata.Modified}"
        + $" {Metadata.Rdev} {Metadata.FileFlags} {Metadata.HasAccessed} {Metadata.Accessed} {Metadata.ProjectId} {Convert.ToHexString(LinkTarget)} {HardLinkGroup} {Convert.ToHexString(Xattrs)} {Digest}";
}

/// <summary>A listing: names ascend.</summary>
public sealed record SampleListing(IReadOnlyList<SampleEntry> Entries)
{
    /// <inheritdoc/>
    public override string ToString() => string.Join('\n', Entries);
}

/// <summary>Bytes and where to cut them.</summary>
public sealed record SampleCuts(byte[] Data, int Seed);

/// <summary>Random values of the wire, edges more often than chance would have them.</summary>
public static class Samples
{
    private static readonly uint[] Types = [1, 2, 4, 6, 8, 8, 8, 8, 10, 12];

    private static Gen<uint> UInt32 => Gen.OneOf(Gen.Choose(0, 3).Select(i => (uint)i), Gen.Choose(int.MinValue, int.MaxValue).Select(i => (uint)i), Gen.Elements(uint.MaxValue, 65534u));

    private static Gen<ulong> UInt64 => UInt32.SelectMany(high => UInt32, (high, low) => (ulong)high << 32 | low);

    private static Gen<long> Seconds => Gen.OneOf(Gen.Choose(1_600_000_000, 1_700_000_000).Select(i => (long)i), Gen.Elements(0L, -1L, long.MinValue, long.MaxValue, 1L << 40), UInt64.Select(u => (long)u));

    private static Gen<byte[]> Blob(int min, int max) => Gen.Choose(min, max).SelectMany(n => Gen.ArrayOf(Gen.Choose(1, 255).Select(i => (byte)i), n));

    private static Gen<byte[]> Name => Gen.Frequency(
        (6, Blob(1, 12)), (1, Blob(255, 255)), (4, Gen.Choose(0, 999).Select(i => System.Text.Encoding.UTF8.GetBytes($"file-{i:d3}.txt"))))
        .Where(n => WireNames.IsName(n));

    private static Gen<byte[]> Xattrs => Gen.Choose(0, 3).SelectMany(n => Gen.ArrayOf(Blob(1, 20), n)).SelectMany(names => Blob(0, 40), (names, value) =>
    {
        var writer = new ArrayBufferWriter<byte>();
        foreach (byte[] name in names.DistinctBy(Convert.ToHexString).OrderBy(n => n, ByteOrder.Instance))
        {
            var wire = new WireWriter(writer.GetSpan(100));
            wire.WriteBlob(name);
            wire.WriteBlob(value);
            writer.Advance(wire.Position);
        }

        return writer.WrittenSpan.ToArray();
    });

    private static Gen<SampleEntry> Entry =>
        from name in Name
        from type in Gen.Elements(Types)
        from bits in Gen.OneOf(Gen.Constant(0x1a4), Gen.Choose(0, 0xfff))
        from uid in Gen.OneOf(Gen.Constant(0u), UInt32)
        from gid in Gen.OneOf(Gen.Constant(0u), UInt32)
        from size in Gen.OneOf(Gen.Choose(0, 100_000).Select(i => (long)i), UInt64.Select(u => (long)(u >> 1)))
        from seconds in Seconds
        from nanoseconds in Gen.OneOf(Gen.Constant(0), Gen.Choose(0, 999_999_999))
        from target in Blob(1, 60)
        from optional in Gen.Choose(0, 63)
        from number in UInt64
        from xattrs in Xattrs
        select new SampleEntry(
            name,
            new EntryMetadata
            {
                Mode = (type << 12) | (uint)bits,
                Uid = uid,
                Gid = gid,
                Size = size,
                Modified = new Timestamp(seconds, (uint)nanoseconds),
                Rdev = type is 2 or 6 ? number : 0,
                FileFlags = (optional & 1) != 0 ? (uint)number : 0,
                HasAccessed = (optional & 16) != 0,
                Accessed = (optional & 16) != 0 ? new Timestamp((long)number, (uint)nanoseconds) : default,
                ProjectId = (optional & 32) != 0 ? (uint)number : 0,
            },
            type == 10 && (optional & 2) == 0 ? target : [],
            type != 4 && (optional & 4) != 0 ? number : 0,
            (optional & 2) != 0 ? xattrs : [],
            type == 8 && (optional & 8) != 0 ? new UInt128(number, ~number) : null);

    /// <summary>Listings of 0 to 40 entries.</summary>
    public static Arbitrary<SampleListing> Listings() => Gen.Choose(0, 40).SelectMany(n => Gen.ArrayOf(Entry, n)).Select(entries =>
        new SampleListing([.. entries.DistinctBy(e => Convert.ToHexString(e.Name)).OrderBy(e => e.Name, ByteOrder.Instance)])).ToArbitrary();

    /// <summary>Streams of frames, some of them damaged.</summary>
    public static Arbitrary<SampleCuts> Cuts() =>
        (from picks in Gen.Choose(1, 5).SelectMany(n => Gen.ArrayOf(Gen.Choose(0, int.MaxValue), n))
         from damage in Gen.Choose(-20, 300)
         from value in Gen.Choose(0, 255)
         from seed in Gen.Choose(0, int.MaxValue)
         select new SampleCuts(Stream(picks, damage, (byte)value), seed)).ToArbitrary();

    private static byte[] Stream(int[] picks, int damage, byte value)
    {
        byte[][] frames = [.. Fuzz.ProtocolPage.Examples.Where(e => e.Kind == Fuzz.ExampleKind.Frame).Select(e => e.Bytes)];
        byte[] stream = [.. picks.SelectMany(p => frames[p % frames.Length])];
        if (damage >= 0 && damage < stream.Length)
        {
            stream[damage] = value;
        }

        return stream;
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        internal static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
