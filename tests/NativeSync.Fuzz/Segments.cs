using System.Buffers;

namespace NativeSync.Fuzz;

/// <summary>The same bytes in pieces, as a pipe would deliver them.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(ReadOnlyMemory<byte> memory, long index)
    {
        Memory = memory;
        RunningIndex = index;
    }

    /// <summary>Cuts at random; empty pieces happen, too. Every piece is a copy of its own, so that a read beyond its end is seen.</summary>
    internal static ReadOnlySequence<byte> Cut(ReadOnlySpan<byte> data, Random random)
    {
        int longest = random.Next(4) switch { 0 => 1, 1 => 3, 2 => 17, _ => Math.Max(1, data.Length) };
        Segments? first = null;
        Segments? last = null;
        int at = 0;
        do
        {
            int take = Math.Min(data.Length - at, random.Next(longest + 1));
            var next = new Segments(data.Slice(at, take).ToArray(), at);
            first ??= next;
            if (last is not null)
            {
                last.Next = next;
            }

            last = next;
            at += take;
        }
        while (at < data.Length);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
