using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeSync.Engine.Delta;

/// <summary>
/// Looks for blocks of the basis at any place, by rolling checksum. False alarms and fruitless positions draw on a budget
/// (<see cref="MatchOptions.SearchBudget"/>); without budget only samples are searched.
/// </summary>
internal sealed class MovedBlockSearch(ContentWindow window, Signature signature, MatchOptions options)
{
    private readonly BlockLayout _layout = signature.Layout;
    private readonly int _block = signature.Layout.BlockSize;
    private readonly long _sampleUnit = Math.Max(2 * DeltaMatcher.MaxLookAhead, 2L * signature.Layout.BlockSize);
    private long _budget = options.SearchBudget;
    private RollingSearch _search;
    private BlockIndex? _index;

    /// <summary>Positions whose weak checksum was looked up.</summary>
    public long Searched { get; private set; }

    /// <summary>Blocks hashed.</summary>
    public long Comparisons { get; private set; }

    /// <summary>So many bytes were found in the basis: the search is worth going on with.</summary>
    public void Reward(int length) =>
        _budget = Math.Min(options.SearchBudget, Math.Max(0, _budget) + ((long)length * options.SearchReward));

    /// <summary>Rolls over the positions before <paramref name="stop"/>, each of which has a whole block behind it.</summary>
    /// <param name="stop">Where to end.</param>
    /// <param name="found">Where a block was found.</param>
    /// <param name="shift">How far it was moved.</param>
    public bool TryFind(int stop, out int found, out long shift)
    {
        found = 0;
        shift = 0;
        BlockIndex index = _index ??= Prepare();
        if (index.Count == 0 || (_budget <= 0 && window.OffsetOf(window.Position) / _sampleUnit % options.SampleOneIn != 0))
        {
            return false;
        }

        int position = window.Position;
        ReadOnlySpan<byte> data = window.Slice(0, window.End);
        uint sum = RollingChecksum.Compute(data.Slice(position, _block));
        while (true)
        {
            int passed = _search.Find(ref MemoryMarshal.GetReference(data[position..]), stop - position, ref sum);
            position += passed;
            if (position == stop)
            {
                break;
            }

            if (index.Contains(sum))
            {
                int block = Verify(index, sum, position);
                if (block >= 0)
                {
                    Account(position + 1 - window.Position);
                    found = position;
                    shift = window.OffsetOf(position) - ((long)block << _layout.BlockShift);
                    return true;
                }

                _budget -= _block; // a false alarm costs a block's hash
                if (_budget <= -options.SearchBudget)
                {
                    break;
                }
            }

            if (position + 1 == stop)
            {
                break;
            }

            sum = _search.Roll(sum, data[position], data[position + _block]);
            position++;
        }

        Account(position - window.Position);
        return false;
    }

    /// <summary>The basis block that the content at an index is, by strong hash or by its neighbour; -1 when there is none.</summary>
    private int Verify(BlockIndex blocks, uint sum, int index)
    {
        uint neighbour = 0;
        if (_layout.Paired)
        {
            if (index + (2 * _block) > window.End)
            {
                return -1;
            }

            neighbour = RollingChecksum.Compute(window.Slice(index + _block, _block));
        }

        Comparisons++;
        StrongHash strong = _layout.StrongLength == 0 ? default : StrongHash.Compute(window.Slice(index, _block), _layout.StrongLength);
        return blocks.Find(sum, strong, neighbour, options.InPlace ? window.OffsetOf(index) : 0);
    }

    private BlockIndex Prepare()
    {
        Debug.Assert(signature.Complete);
        BlockIndex index = signature.Index(options.InPlace);
        _search = new RollingSearch(index, _block);
        return index;
    }

    private void Account(int positions)
    {
        Searched += positions;
        _budget -= positions;
    }
}
