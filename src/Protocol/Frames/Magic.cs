using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>The eight bytes that each direction of each lane starts with (docs/protocol.md, "Magic").</summary>
public static class Magic
{
    /// <summary>NUL "NSYNC" CR LF: no banner starts so, and a terminal that translates line ends spoils it.</summary>
    public static ReadOnlySpan<byte> Bytes => "\0NSYNC\r\n"u8;

    /// <summary>
    /// Looks for the magic behind the noise of a login shell. True: the reader stands behind the magic. False: the noise has been
    /// passed, all but a possible beginning of the magic, and more data is needed.
    /// </summary>
    /// <param name="reader">What has come and was not yet looked at.</param>
    /// <param name="skipped">Bytes of noise passed so far, over all calls. Start with 0.</param>
    /// <exception cref="ProtocolException">64 KiB without the magic.</exception>
    public static bool TryFind(ref SequenceReader<byte> reader, ref int skipped)
    {
        while (true)
        {
            ReadOnlySequence<byte> rest = reader.UnreadSequence;
            SequencePosition? nul = rest.PositionOf(Bytes[0]);
            long noise = nul is { } at ? rest.Slice(0, at).Length : rest.Length;
            reader.Advance(noise);
            Count(ref skipped, noise);
            if (nul is null)
            {
                return false;
            }

            if (reader.IsNext(Bytes, advancePast: true))
            {
                return true;
            }

            if (reader.Remaining < Bytes.Length && IsBeginning(reader.UnreadSequence))
            {
                return false;
            }

            // A NUL of the noise itself.
            reader.Advance(1);
            Count(ref skipped, 1);
        }
    }

    /// <summary>Reads the magic with nothing before it, as an agent does. On false the reader has not moved and needs more data.</summary>
    /// <exception cref="ProtocolException">Anything else came.</exception>
    public static bool TryRead(ref SequenceReader<byte> reader)
    {
        if (reader.IsNext(Bytes, advancePast: true))
        {
            return true;
        }

        if (reader.Remaining >= Bytes.Length || !IsBeginning(reader.UnreadSequence))
        {
            Throw.Protocol(ProtocolError.NoMagic, "the other end does not speak NativeSync: `nativesync serve` is started by NativeSync itself");
        }

        return false;
    }

    /// <summary>Writes the magic.</summary>
    public static void Write(IBufferWriter<byte> writer) => writer.Write(Bytes);

    private static bool IsBeginning(in ReadOnlySequence<byte> data)
    {
        Span<byte> first = stackalloc byte[Bytes.Length];
        first = first[..(int)Math.Min(data.Length, first.Length)];
        data.Slice(0, first.Length).CopyTo(first);
        return Bytes.StartsWith(first);
    }

    private static void Count(ref int skipped, long noise)
    {
        if (skipped + noise > ProtocolLimits.MaxBanner)
        {
            Throw.Protocol(ProtocolError.NoMagic, $"no answer of NativeSync among the first {ProtocolLimits.MaxBanner} bytes from the other end: is its shell printing something endless?");
        }

        skipped += (int)noise;
    }
}
