using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Fuzz;

/// <summary>A promise of the wire that an input broke.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message);

/// <summary>What an input is fed to.</summary>
internal enum TargetKind : byte
{
    /// <summary>An unpacked pack of records.</summary>
    Records = (byte)'R',
    /// <summary>A stream of frames.</summary>
    Frames = (byte)'F',
    /// <summary>A login shell's noise, the magic, a stream of frames.</summary>
    Stream = (byte)'S',
}

/// <summary>
/// The promises: whatever comes, the outcome is a value or a <see cref="ProtocolException"/>; memory stays in proportion to the input; how
/// the bytes were cut does not matter; what was decoded, encodes to something that decodes to the same.
/// </summary>
internal sealed class Targets
{
    private const long AllocationBase = 1 << 20;
    // A job of rules of one byte each is the worst: an array and a reference for two bytes of input.
    private const long AllocationPerByte = 64;

    private readonly RecordMirror _records = new();
    private readonly RecordMirror _recordsAgain = new();
    private readonly FrameMirror _frames = new();
    private readonly FrameMirror _framesAgain = new();

    /// <summary>Runs one input; returns a fingerprint of what happened.</summary>
    /// <exception cref="BrokenPromiseException">A promise was broken. Any other exception is a broken promise, too.</exception>
    internal int Run(TargetKind kind, byte[] data, Random random)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        int fingerprint = kind switch
        {
            TargetKind.Records => RunRecords(data),
            TargetKind.Frames => RunFrames(data),
            _ => RunStream(data),
        };
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllocationBase + (AllocationPerByte * data.Length))
        {
            throw new BrokenPromiseException($"{data.Length} bytes of input made {allocated} bytes of garbage");
        }

        switch (kind)
        {
            case TargetKind.Records: CompareSkip(data); break;
            case TargetKind.Frames: CompareCuts(data, random); break;
            default: CompareArrival(data, random); break;
        }

        return fingerprint ^ (int)kind;
    }

    private int RunRecords(byte[] data)
    {
        try
        {
            _records.Run(data, null);
        }
        catch (ProtocolException e)
        {
            return Refusal(_records.Fingerprint, e);
        }

        _recordsAgain.Run(_records.Output, null);
        if (!_recordsAgain.Output.SequenceEqual(_records.Output))
        {
            throw new BrokenPromiseException("what was encoded does not decode to itself");
        }

        return _records.Fingerprint;
    }

    private int RunFrames(byte[] data)
    {
        try
        {
            _frames.Run(new ReadOnlySequence<byte>(data), null);
        }
        catch (ProtocolException e)
        {
            return Refusal(_frames.Fingerprint, e);
        }

        byte[] once = _frames.Output.ToArray();
        _framesAgain.Run(new ReadOnlySequence<byte>(once), null);
        if (!_framesAgain.Output.SequenceEqual(once))
        {
            throw new BrokenPromiseException("frames that were encoded do not decode to themselves");
        }

        return _frames.Fingerprint;
    }

    private static int RunStream(byte[] data)
    {
        (string outcome, int skipped, long consumed) = Find(new ReadOnlySequence<byte>(data));
        var fingerprint = default(Fingerprint);
        fingerprint.Add(outcome);
        fingerprint.Step(consumed > 0 ? (byte)1 : (byte)0, skipped);
        return fingerprint.Value;
    }

    private static void CompareSkip(byte[] data)
    {
        static string Walk(byte[] data, Func<byte[], bool> walk)
        {
            try
            {
                walk(data);
                return "fine";
            }
            catch (ProtocolException e)
            {
                return $"{e.Kind}: {e.Message}";
            }
        }

        string read = Walk(data, d =>
        {
            new RecordMirror().Run(d, null);
            return true;
        });
        string skipped = Walk(data, d =>
        {
            var reader = new RecordReader(d);
            while (reader.TryNext(out RecordType type))
            {
                reader.Skip(type);
            }

            return true;
        });
        if (read != skipped)
        {
            throw new BrokenPromiseException($"reading gives '{read}', passing over gives '{skipped}'");
        }
    }

    private void CompareCuts(byte[] data, Random random)
    {
        string whole = Outcome(_frames, new ReadOnlySequence<byte>(data));
        string cut = Outcome(_framesAgain, Segments.Cut(data, random));
        if (whole != cut || !_frames.Output.SequenceEqual(_framesAgain.Output))
        {
            throw new BrokenPromiseException($"in one piece '{whole}', cut '{cut}'");
        }
    }

    private static string Outcome(FrameMirror mirror, in ReadOnlySequence<byte> data)
    {
        try
        {
            return $"fine, {mirror.Run(data, null)} bytes";
        }
        catch (ProtocolException e)
        {
            return $"{e.Kind}: {e.Message}";
        }
    }

    /// <summary>The magic is found at the same place whether the bytes come at once or one after the other.</summary>
    private static void CompareArrival(byte[] data, Random random)
    {
        (string whole, int skipped, long consumed) = Find(Segments.Cut(data, random));
        int noise = 0;
        int start = 0;
        int end = 0;
        string outcome = "more";
        while (end < data.Length && outcome == "more")
        {
            end = Math.Min(data.Length, end + 1 + random.Next(5));
            var reader = new SequenceReader<byte>(Segments.Cut(data.AsSpan(start, end - start), random));
            try
            {
                outcome = Magic.TryFind(ref reader, ref noise) ? "found" : "more";
            }
            catch (ProtocolException e)
            {
                outcome = e.Kind.ToString();
            }

            start += (int)reader.Consumed;
        }

        // A banner that is too long is noticed as soon as it is, so where is not the same.
        bool same = outcome == whole && (outcome == nameof(ProtocolError.NoMagic) || (noise == skipped && start == consumed));
        if (!same)
        {
            throw new BrokenPromiseException($"at once: {whole} behind {skipped} ({consumed}), piecemeal: {outcome} behind {noise} ({start})");
        }
    }

    private static (string Outcome, int Skipped, long Consumed) Find(in ReadOnlySequence<byte> data)
    {
        var reader = new SequenceReader<byte>(data);
        int skipped = 0;
        try
        {
            return (Magic.TryFind(ref reader, ref skipped) ? "found" : "more", skipped, reader.Consumed);
        }
        catch (ProtocolException e)
        {
            return (e.Kind.ToString(), skipped, reader.Consumed);
        }
    }

    private static int Refusal(int way, ProtocolException e)
    {
        var fingerprint = default(Fingerprint);
        fingerprint.Add(way);
        fingerprint.Add(e.Message);
        return fingerprint.Value;
    }
}
