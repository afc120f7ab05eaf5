using System.Numerics;

namespace NativeSync.Protocol;

// docs/protocol.md, "Records of the receiver".
public static partial class Records
{
    private const Changes KnownChanges = (Changes)0x7fff;

    /// <summary>Bytes of the weak checksum of a block.</summary>
    public const int WeakLength = 4;

    /// <summary>The most bytes of an Answer.</summary>
    public const int AnswerBound = 1 + Id + 1;

    /// <summary>Writes an Answer.</summary>
    public static void WriteAnswer(scoped ref WireWriter writer, int directory, Verdict verdict)
    {
        writer.WriteByte((byte)RecordType.Answer);
        writer.WriteSize(directory);
        writer.WriteByte((byte)verdict);
    }

    /// <summary>Reads an Answer.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static AnswerRecord ReadAnswer(scoped ref WireReader reader) =>
        new(reader.ReadId(), (Verdict)ReadEnum(ref reader, (byte)Verdict.Skip, "verdict"));

    /// <summary>The most bytes of a Want.</summary>
    public const int WantBound = 1 + Id + Id;

    /// <summary>Writes a Want.</summary>
    public static void WriteWant(scoped ref WireWriter writer, int directory, int index) =>
        WriteEntryRecord(ref writer, RecordType.Want, directory, index);

    /// <summary>Reads a Want.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static WantRecord ReadWant(scoped ref WireReader reader) => new(reader.ReadId(), reader.ReadId());

    /// <summary>The most bytes of a WantDelta.</summary>
    public const int WantDeltaBound = 1 + Id + Id + Size + 4 + 1;

    /// <summary>Writes a WantDelta.</summary>
    public static void WriteWantDelta(scoped ref WireWriter writer, in WantDeltaRecord want)
    {
        WriteEntryRecord(ref writer, RecordType.WantDelta, want.Directory, want.Index);
        writer.WriteSize(want.BasisLength);
        writer.WriteSize(want.BlockSize);
        writer.WriteByte((byte)want.StrongLength);
    }

    /// <summary>Reads a WantDelta.</summary>
    /// <exception cref="ProtocolException">Malformed, or more blocks than a signature may have.</exception>
    public static WantDeltaRecord ReadWantDelta(scoped ref WireReader reader)
    {
        int directory = reader.ReadId();
        int index = reader.ReadId();
        long basis = ReadLength(ref reader, "the length of a basis");
        int block = reader.ReadLimited(ProtocolLimits.MaxBlockSize);
        if (block < ProtocolLimits.MinBlockSize || !BitOperations.IsPow2(block))
        {
            Throw.Value("a block size", (ulong)block);
        }

        var want = new WantDeltaRecord(directory, index, basis, block, ReadStrongLength(ref reader));
        if (want.BlockCount > ProtocolLimits.MaxSignatureBlocks)
        {
            Throw.Length("the number of blocks of a signature", (ulong)want.BlockCount, ProtocolLimits.MaxSignatureBlocks);
        }

        return want;
    }

    /// <summary>The most bytes of a Signature of so many blocks.</summary>
    public static int SignatureBound(int count, int strongLength) => 1 + 3 + 1 + (count * (WeakLength + strongLength));

    /// <summary>Writes a Signature of 1 to <see cref="ProtocolLimits.MaxSignatureBlocksPerRecord"/> blocks, encoded as in <see cref="SignatureRecord.Blocks"/>.</summary>
    public static void WriteSignature(scoped ref WireWriter writer, int count, int strongLength, ReadOnlySpan<byte> blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ProtocolLimits.MaxSignatureBlocksPerRecord);
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, count * (WeakLength + strongLength));
        writer.WriteByte((byte)RecordType.Signature);
        writer.WriteSize(count);
        writer.WriteByte((byte)strongLength);
        writer.WriteBytes(blocks);
    }

    /// <summary>Reads a Signature; that it fits the WantDelta is for the caller to check.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static SignatureRecord ReadSignature(scoped ref WireReader reader)
    {
        int count = reader.ReadCount(ProtocolLimits.MaxSignatureBlocksPerRecord);
        if (count == 0)
        {
            Throw.Value("the number of blocks of a signature record", 0);
        }

        int strong = ReadStrongLength(ref reader);
        return new SignatureRecord { Count = count, StrongLength = strong, Blocks = reader.ReadBytes(count * (WeakLength + strong)) };
    }

    private static int ReadStrongLength(scoped ref WireReader reader)
    {
        // 0 is fine: MinStrongLength.
        byte strong = reader.ReadByte();
        if (strong > ProtocolLimits.MaxStrongLength)
        {
            Throw.Value("the length of a strong checksum", strong);
        }

        return strong;
    }

    /// <summary>The most bytes of a Compare.</summary>
    public const int CompareBound = 1 + Id + Id + Digest;

    /// <summary>Writes a Compare.</summary>
    public static void WriteCompare(scoped ref WireWriter writer, int directory, int index, UInt128 digest)
    {
        WriteEntryRecord(ref writer, RecordType.Compare, directory, index);
        writer.WriteDigest(digest);
    }

    /// <summary>Reads a Compare.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static CompareRecord ReadCompare(scoped ref WireReader reader) => new(reader.ReadId(), reader.ReadId(), reader.ReadDigest());

    /// <summary>The most bytes of a Settled.</summary>
    public const int SettledBound = 1 + Id;

    /// <summary>Writes a Settled.</summary>
    public static void WriteSettled(scoped ref WireWriter writer, int directory)
    {
        writer.WriteByte((byte)RecordType.Settled);
        writer.WriteSize(directory);
    }

    /// <summary>Reads a Settled.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static SettledRecord ReadSettled(scoped ref WireReader reader) => new(reader.ReadId());

    /// <summary>The index by which an Outcome of directory 0 means the root directory itself.</summary>
    public const int RootIndex = int.MaxValue;

    /// <summary>The most bytes of an Outcome.</summary>
    public const int OutcomeBound = 1 + 1 + Id + Id + 2;

    /// <summary>Writes an Outcome.</summary>
    public static void WriteOutcome(scoped ref WireWriter writer, OutcomeKind kind, int directory, int index, Changes changes)
    {
        writer.WriteByte((byte)RecordType.Outcome);
        writer.WriteByte((byte)kind);
        writer.WriteSize(directory);
        writer.WriteSize(index);
        writer.WriteUInt16((ushort)changes);
    }

    /// <summary>Reads an Outcome.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static OutcomeRecord ReadOutcome(scoped ref WireReader reader)
    {
        var kind = (OutcomeKind)ReadEnum(ref reader, (byte)OutcomeKind.Copied, "outcome");
        int directory = reader.ReadId();
        int index = reader.ReadId();
        var changes = (Changes)reader.ReadUInt16();
        if ((changes & ~KnownChanges) != 0)
        {
            Throw.Unknown("changes", (ulong)changes);
        }

        return new OutcomeRecord(kind, directory, index, changes);
    }

    /// <summary>The most bytes of a NameList with so much data.</summary>
    public static int NameListBound(int dataLength) => 1 + 1 + 4 + dataLength;

    /// <summary>Writes a NameList.</summary>
    public static void WriteNameList(scoped ref WireWriter writer, bool last, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(data.Length, ProtocolLimits.MaxLiteral);
        writer.WriteByte((byte)RecordType.NameList);
        writer.WriteByte(last ? (byte)1 : (byte)0);
        writer.WriteBlob(data);
    }

    /// <summary>Reads a NameList.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static NameListRecord ReadNameList(scoped ref WireReader reader) => new()
    {
        Last = ReadFlags(ref reader, 1, "name list flags") != 0,
        Data = reader.ReadBlob(ProtocolLimits.MaxLiteral),
    };

    /// <summary>The most bytes of a Confirmed.</summary>
    public const int ConfirmedBound = 1 + Id + Id + 10 + 10;

    /// <summary>Writes a Confirmed.</summary>
    public static void WriteConfirmed(scoped ref WireWriter writer, in ConfirmedRecord confirmed)
    {
        WriteEntryRecord(ref writer, RecordType.Confirmed, confirmed.Directory, confirmed.Index);
        writer.WriteVarint(confirmed.Device);
        writer.WriteVarint(confirmed.Inode);
    }

    /// <summary>Reads a Confirmed.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static ConfirmedRecord ReadConfirmed(scoped ref WireReader reader) =>
        new(reader.ReadId(), reader.ReadId(), reader.ReadVarint(), reader.ReadVarint());

    /// <summary>The most bytes of a Deleted.</summary>
    public static int DeletedBound(int nameLength) => 1 + Id + 3 + nameLength + 1;

    /// <summary>Writes a Deleted; the name may be a path below the directory.</summary>
    public static void WriteDeleted(scoped ref WireWriter writer, int directory, ReadOnlySpan<byte> name, EntryType type)
    {
        writer.WriteByte((byte)RecordType.Deleted);
        writer.WriteSize(directory);
        writer.WriteBlob(name);
        writer.WriteByte((byte)type);
    }

    /// <summary>Reads a Deleted.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static DeletedRecord ReadDeleted(scoped ref WireReader reader)
    {
        int directory = reader.ReadId();
        ReadOnlySpan<byte> name = reader.ReadBlob(ProtocolLimits.MaxPath);
        WireNames.CheckRelativePath(name);
        byte type = reader.ReadByte();
        if (type != (byte)EntryType.Unknown && !EntryTypes.IsKnown(type))
        {
            Throw.Unknown("file type", type);
        }

        return new DeletedRecord { Directory = directory, Name = name, Type = (EntryType)type };
    }

    /// <summary>The most bytes of a Finished.</summary>
    public const int FinishedBound = 1 + Statistics.MaxSize;

    /// <summary>Writes a Finished.</summary>
    public static void WriteFinished(scoped ref WireWriter writer, Statistics statistics)
    {
        writer.WriteByte((byte)RecordType.Finished);
        statistics.Write(ref writer);
    }

    /// <summary>Reads a Finished.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static Statistics ReadFinished(scoped ref WireReader reader) => Statistics.Read(ref reader);
}
