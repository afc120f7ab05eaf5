namespace NativeSync.Protocol.Tests;

/// <summary>What a hostile peer may try with records, each refused by name (design: the receiver trusts nobody).</summary>
public sealed class RefusalTests
{
    private const string Digest = "00000000000000000000000000000000";

    private static string Entries(int count, string entries) => $"040000 01 {count:x2} {entries}";

    private static string File(string name) => $"06 {name} a48302 00 00 00";

    [Theory]
    [InlineData(ProtocolError.BadName, "00")] // empty
    [InlineData(ProtocolError.BadName, "01 2e")] // .
    [InlineData(ProtocolError.BadName, "02 2e2e")] // ..
    [InlineData(ProtocolError.BadName, "03 612f62")] // a/b
    [InlineData(ProtocolError.BadName, "01 2f")] // /
    [InlineData(ProtocolError.BadName, "03 610062")] // a NUL b
    [InlineData(ProtocolError.LengthOutOfRange, "8002")] // 256 bytes
    public void ANameThatCouldLeaveItsDirectory(ProtocolError kind, string name)
    {
        Refused(kind, Entries(1, File(name)));
        Refused(kind, $"02 01 00 {name} {Digest}");
    }

    [Theory]
    [InlineData(ProtocolError.BadOrder, "01 62", "01 61")] // b, a
    [InlineData(ProtocolError.BadOrder, "01 61", "01 61")] // twice
    [InlineData(ProtocolError.BadOrder, "02 6161", "01 61")] // a prefix of the name before
    public void NamesThatDoNotAscend(ProtocolError kind, string first, string second) => Refused(kind, Entries(2, File(first) + File(second)));

    [Theory]
    [InlineData("16 01 01 62")] // one byte shared with nothing
    public void APrefixLongerThanTheNameBefore(string entry) => Refused(ProtocolError.BadName, Entries(1, entry + "a48302 00 00 00"));

    [Fact]
    public void APrefixThatMakesDotDot() => Refused(ProtocolError.BadName, Entries(2, File("02 2e21") + "16 01 01 2e a48302 00 00 00"));

    [Fact]
    public void APrefixThatMakesANameOf256Bytes()
    {
        string name = string.Concat(Enumerable.Repeat("61", 255));
        Refused(ProtocolError.LengthOutOfRange, Entries(2, File("ff01" + name) + "16 ff01 01 62 a48302 00 00 00"));
    }

    [Theory]
    [InlineData("00")] // no type
    [InlineData("a463")] // type 3
    [InlineData("a48306")] // beyond 16 bits
    public void AModeThatIsNoFile(string mode) => Refused(ProtocolError.ValueOutOfRange, Entries(1, $"06 01 61 {mode} 00 00 00"));

    [Theory]
    [InlineData("26 01 61 a48302 00 00 00 01 78")] // a regular file with a target
    [InlineData("8601 01 61 a48302 00 00 00 01 01")] // a regular file with a device number
    [InlineData("46 01 61 a48301 00 00 00 01")] // a directory with a link group
    [InlineData("06 01 61 a443 00 00 00")] // a character device without its number
    [InlineData("8604 01 61 a48301 00 00 00 " + Digest)] // a directory with a digest of its content
    public void FieldsThatATypeDoesNotHave(string entry) => Refused(ProtocolError.ValueOutOfRange, Entries(1, entry));

    [Theory]
    [InlineData(ProtocolError.ValueOutOfRange, "06 01 61 a48302 00 00 8094ebdc03")] // 10^9 nanoseconds
    [InlineData(ProtocolError.ValueOutOfRange, "06 01 61 a48302 80808080808080808001 00 00")] // size 2^63
    [InlineData(ProtocolError.UnknownValue, "868001 01 61 a48302 00 00 00")] // flag 0x4000
    [InlineData(ProtocolError.LengthOutOfRange, "26 01 61 ffc302 00 00 00 00")] // empty target
    [InlineData(ProtocolError.BadName, "26 01 61 ffc302 00 00 00 02 6100")] // NUL in the target
    [InlineData(ProtocolError.LengthOutOfRange, "26 01 61 ffc302 00 00 00 8020")] // target of 4096 bytes
    [InlineData(ProtocolError.ValueOutOfRange, "46 01 61 a48302 00 00 00 00")] // group 0
    [InlineData(ProtocolError.LengthOutOfRange, "8602 01 61 a48302 00 00 00 00")] // no attributes, yet said
    [InlineData(ProtocolError.BadName, "8602 01 61 a48302 00 00 00 02 0000")] // attribute without a name
    [InlineData(ProtocolError.BadOrder, "8602 01 61 a48302 00 00 00 06 0162000161 00")] // b before a
    [InlineData(ProtocolError.BadOrder, "8602 01 61 a48302 00 00 00 06 0161000161 00")] // a twice
    [InlineData(ProtocolError.LengthOutOfRange, "8602 01 61 a48302 00 00 00 818020")] // 512 KiB and one byte
    public void AnEntryOutOfBounds(ProtocolError kind, string entry) => Refused(kind, Entries(1, entry));

    [Theory]
    [InlineData(ProtocolError.Truncated, "040000 01 7f")] // 127 entries in no bytes
    [InlineData(ProtocolError.ValueOutOfRange, "040000 00 00")] // an empty part that is not the last
    [InlineData(ProtocolError.ValueOutOfRange, "0400 ffffffff07 01 01 06016100000000")] // index beyond 2^31 - 1
    [InlineData(ProtocolError.BadOrder, "02 01 01 01 61" + Digest)] // its own parent
    [InlineData(ProtocolError.BadOrder, "02 01 02 01 61" + Digest)] // a parent that comes later
    [InlineData(ProtocolError.BadName, "02 00 00 01 61" + Digest)] // a root with a name
    [InlineData(ProtocolError.ValueOutOfRange, "03 8080808008")] // directory 2^31
    [InlineData(ProtocolError.ValueOutOfRange, "08 ffffffffffffffff7f 01")] // a copy beyond 2^63
    [InlineData(ProtocolError.ValueOutOfRange, "08 00 00")] // an empty copy
    [InlineData(ProtocolError.ValueOutOfRange, "09 00")]
    [InlineData(ProtocolError.ValueOutOfRange, "07 00")]
    [InlineData(ProtocolError.LengthOutOfRange, "07 818010")] // a literal of 256 KiB and one byte
    [InlineData(ProtocolError.LengthOutOfRange, "05 00 00 00 818040")] // a Whole of 1 MiB and one byte
    [InlineData(ProtocolError.ValueOutOfRange, "05 00 00 02 01 61 00000000000000000000000000000000")] // a repeated content with data
    [InlineData(ProtocolError.ValueOutOfRange, "05 00 00 03 00 00000000000000000000000000000000")] // one that did not hold still
    [InlineData(ProtocolError.ValueOutOfRange, "23 00 00 01 8140 10")] // block size no power of two
    [InlineData(ProtocolError.ValueOutOfRange, "23 00 00 01 8001 10")] // block of 128 bytes
    [InlineData(ProtocolError.LengthOutOfRange, "23 00 00 01 80808004 10")] // block of 8 MiB
    [InlineData(ProtocolError.ValueOutOfRange, "23 00 00 00 8040 10")] // empty basis
    [InlineData(ProtocolError.LengthOutOfRange, "23 00 00 ffffffffffff03 8002 10")] // too many blocks
    [InlineData(ProtocolError.ValueOutOfRange, "23 00 00 01 8040 11")] // strong of 17
    [InlineData(ProtocolError.ValueOutOfRange, "24 00 08")] // no blocks
    [InlineData(ProtocolError.LengthOutOfRange, "24 818002 08")] // 32769 blocks
    [InlineData(ProtocolError.UnknownValue, "21 00 04")] // verdict
    [InlineData(ProtocolError.UnknownValue, "27 0a 00 00 0000")] // outcome
    [InlineData(ProtocolError.UnknownValue, "27 00 00 00 0080")] // changes
    [InlineData(ProtocolError.BadName, "28 00 03 2f6161 08")] // absolute
    [InlineData(ProtocolError.BadName, "28 00 04 612f2e2e 08")] // a/..
    [InlineData(ProtocolError.BadName, "28 00 04 612f2f61 08")] // a//a
    [InlineData(ProtocolError.UnknownValue, "28 00 01 61 03")] // type 3
    [InlineData(ProtocolError.LengthOutOfRange, "0c 8020 00 00 00")] // errno 4096
    [InlineData(ProtocolError.UnknownValue, "0c 00 7f 00 00 00")] // operation
    [InlineData(ProtocolError.UnknownValue, "0c 00 00 02 00 00")] // problem flags
    [InlineData(ProtocolError.LengthOutOfRange, "0c 00 00 00 818004")] // path beyond 64 KiB
    [InlineData(ProtocolError.BadName, "0e 00 01 00")] // nobody
    [InlineData(ProtocolError.BadName, "0e 00 01 03 613a62")] // a:b
    [InlineData(ProtocolError.UnknownValue, "2b 03 00")] // note level
    [InlineData(ProtocolError.LengthOutOfRange, "2b 00 8120")] // note of 4097 bytes
    [InlineData(ProtocolError.UnknownValue, "01 08")] // root flags
    [InlineData(ProtocolError.ValueOutOfRange, "01 03 06 ed8302 00 00 00")] // a file with a directory's attributes
    [InlineData(ProtocolError.ValueOutOfRange, "01 02 06 a48302 00 00 00")] // a root that is no directory
    [InlineData(ProtocolError.LengthOutOfRange, "0d 8101")] // 129 statistics
    [InlineData(ProtocolError.VarintTooLong, "03 ffffffffffffffffff02")]
    [InlineData(ProtocolError.VarintNotMinimal, "03 8000")]
    [InlineData(ProtocolError.UnknownRecord, "00")]
    [InlineData(ProtocolError.UnknownRecord, "13")]
    [InlineData(ProtocolError.UnknownRecord, "20")]
    [InlineData(ProtocolError.UnknownRecord, "2e")]
    public void ARecordOutOfBounds(ProtocolError kind, string hex) => Refused(kind, hex);

    [Theory]
    [InlineData(RecordSide.Sender, "21 00 00")]
    [InlineData(RecordSide.Receiver, "03 00")]
    public void ARecordFromTheWrongSide(RecordSide from, string hex)
    {
        byte[] bytes = Parse(hex);
        Assert.Equal(ProtocolError.UnexpectedRecord, Assert.Throws<ProtocolException>(() => new RecordReader(bytes, from).TryNext(out _)).Kind);
    }

    [Fact]
    public void TheEncoderRefusesWhatTheDecoderWould()
    {
        static void Write(string name, Func<EntryMetadata, EntryMetadata> change, string target = "", bool digest = false)
        {
            var encoder = new EntryEncoder();
            var entry = new Entry
            {
                Name = System.Text.Encoding.UTF8.GetBytes(name),
                Metadata = change(new EntryMetadata { Mode = 0x81a4 }),
                LinkTarget = System.Text.Encoding.UTF8.GetBytes(target),
                HasContentDigest = digest,
            };
            var writer = new WireWriter(new byte[1000]);
            encoder.Write(ref writer, entry);
        }

        Write("fine", m => m);
        Assert.Throws<ArgumentException>(() => Write("", m => m));
        Assert.Throws<ArgumentException>(() => Write(new string('a', 256), m => m));
        Assert.Throws<ArgumentException>(() => Write("a", m => m with { Size = -1 }));
        Assert.Throws<ArgumentException>(() => Write("a", m => m with { Modified = new Timestamp(0, 1_000_000_000) }));
        Assert.Throws<ArgumentException>(() => Write("a", m => m with { Mode = 0x31a4 }));
        Assert.Throws<ArgumentException>(() => Write("a", m => m, target: "b"));
        Assert.Throws<ArgumentException>(() => Write("a", m => m with { Mode = 0x41ed }, digest: true));
    }

    private static void Refused(ProtocolError kind, string hex) => Assert.Equal(kind, Assert.Throws<ProtocolException>(() => Skip(hex)).Kind);

    private static byte[] Parse(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static void Skip(string hex)
    {
        var reader = new RecordReader(Parse(hex));
        while (reader.TryNext(out RecordType type))
        {
            reader.Skip(type);
        }
    }
}
