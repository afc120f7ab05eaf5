using System.Buffers;
using System.Text;
using NativeSync.Protocol;

namespace NativeSync.Fuzz;

/// <summary>Decodes frames, with the records of plain packs, encodes them again and says what they were.</summary>
internal sealed class FrameMirror
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly RecordMirror _records = new();
    private Fingerprint _fingerprint;

    /// <summary>The frames, encoded again.</summary>
    internal ReadOnlySpan<byte> Output => _output.WrittenSpan;

    /// <summary>The types and sizes that came, as a fingerprint of the path taken.</summary>
    internal int Fingerprint => _fingerprint.Value;

    /// <summary>Decodes as many whole frames as there are; returns how many bytes they take.</summary>
    internal long Run(in ReadOnlySequence<byte> stream, StringBuilder? text)
    {
        _output.ResetWrittenCount();
        _fingerprint = default;
        var reader = new SequenceReader<byte>(stream);
        while (FrameHeader.TryReadFrame(ref reader, out FrameHeader header, out ReadOnlySequence<byte> payload))
        {
            Mirror(header, payload, text);
            _fingerprint.Step((byte)header.Type, header.Length);
        }

        return reader.Consumed;
    }

    private void Mirror(FrameHeader header, in ReadOnlySequence<byte> sequence, StringBuilder? text)
    {
        if (header.Type == FrameType.Records)
        {
            MirrorRecords(sequence, text);
            return;
        }

        ReadOnlySpan<byte> payload = sequence.IsSingleSegment ? sequence.FirstSpan : sequence.ToArray();
        string? said = null;
        switch (header.Type)
        {
            case FrameType.Hello:
                HelloFrame hello = HelloFrame.Parse(payload);
                hello.Write(_output);
                said = text is null ? null : $"Hello versions {hello.MinVersion} to {hello.MaxVersion} capabilities 0x{(ulong)hello.Capabilities:x} role {hello.Role} build {WireText.Bytes(hello.Build)} credit {hello.Credit} session {WireText.Digest(hello.Session)}";
                break;
            case FrameType.Join:
                JoinFrame join = JoinFrame.Parse(payload);
                join.Write(_output);
                said = text is null ? null : $"Join session {WireText.Digest(join.Session)} secret {Convert.ToHexStringLower(join.Secret)} lane {join.Lane}";
                break;
            case FrameType.Job:
                JobFrame job = JobFrame.Parse(payload);
                job.Write(_output);
                said = text is null ? null : $"Job {job.Kind} flags 0x{(ulong)job.Flags:x} numbers [{string.Join(", ", job.Numbers.Select(n => $"{n.Key} {n.Value}"))}]"
                    + $" texts [{string.Join(", ", job.Texts.Select(t => $"{t.Key} {WireText.Bytes(t.Value)}"))}]"
                    + $" sources [{string.Join(", ", job.Sources.Select(s => WireText.Bytes(s)))}] rules [{string.Join(", ", job.Rules.Select(s => WireText.Bytes(s)))}]"
                    + $" secret {Convert.ToHexStringLower(job.Secret)}";
                break;
            case FrameType.Ready:
                ReadyFrame ready = ReadyFrame.Parse(payload);
                ready.Write(_output);
                said = text is null ? null : $"Ready flags 0x{(ulong)ready.Flags:x} code {ready.Code} text {WireText.Bytes(ready.Text)}";
                break;
            case FrameType.Credit:
                CreditFrame credit = CreditFrame.Parse(payload);
                credit.Write(_output);
                said = text is null ? null : $"Credit bytes {credit.Bytes}";
                break;
            case FrameType.Ping:
                PingFrame ping = PingFrame.Parse(payload);
                ping.Write(_output);
                said = text is null ? null : $"Ping nonce {ping.Nonce}";
                break;
            case FrameType.Arrived:
                ArrivedFrame arrived = ArrivedFrame.Parse(payload);
                arrived.Write(_output);
                said = text is null ? null : $"Arrived packs {arrived.Packs}";
                break;
            case FrameType.Limit:
                LimitFrame limit = LimitFrame.Parse(payload);
                limit.Write(_output);
                said = text is null ? null : $"Limit bytes per second {limit.BytesPerSecond}";
                break;
            case FrameType.Pong:
                PongFrame pong = PongFrame.Parse(payload);
                pong.Write(_output);
                said = text is null ? null : $"Pong nonce {pong.Nonce}";
                break;
            case FrameType.Abort:
                AbortFrame abort = AbortFrame.Parse(payload);
                abort.Write(_output);
                said = text is null ? null : $"Abort code {abort.Code} text {WireText.Bytes(abort.Text)}";
                break;
            case FrameType.Goodbye:
                GoodbyeFrame.Parse(payload).Write(_output);
                said = text is null ? null : "Goodbye";
                break;
            default:
                throw new InvalidOperationException($"{header.Type} is known to the reader and not to this mirror");
        }

        text?.Append(text.Length > 0 ? "; " : "").Append(said);
    }

    private void MirrorRecords(in ReadOnlySequence<byte> payload, StringBuilder? text)
    {
        RecordsFrame frame = RecordsFrame.Parse(payload, out ReadOnlySequence<byte> body);
        if (!frame.IsPlain)
        {
            ReadOnlySpan<byte> packed = body.ToArray();
            frame.Write(_output, packed);
            text?.Append(text.Length > 0 ? "; " : "").Append("Records number ").Append(frame.Number).Append(' ').Append(frame.Codec).Append(" raw ").Append(frame.RawLength)
                .Append(' ').Append(Convert.ToHexStringLower(packed));
            return;
        }

        StringBuilder? inner = text is null ? null : new StringBuilder();
        _records.Run(body.IsSingleSegment ? body.FirstSpan : body.ToArray(), inner);
        // Short lists of statistics grow when they are written again.
        if (_records.Output.Length <= ProtocolLimits.MaxRawRecords)
        {
            (frame with { RawLength = _records.Output.Length }).Write(_output, _records.Output);
        }

        _fingerprint.Add(_records.Fingerprint);
        text?.Append(text.Length > 0 ? "; " : "").Append("Records number ").Append(frame.Number).Append(" plain raw ").Append(frame.RawLength).Append(": ").Append(inner);
    }
}
