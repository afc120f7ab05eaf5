namespace NativeSync.Engine.Delta;

/// <summary>
/// Whether a content has anything in common with a large basis, of which the sample alone has come (<see cref="BlockOrder"/>): if not, the rest
/// of the signature is not worth reading the basis for.
/// </summary>
/// <remarks>
/// <para>Looked at are the pieces of the sample at their own places, of each the first blocks, and windows all over the content, in which blocks of
/// the sample are searched at any offset. From window to window the place between two pieces goes on by the golden ratio: after 21 of them no gap
/// is wider than 1/18, and a piece is 1/16, so whatever the shift is, one lies over a piece.</para>
/// <para>Seen is what stayed in its place and is 1/31 of the basis in one stretch, and what moved and is a tenth of the longer of
/// both. Where it lies in the content does not matter: the first part may be new. Of many short stretches, each of 352 windows sees one with a chance
/// of 1/16.</para>
/// <para>What a false decision costs at worst: that tenth travels although it was there. What the comparison costs when nothing is
/// found: 2 MiB hashed and 14 MiB searched, of a content of 1 GiB; whatever is found ends it.</para>
/// </remarks>
internal static class SampleComparison
{
    /// <summary>Of each piece: what was changed is seldom every one of so many neighbours.</summary>
    private const int BlocksInPlace = 16;

    /// <summary>Eleven from piece to piece, so that any two stretches between pieces have the 21 that it takes.</summary>
    private const int Windows = 11 * BlockOrder.Pieces;

    /// <summary>Blocks that may begin in a window, each place of which is tried.</summary>
    private const int WindowBlocks = 8;

    /// <summary>One more, and its neighbour.</summary>
    private const int WindowOverhang = 2;

    /// <summary>What all windows together may search in vain is eleven times what one file may, and no more, whatever sample is sent.</summary>
    private static readonly MatchOptions s_search = new() { SearchBudget = MatchOptions.Default.SearchBudget / BlockOrder.Pieces };

    /// <summary>Whether a block of the sample is found; also when the content cannot be read, which who sends it will find.</summary>
    public static bool FindsAnything<TSource>(ref TSource source, long size, Signature signature)
        where TSource : struct, IByteSource
        => FindsInPlace(ref source, size, signature) || FindsMoved(ref source, size, signature);

    private static bool FindsInPlace<TSource>(ref TSource source, long size, Signature signature)
        where TSource : struct, IByteSource
    {
        BlockLayout layout = signature.Layout;
        BlockOrder order = layout.Order;
        for (int piece = 0; piece < BlockOrder.Pieces; piece++)
        {
            int first = piece * order.Segment;
            long offset = (long)first << layout.BlockShift;
            int count = (int)Math.Min(Math.Min(BlocksInPlace, order.Piece), (size - offset) >> layout.BlockShift);
            if (count <= 0)
            {
                break;
            }

            using ContentWindow window = new(count << layout.BlockShift, count << layout.BlockShift);
            if (Fill(window, ref source, offset) < 0)
            {
                return true;
            }

            for (int i = 0; i < window.End >> layout.BlockShift; i++)
            {
                var block = window.Slice(i << layout.BlockShift, layout.BlockSize);
                if (signature.Matches(first + i, block) && !IsZero(block))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool FindsMoved<TSource>(ref TSource source, long size, Signature signature)
        where TSource : struct, IByteSource
    {
        BlockLayout layout = signature.Layout;
        Signature sample = signature.Sample();
        long stretch = Math.Min((long)layout.Order.Segment << layout.BlockShift, size);
        long span = (long)WindowBlocks << layout.BlockShift;
        int length = (int)Math.Min(span + (WindowOverhang * layout.BlockSize), size);
        bool all = size <= Windows * span;
        for (int i = 0; i < Windows && (!all || i * span < size); i++)
        {
            long offset = all ? i * span : Place(i, size, stretch);
            using ContentWindow window = new(length, length);
            if (Fill(window, ref source, Math.Min(offset, size - length)) < 0)
            {
                return true;
            }

            int stop = window.End - layout.BlockSize + 1;
            MovedBlockSearch search = new(window, sample, s_search);
            while (window.Position < stop && search.TryFind(stop, out int found, out _))
            {
                if (!IsZero(window.Slice(found, layout.BlockSize)))
                {
                    return true;
                }

                window.Position = found + layout.BlockSize;
            }
        }

        return false;
    }

    /// <summary>Zeros are in every large file, and are not sent whatever the basis has.</summary>
    private static bool IsZero(ReadOnlySpan<byte> block) => block.IndexOfAnyExcept((byte)0) < 0;

    /// <summary>Windows are as dense everywhere; within a stretch as long as from piece to piece, each is the golden ratio further than the one before.</summary>
    private static long Place(int window, long size, long stretch)
    {
        long even = size / Windows * window;
        long golden = unchecked((uint)window * 0x9E3779B1u) >> 16;
        return even - (even % stretch) + ((stretch * golden) >> 16);
    }

    private static int Fill<TSource>(ContentWindow window, ref TSource source, long offset)
        where TSource : struct, IByteSource
    {
        Shifted<TSource> from = new(source, offset);
        return window.Fill(ref from);
    }

    private readonly struct Shifted<TSource>(TSource source, long by) : IByteSource
        where TSource : struct, IByteSource
    {
        private readonly TSource _source = source;

        public int Read(long offset, Span<byte> destination)
        {
            TSource from = _source;
            return from.Read(by + offset, destination);
        }
    }
}
