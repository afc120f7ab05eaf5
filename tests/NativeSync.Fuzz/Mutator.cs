using NativeSync.Protocol;

namespace NativeSync.Fuzz;

/// <summary>Changes inputs: some blindly, some knowing numbers, frames and packs.</summary>
internal sealed class Mutator(Random random)
{
    private const int MaxInput = 1 << 16;

    private static readonly ulong[] EdgeNumbers =
    [
        0, 1, 2, 7, 8, 16, 63, 127, 128, 255, 256, 4095, 4096, 16383, 16384, 65535, 65536, 262144, 262145, 1048576, 1114112, 2097152, 2097153,
        999_999_999, 1_000_000_000, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    private static readonly byte[] EdgeBytes = [0, 1, 0x20, 0x2e, 0x2f, 0x7f, 0x80, 0x81, 0xfe, 0xff];

    /// <summary>A changed copy.</summary>
    internal byte[] Mutate(TargetKind kind, byte[] input, byte[] other)
    {
        var data = new List<byte>(input);
        for (int rounds = 1 + random.Next(4); rounds > 0; rounds--)
        {
            Once(data, other);
        }

        if (data.Count > MaxInput)
        {
            data.RemoveRange(MaxInput, data.Count - MaxInput);
        }

        byte[] result = [.. data];
        // Without this nearly every change of a length would end at the header.
        return kind == TargetKind.Frames && random.Next(4) != 0 ? Reframe(result) : result;
    }

    private void Once(List<byte> data, byte[] other)
    {
        int at = random.Next(data.Count + 1);
        int rest = data.Count - at;
        int span = Math.Min(rest, 1 + random.Next(random.Next(3) == 0 ? 64 : 8));
        switch (random.Next(10))
        {
            case 0 when rest > 0:
                data[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when rest > 0:
                data[at] = (byte)random.Next(256);
                break;
            case 2 when rest > 0:
                data[at] = EdgeBytes[random.Next(EdgeBytes.Length)];
                break;
            case 3:
                data.InsertRange(at, Number());
                break;
            case 4 when rest > 0:
                data.RemoveRange(at, NumberLength(data, at));
                data.InsertRange(at, Number());
                break;
            case 5:
                data.RemoveRange(at, span);
                break;
            case 6:
                data.InsertRange(random.Next(data.Count + 1), data.GetRange(at, span));
                break;
            case 7 when other.Length > 0:
                int from = random.Next(other.Length);
                data.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, 1 + random.Next(128))).ToArray());
                break;
            case 8:
                data.AddRange(other);
                break;
            case 9 when rest > 0:
                data[at] = (byte)(data[at] + random.Next(-8, 9));
                break;
            default:
                data.Insert(at, (byte)random.Next(256));
                break;
        }
    }

    private byte[] Number()
    {
        ulong value = random.Next(3) == 0 ? (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64) : EdgeNumbers[random.Next(EdgeNumbers.Length)];
        var writer = new WireWriter(new byte[WireWriter.MaxVarint]);
        writer.WriteVarint(value);
        return writer.Written.ToArray();
    }

    private static int NumberLength(List<byte> data, int at)
    {
        int length = 1;
        while (length < 10 && at + length < data.Count && data[at + length - 1] >= 0x80)
        {
            length++;
        }

        return length;
    }

    /// <summary>Takes everything behind the first byte for the payload of one frame, and writes lengths that fit.</summary>
    private static byte[] Reframe(byte[] data)
    {
        if (data.Length < 2)
        {
            return data;
        }

        var type = (FrameType)data[0];
        int skip = 1 + NumberLength([.. data], 1);
        ReadOnlySpan<byte> payload = data.AsSpan(Math.Min(skip, data.Length));
        int number = payload.Length > 0 ? NumberLength([.. payload], 0) : 0;
        if (type == FrameType.Records && payload.Length > number + 1 && payload[number] == (byte)RecordsCodec.Plain)
        {
            int head = number + 1 + NumberLength([.. payload], number + 1);
            ReadOnlySpan<byte> body = payload[Math.Min(head, payload.Length)..];
            var inner = new WireWriter(new byte[body.Length + RecordsFrame.MaxHeadSize]);
            inner.WriteBytes(payload[..number]);
            inner.WriteByte((byte)RecordsCodec.Plain);
            inner.WriteSize(body.Length);
            inner.WriteBytes(body);
            payload = inner.Written;
        }

        var writer = new WireWriter(new byte[payload.Length + FrameHeader.MaxSize]);
        writer.WriteByte(data[0]);
        writer.WriteSize(payload.Length);
        writer.WriteBytes(payload);
        return writer.Written.ToArray();
    }
}
