using System.Numerics;

namespace NativeSync.Engine.Delta;

/// <summary>
/// Finds the blocks of a signature by weak checksum: a filter of single bits that says no to nearly every position of a search
/// from the cache, and an open-addressing table behind it. Where the layout is paired, a block counts as equal to another, and is found, only together
/// with the checksum of the block behind it.
/// </summary>
/// <remarks>
/// Bounds against hostile or merely regular signatures: equal blocks are folded into one, at most <see cref="MaxCandidates"/>
/// different blocks share a weak checksum, and a block whose slot is more than <see cref="MaxProbes"/> away from its place is left out
/// (it is still found by the same-offset comparison). Building is linear, a look-up constant.
/// </remarks>
internal sealed class BlockIndex
{
    /// <summary>Different blocks that may share a weak checksum; among n blocks even two do with probability n/2^32 only.</summary>
    public const int MaxCandidates = 8;

    /// <summary>With half of the slots empty an honest probe takes 1.5 steps; 64 does not happen by chance.</summary>
    public const int MaxProbes = 64;

    /// <summary>Keys a 64-bit word of the filter: of its 64 bits some 8 are then set, and two of them are asked: 1.5 % false alarms.</summary>
    private const int KeysPerFilterWord = 2;

    /// <summary>Knuth's golden ratio; spreads what the polynomial's top bits leave regular.</summary>
    private const uint SlotFactor = 0x9E3779B1;

    private readonly Signature _signature;
    private readonly int[] _slots; // block + 1; 0 = empty
    private readonly int _slotShift;
    private readonly bool _paired;

    public BlockIndex(Signature signature, bool preferLast)
    {
        _signature = signature;
        PrefersLast = preferLast;
        _paired = signature.Layout.Paired;
        int count = Math.Max(0, (int)signature.Layout.FullBlockCount - (_paired ? 1 : 0)); // a block without neighbour cannot be found
        int slotBits = Math.Max(4, BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, count))) + 1);
        _slots = new int[1 << slotBits];
        _slotShift = 32 - slotBits;
        int filterBits = Math.Max(4, slotBits - 1 - BitOperations.Log2(KeysPerFilterWord));
        Filter = new ulong[1 << filterBits];
        FilterShift = 32 - filterBits;
        for (int block = 0; block < count; block++)
        {
            Insert(block);
        }
    }

    /// <summary>Of equal blocks the last is kept.</summary>
    public bool PrefersLast { get; }

    /// <summary>Blocks that can be found.</summary>
    public int Count { get; private set; }

    /// <summary>Words of the filter; a checksum c asks bits (c &amp; 63) and ((c >> 6) &amp; 63) of word (c >> <see cref="FilterShift"/>).</summary>
    public ulong[] Filter { get; }

    /// <summary>See <see cref="Filter"/>.</summary>
    public int FilterShift { get; }

    /// <summary>False means that no block has this checksum.</summary>
    public bool MayContain(uint weak)
    {
        ulong word = Filter[weak >> FilterShift];
        return (word >> (int)(weak & 63) & word >> (int)((weak >> 6) & 63) & 1) != 0;
    }

    /// <summary>Any block has this checksum.</summary>
    public bool Contains(uint weak)
    {
        int mask = _slots.Length - 1;
        int slot = SlotOf(weak);
        for (int probe = 0; probe < MaxProbes; probe++, slot = (slot + 1) & mask)
        {
            int block = _slots[slot] - 1;
            if (block < 0)
            {
                return false;
            }

            if (_signature.Weak(block) == weak)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The block with this checksum and hash, and (when the layout is paired) with this checksum of the block behind it, at offset
    /// <paramref name="minOffset"/> of the basis or later; -1 when there is none.
    /// </summary>
    public int Find(uint weak, in StrongHash strong, uint neighbour, long minOffset)
    {
        int mask = _slots.Length - 1;
        int slot = SlotOf(weak);
        for (int probe = 0; probe < MaxProbes; probe++, slot = (slot + 1) & mask)
        {
            int block = _slots[slot] - 1;
            if (block < 0)
            {
                return -1;
            }

            if (_signature.Weak(block) == weak
                && _signature.StrongEquals(block, strong)
                && (!_paired || _signature.Weak(block + 1) == neighbour)
                && (long)block << _signature.Layout.BlockShift >= minOffset)
            {
                return block;
            }
        }

        return -1;
    }

    private int SlotOf(uint weak) => (int)(weak * SlotFactor >> _slotShift);

    private void Insert(int block)
    {
        uint weak = _signature.Weak(block);
        int mask = _slots.Length - 1;
        int slot = SlotOf(weak);
        int candidates = 0;
        for (int probe = 0; probe < MaxProbes; probe++, slot = (slot + 1) & mask)
        {
            int other = _slots[slot] - 1;
            if (other < 0)
            {
                _slots[slot] = block + 1;
                Filter[weak >> FilterShift] |= 1UL << (int)(weak & 63) | 1UL << (int)((weak >> 6) & 63);
                Count++;
                return;
            }

            if (_signature.Weak(other) != weak)
            {
                continue;
            }

            if (_signature.SameBlock(other, block) && (!_paired || _signature.Weak(other + 1) == _signature.Weak(block + 1)))
            {
                if (PrefersLast)
                {
                    _slots[slot] = block + 1;
                }

                return;
            }

            if (++candidates == MaxCandidates)
            {
                return;
            }
        }
    }
}
