namespace NativeSync.Protocol;

// docs/protocol.md, "Records of the sender".
public static partial class Records
{
    /// <summary>The most bytes of a Root with these attributes.</summary>
    public static int RootBound(in Entry attributes) => 1 + 1 + EntryEncoder.Bound(attributes);

    /// <summary>Writes a Root; <paramref name="attributes"/> counts only with <see cref="RootFlags.Attributes"/>, its name is not written.</summary>
    public static void WriteRoot(scoped ref WireWriter writer, RootFlags flags, scoped in Entry attributes)
    {
        writer.WriteByte((byte)RecordType.Root);
        writer.WriteByte((byte)flags);
        if ((flags & RootFlags.Attributes) != 0)
        {
            EntryState before = default;
            EntryFlags fields = EntryFields.Flags(attributes, before);
            writer.WriteVarint((uint)fields);
            EntryFields.Write(ref writer, attributes, fields, ref before);
        }
    }

    /// <summary>Reads a Root.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static RootRecord ReadRoot(scoped ref WireReader reader)
    {
        var flags = (RootFlags)ReadFlags(ref reader, (byte)(RootFlags.SingleFile | RootFlags.Attributes | RootFlags.Nothing), "root flags");
        if ((flags & RootFlags.Attributes) == 0)
        {
            return new RootRecord { Flags = flags };
        }

        EntryFlags fields = EntryFields.ReadFlags(ref reader);
        EntryState before = default;
        Entry attributes = default;
        if ((fields & EntryFlags.Prefix) == 0)
        {
            attributes = EntryFields.Read(ref reader, fields, ref before);
        }

        if (flags != RootFlags.Attributes || !attributes.Metadata.IsDirectory)
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, "a root with attributes must be a directory without a name");
        }

        return new RootRecord { Flags = flags, Attributes = attributes };
    }

    /// <summary>The most bytes of a Probe.</summary>
    public const int ProbeBound = 1 + Id + Id + 2 + ProtocolLimits.MaxNameLength + Digest;

    /// <summary>Writes a Probe; directory 0 has parent 0 and no name.</summary>
    public static void WriteProbe(scoped ref WireWriter writer, int directory, int parent, ReadOnlySpan<byte> name, UInt128 digest)
    {
        writer.WriteByte((byte)RecordType.Probe);
        writer.WriteSize(directory);
        writer.WriteSize(parent);
        writer.WriteBlob(name);
        writer.WriteDigest(digest);
    }

    /// <summary>Reads a Probe.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static ProbeRecord ReadProbe(scoped ref WireReader reader)
    {
        int directory = reader.ReadId();
        int parent = reader.ReadId();
        ReadOnlySpan<byte> name = reader.ReadBlob(ProtocolLimits.MaxNameLength);
        if (directory > 0)
        {
            WireNames.CheckName(name);
            if (parent >= directory)
            {
                Throw.Protocol(ProtocolError.BadOrder, $"directory {directory} lies in {parent}, which comes later");
            }
        }
        else if (parent != 0 || !name.IsEmpty)
        {
            Throw.Protocol(ProtocolError.BadName, "the root has a parent or a name");
        }

        return new ProbeRecord { Directory = directory, Parent = parent, Name = name, Digest = reader.ReadDigest() };
    }

    /// <summary>The most bytes of a Close.</summary>
    public const int CloseBound = 1 + Id;

    /// <summary>Writes a Close.</summary>
    public static void WriteClose(scoped ref WireWriter writer, int directory)
    {
        writer.WriteByte((byte)RecordType.Close);
        writer.WriteSize(directory);
    }

    /// <summary>Reads a Close.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static CloseRecord ReadClose(scoped ref WireReader reader) => new(reader.ReadId());

    /// <summary>The most bytes of the head of an Entries record; the entries come on top (<see cref="EntryEncoder.SizeBound"/>).</summary>
    public const int EntriesBound = 1 + Id + Id + 1 + Id;

    /// <summary>Writes the head of an Entries record; exactly <paramref name="count"/> entries must follow, written with a reset <see cref="EntryEncoder"/>.</summary>
    public static void WriteEntries(scoped ref WireWriter writer, int directory, int first, EntriesFlags flags, int count)
    {
        writer.WriteByte((byte)RecordType.Entries);
        writer.WriteSize(directory);
        writer.WriteSize(first);
        writer.WriteByte((byte)flags);
        writer.WriteSize(count);
    }

    /// <summary>Reads the head of an Entries record; read its entries with a reset <see cref="EntryDecoder"/>.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static EntriesRecord ReadEntries(scoped ref WireReader reader)
    {
        int directory = reader.ReadId();
        int first = reader.ReadId();
        var flags = (EntriesFlags)ReadFlags(ref reader, (byte)(EntriesFlags.Last | EntriesFlags.Incomplete | EntriesFlags.Selected), "entries flags");
        int count = reader.ReadCount(ProtocolLimits.MaxRawRecords);
        if (first > int.MaxValue - count || (count == 0 && (flags & EntriesFlags.Last) == 0))
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, $"a part of {count} entries from index {first}");
        }

        return new EntriesRecord(directory, first, flags, count);
    }

    /// <summary>The most bytes of a Whole with so much data.</summary>
    public static int WholeBound(int dataLength) => 1 + Id + Id + 1 + 4 + dataLength + Digest;

    /// <summary>Writes a Whole.</summary>
    public static void WriteWhole(scoped ref WireWriter writer, int directory, int index, ContentFlags flags, ReadOnlySpan<byte> data, UInt128 digest)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(data.Length, ProtocolLimits.MaxWhole);
        WriteEntryRecord(ref writer, RecordType.Whole, directory, index);
        writer.WriteByte((byte)flags);
        writer.WriteBlob(data);
        writer.WriteDigest(digest);
    }

    /// <summary>Reads a Whole.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static WholeRecord ReadWhole(scoped ref WireReader reader)
    {
        var whole = new WholeRecord
        {
            Directory = reader.ReadId(),
            Index = reader.ReadId(),
            Flags = (ContentFlags)ReadFlags(ref reader, (byte)(ContentFlags.Unstable | ContentFlags.Repeated), "content flags"),
            Data = reader.ReadBlob(ProtocolLimits.MaxWhole),
            Digest = reader.ReadDigest(),
        };
        if ((whole.Flags & ContentFlags.Repeated) != 0 && (whole.Flags != ContentFlags.Repeated || whole.Data.Length > 0))
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, "a repeated content with data or another flag");
        }

        return whole;
    }

    /// <summary>The most bytes of a FileBegin.</summary>
    public const int FileBeginBound = 1 + Id + Id + Size + Size;

    /// <summary>Writes a FileBegin.</summary>
    public static void WriteFileBegin(scoped ref WireWriter writer, int directory, int index, long size, long basisLength)
    {
        WriteEntryRecord(ref writer, RecordType.FileBegin, directory, index);
        writer.WriteSize(size);
        writer.WriteSize(basisLength);
    }

    /// <summary>Reads a FileBegin.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static FileBeginRecord ReadFileBegin(scoped ref WireReader reader) =>
        new(reader.ReadId(), reader.ReadId(), reader.ReadSize(), reader.ReadSize());

    /// <summary>The most bytes of a Literal with so much data.</summary>
    public static int LiteralBound(int dataLength) => 1 + 3 + dataLength;

    /// <summary>Writes a Literal of 1 to <see cref="ProtocolLimits.MaxLiteral"/> bytes.</summary>
    public static void WriteLiteral(scoped ref WireWriter writer, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfZero(data.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(data.Length, ProtocolLimits.MaxLiteral);
        writer.WriteByte((byte)RecordType.Literal);
        writer.WriteBlob(data);
    }

    /// <summary>Reads a Literal.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static LiteralRecord ReadLiteral(scoped ref WireReader reader)
    {
        ReadOnlySpan<byte> data = reader.ReadBlob(ProtocolLimits.MaxLiteral);
        if (data.IsEmpty)
        {
            Throw.Value("the length of a literal", 0);
        }

        return new LiteralRecord { Data = data };
    }

    /// <summary>The most bytes of a Copy.</summary>
    public const int CopyBound = 1 + Size + Size;

    /// <summary>Writes a Copy of at least one byte.</summary>
    public static void WriteCopy(scoped ref WireWriter writer, long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        writer.WriteByte((byte)RecordType.Copy);
        writer.WriteSize(offset);
        writer.WriteSize(length);
    }

    /// <summary>Reads a Copy; that it lies in the basis is for the caller to check.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static CopyRecord ReadCopy(scoped ref WireReader reader)
    {
        long offset = reader.ReadSize();
        long length = ReadLength(ref reader, "the length of a copy");
        if (offset > long.MaxValue - length)
        {
            Throw.Value("the end of a copy", (ulong)offset + (ulong)length);
        }

        return new CopyRecord(offset, length);
    }

    /// <summary>The most bytes of a Hole.</summary>
    public const int HoleBound = 1 + Size;

    /// <summary>Writes a Hole of at least one byte.</summary>
    public static void WriteHole(scoped ref WireWriter writer, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        writer.WriteByte((byte)RecordType.Hole);
        writer.WriteSize(length);
    }

    /// <summary>Reads a Hole.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static HoleRecord ReadHole(scoped ref WireReader reader) => new(ReadLength(ref reader, "the length of a hole"));

    /// <summary>The most bytes of a FileEnd.</summary>
    public const int FileEndBound = 1 + 1 + 2 + Digest;

    /// <summary>Writes a FileEnd.</summary>
    public static void WriteFileEnd(scoped ref WireWriter writer, ContentFlags flags, int errno, UInt128 digest)
    {
        writer.WriteByte((byte)RecordType.FileEnd);
        writer.WriteByte((byte)flags);
        writer.WriteVarint((ulong)Math.Clamp(errno, 0, ProtocolLimits.MaxErrno));
        writer.WriteDigest(digest);
    }

    /// <summary>Reads a FileEnd.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static FileEndRecord ReadFileEnd(scoped ref WireReader reader) =>
        new((ContentFlags)ReadFlags(ref reader, (byte)ContentFlags.Unstable, "content flags"), reader.ReadLimited(ProtocolLimits.MaxErrno), reader.ReadDigest());

    /// <summary>The most bytes of a FileFailed.</summary>
    public const int FileFailedBound = 1 + Id + Id + 2;

    /// <summary>Writes a FileFailed.</summary>
    public static void WriteFileFailed(scoped ref WireWriter writer, int directory, int index, int errno)
    {
        WriteEntryRecord(ref writer, RecordType.FileFailed, directory, index);
        writer.WriteVarint((ulong)Math.Clamp(errno, 0, ProtocolLimits.MaxErrno));
    }

    /// <summary>Reads a FileFailed.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static FileFailedRecord ReadFileFailed(scoped ref WireReader reader) =>
        new(reader.ReadId(), reader.ReadId(), reader.ReadLimited(ProtocolLimits.MaxErrno));

    /// <summary>The most bytes of an EndOfTree.</summary>
    public const int EndOfTreeBound = 1 + Statistics.MaxSize;

    /// <summary>Writes an EndOfTree.</summary>
    public static void WriteEndOfTree(scoped ref WireWriter writer, Statistics statistics)
    {
        writer.WriteByte((byte)RecordType.EndOfTree);
        statistics.Write(ref writer);
    }

    /// <summary>Reads an EndOfTree.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static Statistics ReadEndOfTree(scoped ref WireReader reader) => Statistics.Read(ref reader);

    /// <summary>The most bytes of an Identity.</summary>
    public const int IdentityBound = 1 + 1 + Id + 2 + ProtocolLimits.MaxNameLength;

    /// <summary>Writes an Identity.</summary>
    public static void WriteIdentity(scoped ref WireWriter writer, IdentityKind kind, uint number, ReadOnlySpan<byte> name)
    {
        writer.WriteByte((byte)RecordType.Identity);
        writer.WriteByte((byte)kind);
        writer.WriteVarint(number);
        writer.WriteBlob(name);
    }

    /// <summary>Reads an Identity.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static IdentityRecord ReadIdentity(scoped ref WireReader reader)
    {
        var kind = (IdentityKind)ReadEnum(ref reader, (byte)IdentityKind.Group, "identity");
        uint number = reader.ReadVarint32();
        ReadOnlySpan<byte> name = reader.ReadBlob(ProtocolLimits.MaxNameLength);
        if (name.IsEmpty || name.IndexOfAny((byte)0, (byte)':', (byte)'\n') >= 0)
        {
            Throw.Protocol(ProtocolError.BadName, "the name of a user or group is empty or has NUL, colon or line feed in it");
        }

        return new IdentityRecord { Kind = kind, Number = number, Name = name };
    }

    /// <summary>The most bytes of a Same.</summary>
    public const int SameBound = 1 + Id + Id;

    /// <summary>Writes a Same.</summary>
    public static void WriteSame(scoped ref WireWriter writer, int directory, int index) =>
        WriteEntryRecord(ref writer, RecordType.Same, directory, index);

    /// <summary>Reads a Same.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static SameRecord ReadSame(scoped ref WireReader reader) => new(reader.ReadId(), reader.ReadId());

    /// <summary>The most bytes of a Different.</summary>
    public const int DifferentBound = 1 + Id + Id;

    /// <summary>Writes a Different.</summary>
    public static void WriteDifferent(scoped ref WireWriter writer, int directory, int index) =>
        WriteEntryRecord(ref writer, RecordType.Different, directory, index);

    /// <summary>Reads a Different.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static DifferentRecord ReadDifferent(scoped ref WireReader reader) => new(reader.ReadId(), reader.ReadId());

    /// <summary>The most bytes of a TreeDigest.</summary>
    public const int TreeDigestBound = 1 + Digest;

    /// <summary>Writes a TreeDigest.</summary>
    public static void WriteTreeDigest(scoped ref WireWriter writer, UInt128 digest)
    {
        writer.WriteByte((byte)RecordType.TreeDigest);
        writer.WriteDigest(digest);
    }

    /// <summary>Reads a TreeDigest.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static TreeDigestRecord ReadTreeDigest(scoped ref WireReader reader) => new(reader.ReadDigest());

    /// <summary>The most bytes of a NoDelta.</summary>
    public const int NoDeltaBound = 1 + Id + Id;

    /// <summary>Writes a NoDelta.</summary>
    public static void WriteNoDelta(scoped ref WireWriter writer, int directory, int index) =>
        WriteEntryRecord(ref writer, RecordType.NoDelta, directory, index);

    /// <summary>Reads a NoDelta.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static NoDeltaRecord ReadNoDelta(scoped ref WireReader reader) => new(reader.ReadId(), reader.ReadId());

    private static void WriteEntryRecord(scoped ref WireWriter writer, RecordType type, int directory, int index)
    {
        writer.WriteByte((byte)type);
        writer.WriteSize(directory);
        writer.WriteSize(index);
    }
}
