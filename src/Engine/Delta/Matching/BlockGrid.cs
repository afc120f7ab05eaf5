namespace NativeSync.Engine.Delta;

/// <summary>
/// The places of a content at which blocks of the basis lie when everything is shifted by the same number of bytes. On a grid a block is
/// compared with the one place where it is expected, by one hash, and never twice.
/// </summary>
internal sealed class BlockGrid(ContentWindow window, Signature signature, bool inPlace)
{
    private readonly BlockLayout _layout = signature.Layout;

    // Grid points before this content offset have been compared in vain.
    private long _compared;

    /// <summary>Content offset less basis offset.</summary>
    public long Shift { get; private set; }

    /// <summary>Blocks hashed.</summary>
    public long Comparisons { get; private set; }

    /// <summary>The grid is another one from now on.</summary>
    public void MoveTo(long shift)
    {
        if (shift != Shift)
        {
            Shift = shift;
            _compared = 0;
        }
    }

    /// <summary>Whether the content at an index is the block of the basis that the grid has there.</summary>
    public bool Matches(int index)
    {
        long content = window.OffsetOf(index);
        long offset = content - Shift;
        if (content < _compared || offset < 0 || offset >= _layout.BasisLength || (offset & (_layout.BlockSize - 1)) != 0)
        {
            return false;
        }

        if (inPlace && Shift > 0)
        {
            return false;
        }

        int block = (int)(offset >> _layout.BlockShift);
        int length = _layout.LengthOf(block);
        if (!signature.Has(block) || length > window.End - index)
        {
            return false;
        }

        if (IsBlock(block, index, length))
        {
            return true;
        }

        _compared = content + 1;
        return false;
    }

    /// <summary>The first match behind the position and at or before <paramref name="limit"/>; int.MaxValue when there is none.</summary>
    public int Next(int limit)
    {
        long firstBlock = ((window.OffsetOf(window.Position) - Shift) >> _layout.BlockShift) + 1;
        if (firstBlock >= _layout.BlockCount || (inPlace && Shift > 0))
        {
            return int.MaxValue;
        }

        if (firstBlock < 0)
        {
            firstBlock = 0;
        }

        for (long index = window.IndexOf((firstBlock << _layout.BlockShift) + Shift); index <= limit && index < window.End; index += _layout.BlockSize)
        {
            if (Matches((int)index))
            {
                return (int)index;
            }
        }

        return int.MaxValue;
    }

    /// <summary>At the end of the content: whether the short last block of the basis ends it too.</summary>
    public bool MatchesTail(out int index)
    {
        int length = _layout.TailLength;
        index = window.End - length;
        if (length == 0 || index < window.Position || !signature.Has(_layout.FullBlockCount))
        {
            return false;
        }

        long basisOffset = _layout.BasisLength - length;
        return (!inPlace || basisOffset >= window.OffsetOf(index)) && IsBlock((int)_layout.FullBlockCount, index, length);
    }

    private bool IsBlock(int block, int index, int length)
    {
        Comparisons++;
        return signature.Matches(block, window.Slice(index, length));
    }
}
