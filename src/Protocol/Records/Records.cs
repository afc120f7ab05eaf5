namespace NativeSync.Protocol;

/// <summary>
/// Writes and reads records (docs/protocol.md, "Records of the sender", "Records of the receiver"). Each Write writes type and fields
/// and needs at most the matching Bound; each Read reads the fields behind the type and checks every one. Spans in what is read
/// borrow from the pack.
/// </summary>
public static partial class Records
{
    private const int Id = 5;
    private const int Size = 9;
    private const int Digest = 16;

    /// <summary>Who may send this type; None for unknown ones.</summary>
    public static RecordSide SideOf(RecordType type) => type switch
    {
        >= RecordType.Root and <= RecordType.NoDelta => RecordSide.Sender,
        >= RecordType.Answer and <= RecordType.Finished => RecordSide.Receiver,
        RecordType.Note => RecordSide.Both,
        RecordType.NameList or RecordType.Confirmed => RecordSide.Receiver,
        _ => RecordSide.None,
    };

    /// <summary>Checks and passes the fields of one record.</summary>
    /// <exception cref="ProtocolException">Malformed, or an unknown type.</exception>
    public static void Skip(scoped ref WireReader reader, RecordType type)
    {
        switch (type)
        {
            case RecordType.Root: ReadRoot(ref reader); break;
            case RecordType.Probe: ReadProbe(ref reader); break;
            case RecordType.Close: ReadClose(ref reader); break;
            case RecordType.Entries: SkipEntries(ref reader); break;
            case RecordType.Whole: ReadWhole(ref reader); break;
            case RecordType.FileBegin: ReadFileBegin(ref reader); break;
            case RecordType.Literal: ReadLiteral(ref reader); break;
            case RecordType.Copy: ReadCopy(ref reader); break;
            case RecordType.Hole: ReadHole(ref reader); break;
            case RecordType.FileEnd: ReadFileEnd(ref reader); break;
            case RecordType.FileFailed: ReadFileFailed(ref reader); break;
            case RecordType.Problem or RecordType.ReceiverProblem: ReadProblem(ref reader); break;
            case RecordType.EndOfTree or RecordType.Finished: Statistics.Read(ref reader); break;
            case RecordType.Identity: ReadIdentity(ref reader); break;
            case RecordType.Same: ReadSame(ref reader); break;
            case RecordType.Different: ReadDifferent(ref reader); break;
            case RecordType.TreeDigest: ReadTreeDigest(ref reader); break;
            case RecordType.NoDelta: ReadNoDelta(ref reader); break;
            case RecordType.Answer: ReadAnswer(ref reader); break;
            case RecordType.Want: ReadWant(ref reader); break;
            case RecordType.WantDelta: ReadWantDelta(ref reader); break;
            case RecordType.Signature: ReadSignature(ref reader); break;
            case RecordType.Compare: ReadCompare(ref reader); break;
            case RecordType.Settled: ReadSettled(ref reader); break;
            case RecordType.Outcome: ReadOutcome(ref reader); break;
            case RecordType.Deleted: ReadDeleted(ref reader); break;
            case RecordType.Note: ReadNote(ref reader); break;
            case RecordType.NameList: ReadNameList(ref reader); break;
            case RecordType.Confirmed: ReadConfirmed(ref reader); break;
            default: Throw.Protocol(ProtocolError.UnknownRecord, $"record type 0x{(byte)type:x2} is not known to protocol version {ProtocolVersion.Current}"); break;
        }
    }

    private static void SkipEntries(scoped ref WireReader reader)
    {
        EntriesRecord entries = ReadEntries(ref reader);
        var decoder = new EntryDecoder();
        for (int i = 0; i < entries.Count; i++)
        {
            decoder.Read(ref reader);
        }
    }

    private static byte ReadFlags(scoped ref WireReader reader, byte known, string what)
    {
        byte flags = reader.ReadByte();
        if ((flags & ~known) != 0)
        {
            Throw.Unknown(what, flags);
        }

        return flags;
    }

    private static byte ReadEnum(scoped ref WireReader reader, byte last, string what)
    {
        byte value = reader.ReadByte();
        if (value > last)
        {
            Throw.Unknown(what, value);
        }

        return value;
    }

    private static long ReadLength(scoped ref WireReader reader, string what)
    {
        long length = reader.ReadSize();
        if (length == 0)
        {
            Throw.Value(what, 0);
        }

        return length;
    }

    /// <summary>The most bytes of a Note, whose text is cut at 4096 bytes.</summary>
    public static int NoteBound(int textLength) => 1 + 1 + 2 + Math.Min(textLength, ProtocolLimits.MaxText);

    /// <summary>Writes a Note; a longer text is cut.</summary>
    public static void WriteNote(scoped ref WireWriter writer, NoteLevel level, ReadOnlySpan<byte> text)
    {
        writer.WriteByte((byte)RecordType.Note);
        writer.WriteByte((byte)level);
        writer.WriteBlob(text[..Math.Min(text.Length, ProtocolLimits.MaxText)]);
    }

    /// <summary>Reads a Note.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static NoteRecord ReadNote(scoped ref WireReader reader) => new()
    {
        Level = (NoteLevel)ReadEnum(ref reader, (byte)NoteLevel.Error, "note level"),
        Text = reader.ReadBlob(ProtocolLimits.MaxText),
    };

    /// <summary>The most bytes of a Problem, whose path is cut at 64 KiB.</summary>
    public static int ProblemBound(int pathLength) => 1 + 2 + 1 + 1 + 3 + Math.Min(pathLength, ProtocolLimits.MaxPath) + 2 + ProtocolLimits.MaxXattrName;

    /// <summary>Writes a problem; a longer path is cut.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="type">Problem from the sender, ReceiverProblem from the receiver.</param>
    /// <param name="errno">Linux's number; 0 when there is none.</param>
    /// <param name="operation">What was attempted.</param>
    /// <param name="flags">How grave it is.</param>
    /// <param name="path">Relative to the root.</param>
    /// <param name="detail">The attribute, where the problem is with one; otherwise empty.</param>
    public static void WriteProblem(
        scoped ref WireWriter writer, RecordType type, int errno, Operation operation, ProblemFlags flags, ReadOnlySpan<byte> path, ReadOnlySpan<byte> detail = default)
    {
        if (type is not (RecordType.Problem or RecordType.ReceiverProblem))
        {
            throw new ArgumentOutOfRangeException(nameof(type));
        }

        writer.WriteByte((byte)type);
        writer.WriteVarint((ulong)Math.Clamp(errno, 0, ProtocolLimits.MaxErrno));
        writer.WriteByte((byte)operation);
        writer.WriteByte((byte)flags);
        writer.WriteBlob(path[..Math.Min(path.Length, ProtocolLimits.MaxPath)]);
        writer.WriteBlob(detail[..Math.Min(detail.Length, ProtocolLimits.MaxXattrName)]);
    }

    /// <summary>Reads a problem of either side.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static ProblemRecord ReadProblem(scoped ref WireReader reader) => new()
    {
        Errno = reader.ReadLimited(ProtocolLimits.MaxErrno),
        Operation = (Operation)ReadEnum(ref reader, (byte)Operation.Batch, "operation"),
        Flags = (ProblemFlags)ReadFlags(ref reader, (byte)ProblemFlags.Warning, "problem flags"),
        Path = reader.ReadBlob(ProtocolLimits.MaxPath),
        Detail = reader.ReadBlob(ProtocolLimits.MaxXattrName),
    };
}
