using System.Buffers.Binary;
using System.Diagnostics;

namespace NativeSync.Engine.Delta;

/// <summary>
/// The block hashes of a basis at the side that has the new content. Filled piece by piece as Signature records arrive; what has
/// arrived serves the same-offset comparison at once, the search by weak checksum begins when all of it is there.
/// </summary>
/// <remarks>
/// State: the layout is immutable; the arrays are in the order of arrival and grow with what really arrived (never with what was announced). Not
/// for use by two threads at once.
/// </remarks>
internal sealed class Signature
{
    private const int FirstCapacity = 4096;

    private readonly BlockOrder _order;
    private uint[] _weak = [];
    private ulong[] _strong = [];
    private ulong[] _strongLow = [];
    private BlockIndex? _index;

    /// <summary>An empty signature; a layout without blocks is complete at once.</summary>
    public Signature(BlockLayout layout)
    {
        Layout = layout;
        BlockCount = checked((int)layout.BlockCount);
        _order = layout.Order;
    }

    /// <summary>The sample of another as a signature of its own, whose basis is the pieces one behind the other.</summary>
    private Signature(Signature whole)
        : this(new BlockLayout((long)whole._order.SampleCount << whole.Layout.BlockShift, whole.Layout.BlockSize, whole.Layout.StrongLength))
    {
        _order = default;
        _weak = whole._weak;
        _strong = whole._strong;
        _strongLow = whole._strongLow;
        Available = BlockCount;
    }

    /// <summary>How the basis was cut.</summary>
    public BlockLayout Layout { get; }

    /// <summary>Blocks that will have come when it is complete.</summary>
    public int BlockCount { get; }

    /// <summary>Blocks that have come.</summary>
    public int Available { get; private set; }

    /// <summary>All blocks have come.</summary>
    public bool Complete => Available == BlockCount;

    /// <summary>The blocks of the sample have come, if there is one.</summary>
    public bool SampleIsHere => Available >= _order.SampleCount;

    /// <summary>Whether a block has come; one that there is none of has not.</summary>
    public bool Has(long block) => block < BlockCount && _order.SlotOf((int)block) < Available;

    /// <summary>A complete signature of the pieces of the sample alone, all of which must have come.</summary>
    public Signature Sample()
    {
        Debug.Assert(SampleIsHere && _order.SampleCount > 0);
        return new Signature(this);
    }

    /// <summary>
    /// Takes the next blocks, encoded as in a Signature record.
    /// </summary>
    /// <exception cref="NativeSync.Protocol.ProtocolException">Not a whole number of blocks, or more blocks than the layout has.</exception>
    public void Append(ReadOnlySpan<byte> encoded)
    {
        int entry = Layout.EntrySize;
        int strongLength = Layout.StrongLength;
        if (encoded.Length % entry != 0)
        {
            throw DeltaErrors.Malformed("a signature record does not hold whole blocks");
        }

        int count = encoded.Length / entry;
        if (count > BlockCount - Available)
        {
            throw DeltaErrors.Malformed("a signature holds more blocks than its basis");
        }

        Reserve(Available + count);
        for (int i = Available; i < Available + count; i++)
        {
            _weak[i] = BinaryPrimitives.ReadUInt32LittleEndian(encoded);
            if (strongLength > 0)
            {
                StrongHash strong = StrongHash.Read(encoded[sizeof(uint)..], strongLength);
                _strong[i] = strong.High;
                if (strongLength > 8)
                {
                    _strongLow[i] = strong.Low;
                }
            }

            encoded = encoded[entry..];
        }

        Available += count;
    }

    /// <summary>The weak checksum of a block that has come.</summary>
    public uint Weak(int block) => _weak[_order.SlotOf(block)];

    /// <summary>Whether data are a block that has come, as far as its entry can tell; they have its length.</summary>
    public bool Matches(int block, ReadOnlySpan<byte> data)
    {
        int strongLength = Layout.StrongLength;
        return (!Layout.Paired || RollingChecksum.Compute(data) == Weak(block))
            && (strongLength == 0 || StrongEquals(block, StrongHash.Compute(data, strongLength)));
    }

    /// <summary>Whether a block that has come has this strong hash; always, when none travels.</summary>
    public bool StrongEquals(int block, in StrongHash hash)
    {
        int slot = _order.SlotOf(block);
        return (_strong.Length == 0 || _strong[slot] == hash.High) && (_strongLow.Length == 0 || _strongLow[slot] == hash.Low);
    }

    /// <summary>Whether two blocks that have come are taken for equal.</summary>
    public bool SameBlock(int a, int b)
    {
        a = _order.SlotOf(a);
        b = _order.SlotOf(b);
        return _weak[a] == _weak[b]
            && (_strong.Length == 0 || _strong[a] == _strong[b])
            && (_strongLow.Length == 0 || _strongLow[a] == _strongLow[b]);
    }

    /// <summary>
    /// The table by weak checksum; built at the first call. Of equal blocks it knows the last when <paramref name="preferLast"/> (in place, where
    /// what lies behind the write position is gone), else the first.
    /// </summary>
    public BlockIndex Index(bool preferLast)
    {
        Debug.Assert(Complete, "the search needs the whole signature");
        if (_index is null || _index.PrefersLast != preferLast)
        {
            _index = new BlockIndex(this, preferLast);
        }

        return _index;
    }

    private void Reserve(int count)
    {
        if (count <= _weak.Length)
        {
            return;
        }

        int capacity = (int)Math.Min(BlockCount, Math.Max(Math.Max(count, FirstCapacity), 2L * _weak.Length));
        Array.Resize(ref _weak, capacity);
        if (Layout.StrongLength > 0)
        {
            Array.Resize(ref _strong, capacity);
        }

        if (Layout.StrongLength > 8)
        {
            Array.Resize(ref _strongLow, capacity);
        }
    }
}
