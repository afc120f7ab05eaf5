using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>Client to agent: what to do (docs/protocol.md, "Job").</summary>
public sealed class JobFrame
{
    internal const JobFlags KnownFlags = (JobFlags)(((1UL << 40) - 1) | (0x1fffffUL << 42));
    internal const SourceOptions KnownSourceOptions = (SourceOptions)0x3ff;
    private const byte IgnorableFrom = 0x80;

    /// <summary>What to do.</summary>
    public required JobKind Kind { get; init; }
    /// <summary>Its switches.</summary>
    public required JobFlags Flags { get; init; }
    /// <summary>Its numbers, each at most once.</summary>
    public IReadOnlyList<KeyValuePair<JobNumber, long>> Numbers { get; init; } = [];
    /// <summary>Its texts, each at most once, without NUL.</summary>
    public IReadOnlyList<KeyValuePair<JobText, byte[]>> Texts { get; init; } = [];
    /// <summary>Source paths at the agent (pull, manifest): not empty, without NUL.</summary>
    public IReadOnlyList<byte[]> Sources { get; init; } = [];
    /// <summary>Filter rules in --filter syntax, first match wins: not empty, without NUL.</summary>
    public IReadOnlyList<byte[]> Rules { get; init; } = [];
    /// <summary>32 random bytes that a further lane must show. Never logged.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>The number, or <paramref name="otherwise"/> when the job has none.</summary>
    public long Number(JobNumber id, long otherwise = 0)
    {
        foreach ((JobNumber key, long value) in Numbers)
        {
            if (key == id)
            {
                return value;
            }
        }

        return otherwise;
    }

    /// <summary>The text, or null when the job has none.</summary>
    public byte[]? Text(JobText id)
    {
        foreach ((JobText key, byte[] value) in Texts)
        {
            if (key == id)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Reads the payload. Options that are unknown but may be ignored are kept.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static JobFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        byte kind = reader.ReadByte();
        if (kind is < (byte)JobKind.Push or > (byte)JobKind.Command)
        {
            Throw.Unknown("job", kind);
        }

        JobFlags flags = ReadFlags(ref reader);
        var numbers = new KeyValuePair<JobNumber, long>[reader.ReadCount(ProtocolLimits.MaxJobOptions)];
        UInt128 seenLow = 0, seenHigh = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            byte id = ReadId(ref reader, (byte)JobNumber.Lanes, "number", ref seenLow, ref seenHigh);
            long number = reader.ReadSigned();
            if ((JobNumber)id == JobNumber.SourceOptions && (number & ~(long)KnownSourceOptions) != 0)
            {
                Throw.Unknown("source options", (ulong)number);
            }

            numbers[i] = new((JobNumber)id, number);
        }

        var texts = new KeyValuePair<JobText, byte[]>[reader.ReadCount(ProtocolLimits.MaxJobOptions)];
        seenLow = seenHigh = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            byte id = ReadId(ref reader, (byte)JobText.ChecksumIndex, "text", ref seenLow, ref seenHigh);
            ReadOnlySpan<byte> text = reader.ReadBlob(ProtocolLimits.MaxPath);
            WireNames.CheckNoNul(text, "a text of the job");
            texts[i] = new((JobText)id, text.ToArray());
        }

        byte[][] sources = ReadList(ref reader, ProtocolLimits.MaxSources, "a source");
        byte[][] rules = ReadList(ref reader, ProtocolLimits.MaxRules, "a filter rule");
        byte[] secret = reader.ReadBytes(ProtocolLimits.SecretLength).ToArray();
        reader.ExpectEnd();
        return new JobFrame { Kind = (JobKind)kind, Flags = flags, Numbers = numbers, Texts = texts, Sources = sources, Rules = rules, Secret = secret };
    }

    /// <summary>Writes header and payload.</summary>
    /// <exception cref="ArgumentException">More than a frame may hold: too many sources or rules.</exception>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Secret.Length, ProtocolLimits.SecretLength);
        long size = 32 + Secret.Length + (Numbers.Count * (1 + WireWriter.MaxVarint));
        foreach ((_, byte[] text) in Texts)
        {
            size += 1 + WireWriter.BlobSize(text.Length);
        }

        foreach (byte[] item in Sources.Concat(Rules))
        {
            size += WireWriter.BlobSize(item.Length);
        }

        if (size > ProtocolLimits.MaxPayload || Rules.Count > ProtocolLimits.MaxRules || Sources.Count > ProtocolLimits.MaxSources)
        {
            throw new ArgumentException($"{Sources.Count} sources and {Rules.Count} filter rules are more than one job can carry ({ProtocolLimits.MaxPayload} bytes): use fewer");
        }

        WireWriter wire = FrameBuilder.Begin(writer, (int)size, out Span<byte> room);
        wire.WriteByte((byte)Kind);
        wire.WriteVarint((ulong)Flags);
        wire.WriteSize(Numbers.Count);
        foreach ((JobNumber id, long number) in Numbers)
        {
            wire.WriteByte((byte)id);
            wire.WriteSigned(number);
        }

        wire.WriteSize(Texts.Count);
        foreach ((JobText id, byte[] text) in Texts)
        {
            wire.WriteByte((byte)id);
            wire.WriteBlob(text);
        }

        WriteList(ref wire, Sources);
        WriteList(ref wire, Rules);
        wire.WriteBytes(Secret);
        FrameBuilder.End(writer, room, FrameType.Job, wire.Position);
    }

    internal static JobFlags ReadFlags(ref WireReader reader)
    {
        ulong flags = reader.ReadVarint();
        if ((flags & ~(ulong)KnownFlags) != 0)
        {
            Throw.Unknown("job flags", flags & ~(ulong)KnownFlags);
        }

        return (JobFlags)flags;
    }

    private static byte ReadId(ref WireReader reader, byte last, string what, ref UInt128 low, ref UInt128 high)
    {
        byte id = reader.ReadByte();
        if (id == 0 || (id > last && id < IgnorableFrom))
        {
            Throw.Unknown($"job {what}", id);
        }

        ref UInt128 seen = ref (id < 128 ? ref low : ref high);
        UInt128 bit = UInt128.One << (id & 127);
        if ((seen & bit) != 0)
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, $"job {what} {id} comes twice");
        }

        seen |= bit;
        return id;
    }

    private static byte[][] ReadList(ref WireReader reader, int max, string what)
    {
        var list = new byte[reader.ReadCount(max)][];
        for (int i = 0; i < list.Length; i++)
        {
            ReadOnlySpan<byte> item = reader.ReadBlob(ProtocolLimits.MaxPath);
            if (item.IsEmpty)
            {
                Throw.Protocol(ProtocolError.LengthOutOfRange, $"{what} of the job is empty");
            }

            WireNames.CheckNoNul(item, $"{what} of the job");
            list[i] = item.ToArray();
        }

        return list;
    }

    private static void WriteList(ref WireWriter wire, IReadOnlyList<byte[]> items)
    {
        wire.WriteSize(items.Count);
        foreach (byte[] item in items)
        {
            wire.WriteBlob(item);
        }
    }
}
