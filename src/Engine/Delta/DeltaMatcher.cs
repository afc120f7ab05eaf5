using System.Buffers;
using System.Diagnostics;
using System.IO.Hashing;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>
/// Finds what of a new content its basis already has, and emits it as tokens: copies, holes, literals.
/// </summary>
/// <remarks>
/// <para>The content is read once, front to back, in one buffer. At each position, in this order:</para>
/// <list type="number">
/// <item>The block that follows the last match is expected, and compared by one hash. Behind a match, and in a file
/// changed in place, nothing else ever runs: this is the same-offset pass of design §4, for any offset.</item>
/// <item>The block at the same offset, where the last match was elsewhere.</item>
/// <item>A gap begins. Its end is looked for on these two grids (a block beyond the change), and at the next page of zeros.
/// Only the gap is searched for moved blocks by rolling checksum. The look-ahead doubles while nothing is found.</item>
/// </list>
/// <para>Cost: a byte is hashed at most twice for the grids and once for each false alarm of the weak checksum, and searched at most once.
/// False alarms and fruitless positions draw on a budget (<see cref="MatchOptions.SearchBudget"/>); without budget only
/// samples are searched, while the grids go on. So a file without anything in common costs its hash, and nothing makes it quadratic.</para>
/// <para>The whole signature must have come before the first search; until then <see cref="Step"/> matches what has come and
/// asks for more. Not for use by two threads at once.</para>
/// </remarks>
internal sealed class DeltaMatcher : IDisposable
{
    /// <summary>Most bytes of a literal token (ProtocolLimits.MaxLiteral).</summary>
    public const int MaxLiteral = ProtocolLimits.MaxLiteral;

    /// <summary>Zeros are recognised by whole pages at multiples of this offset, which is also what a file system can leave out.</summary>
    public const int HolePage = 4096;

    /// <summary>Content is read and hashed in such pieces, so that it is hashed from the cache.</summary>
    private const int ReadPiece = 256 << 10;

    /// <summary>The look-ahead of a gap doubles up to this, or one block.</summary>
    private const int MaxLookAhead = 128 << 10;

    private static readonly byte[] ZeroPage = new byte[HolePage];

    private readonly Signature _signature;
    private readonly BlockLayout _layout;
    private readonly MatchOptions _options;
    private readonly int _block;

    /// <summary>Before the end of the content, this much is in the buffer at every decision: a window, its neighbour, and the block that a gap may take.</summary>
    private readonly int _ahead;
    private readonly long _size;
    private readonly XxHash128 _digest = new();
    private byte[] _buffer;
    private int _capacity;

    // The buffer holds the content from _base to _base + _end. What lies before _literal has been emitted;
    // from there to _position is literal that has not been emitted yet.
    private long _base;
    private int _literal;
    private int _position;
    private int _end;
    private bool _ended;
    private bool _finished;

    // content offset - basis offset of the last match.
    private long _shift;

    // The copy or hole that may still grow; one of the lengths is 0.
    private long _copyOffset;
    private long _copyLength;
    private long _holeLength;

    // Grid points before these content offsets have been compared in vain.
    private long _comparedAtShift;
    private long _comparedAtSame;
    private int _lookAhead;
    private long _budget;
    private readonly int _maxLookAhead;
    private readonly long _sampleUnit;

    private RollingSearch _search;
    private BlockIndex? _index;

    private int _error;
    private long _literalBytes;
    private long _copiedBytes;
    private long _holeBytes;
    private long _searched;
    private long _comparisons;

    /// <summary>Matches <paramref name="size"/> bytes of content; what a growing file has beyond is left for the next time.</summary>
    public DeltaMatcher(Signature signature, long size, MatchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        _signature = signature;
        _layout = signature.Layout;
        _options = options ?? MatchOptions.Default;
        _block = _layout.BlockSize;
        _ahead = (_layout.Paired ? 3 : 2) * _block;
        _size = size;
        _budget = _options.SearchBudget;
        _maxLookAhead = Math.Max(_block, MaxLookAhead);
        _lookAhead = _block;
        _sampleUnit = Math.Max(2 * MaxLookAhead, 2L * _block);
        _capacity = (int)Math.Min(Math.Max(Math.Max(_options.BufferSize, HolePage * 2), 8L * _block), Math.Max(size, 1));
        _buffer = ArrayPool<byte>.Shared.Rent(_capacity);
    }

    /// <summary>What is known so far; final when a step says Finished or Failed.</summary>
    public MatchResult Result => new(
        _error,
        _base + _position,
        _finished ? _digest.GetCurrentHashAsUInt128() : default,
        _literalBytes,
        _copiedBytes,
        _holeBytes,
        _searched,
        _comparisons);

    /// <summary>Matches the whole content at once; the signature must be complete.</summary>
    public static MatchResult Match<TSource, TSink>(ref TSource source, long size, Signature signature, ref TSink sink, MatchOptions? options = null)
        where TSource : struct, IByteSource
        where TSink : struct, ITokenSink
    {
        ArgumentNullException.ThrowIfNull(signature);
        if (!signature.Complete)
        {
            throw new InvalidOperationException("The signature is not complete.");
        }

        using DeltaMatcher matcher = new(signature, size, options);
        while (matcher.Step(ref source, ref sink) == MatchStatus.Continue)
        {
        }

        return matcher.Result;
    }

    /// <summary>Reads at most one buffer and emits the tokens of about as much, so that the caller can flush between steps.</summary>
    public MatchStatus Step<TSource, TSink>(ref TSource source, ref TSink sink)
        where TSource : struct, IByteSource
        where TSink : struct, ITokenSink
    {
        if (_error != 0 || _finished)
        {
            return _error != 0 ? MatchStatus.Failed : MatchStatus.Finished;
        }

        if (!_ended && _end - _position < _ahead)
        {
            FlushLiteral(ref sink);
            if (!Fill(ref source))
            {
                FlushCopy(ref sink);
                FlushHole(ref sink);
                return MatchStatus.Failed;
            }
        }

        while (_position < _end && (_ended || _end - _position >= _ahead))
        {
            if (!Advance(ref sink))
            {
                return MatchStatus.NeedsSignature;
            }
        }

        if (!_ended)
        {
            return MatchStatus.Continue;
        }

        FlushLiteral(ref sink);
        FlushCopy(ref sink);
        FlushHole(ref sink);
        _finished = true;
        return MatchStatus.Finished;
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private long ContentOffset(int index) => _base + index;

    /// <summary>Moves what is not done to the front, and reads until the buffer is full or the content ends.</summary>
    private bool Fill<TSource>(ref TSource source)
        where TSource : struct, IByteSource
    {
        Debug.Assert(_literal == _position);
        int keep = _end - _position;
        _buffer.AsSpan(_position, keep).CopyTo(_buffer);
        _base += _position;
        _literal = _position = 0;
        _end = keep;
        while (_end < _capacity && ContentOffset(_end) < _size)
        {
            long rest = _size - ContentOffset(_end);
            Span<byte> piece = _buffer.AsSpan(_end, (int)Math.Min(rest, Math.Min(ReadPiece, _capacity - _end)));
            int count = source.Read(ContentOffset(_end), piece);
            if (count < 0)
            {
                _error = count;
                return false;
            }

            if (count == 0)
            {
                _ended = true; // shorter than announced
                break;
            }

            _digest.Append(piece[..count]);
            _end += count;
        }

        _ended |= ContentOffset(_end) == _size;
        return true;
    }

    /// <summary>One match or one gap; false when the signature does not reach far enough yet.</summary>
    private bool Advance<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (!_signature.Complete)
        {
            return AdvanceEarly(ref sink);
        }

        if (MatchesGrid(_position, _shift, ref _comparedAtShift))
        {
            Copy(_shift, ref sink);
            return true;
        }

        if (_shift != 0 && MatchesGrid(_position, 0, ref _comparedAtSame))
        {
            Copy(0, ref sink);
            return true;
        }

        Gap(ref sink);
        return true;
    }

    /// <summary>
    /// While the signature is still coming: takes same-offset blocks, and closes gaps of at most two blocks, in which a search would have
    /// at most a block's positions to look at. Anything else waits for the whole signature.
    /// </summary>
    private bool AdvanceEarly<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (_shift != 0 || ContentOffset(_position) >> _layout.BlockShift >= _signature.Available)
        {
            return false;
        }

        if (MatchesGrid(_position, 0, ref _comparedAtShift))
        {
            Copy(0, ref sink);
            return true;
        }

        int limit = (int)Math.Min(_position + (2L * _block), _end - _block);
        if ((ContentOffset(limit) >> _layout.BlockShift) >= _signature.Available || NextZeroPage(limit) < limit)
        {
            return false;
        }

        int next = NextOnGrid(limit, 0, ref _comparedAtShift, out _);
        if (next > limit)
        {
            return false;
        }

        MoveTo(next, ref sink);
        Copy(0, ref sink);
        return true;
    }

    /// <summary>
    /// From a position where nothing was expected to match, or nothing did: finds the end of the gap on the grids or at zeros, searches
    /// what lies before it, and moves on at least one byte.
    /// </summary>
    private void Gap<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        // Positions from here on have no full window in the buffer; before the end of the content, the limit stays clear of them.
        int searchable = _end - _block + 1;
        int limit = _ended ? (int)Math.Min(_end, (long)_position + _lookAhead) : Math.Min(_end + _block - _ahead, _position + _lookAhead);
        int next = NextOnGrid(limit, _shift, ref _comparedAtShift, out long nextShift);
        if (_shift != 0)
        {
            int same = NextOnGrid(Math.Min(limit, next), 0, ref _comparedAtSame, out _);
            if (same < next)
            {
                next = same;
                nextShift = 0;
            }
        }

        bool matched = next <= limit;
        if (!matched)
        {
            next = limit;
        }

        int zeros = NextZeroPage(next);
        bool zero = zeros < next;
        if (zero)
        {
            next = zeros;
            matched = false;
        }

        int stop = Math.Min(searchable, matched ? next - _block + 1 : next);
        if (stop > _position && Search(stop, out int found, out long foundShift))
        {
            MoveTo(found, ref sink);
            SetShift(foundShift);
            Copy(foundShift, ref sink);
            return;
        }

        if (matched)
        {
            MoveTo(next, ref sink);
            SetShift(nextShift);
            Copy(nextShift, ref sink);
            return;
        }

        if (zero)
        {
            MoveTo(next, ref sink);
            Hole(ref sink);
            return;
        }

        if (_ended && next >= searchable && MatchesTail(out int tail))
        {
            MoveTo(tail, ref sink);
            long shift = ContentOffset(tail) - (_layout.BasisLength - _layout.TailLength);
            SetShift(shift);
            Copy(shift, ref sink);
            return;
        }

        MoveTo(next, ref sink);
        _lookAhead = Math.Min(2 * _lookAhead, _maxLookAhead);
    }

    /// <summary>Whether the content at an index is the basis block that <paramref name="shift"/> leads to.</summary>
    private bool MatchesGrid(int index, long shift, ref long compared)
    {
        long content = ContentOffset(index);
        long offset = content - shift;
        if (content < compared || offset < 0 || offset >= _layout.BasisLength || (offset & (_block - 1)) != 0)
        {
            return false;
        }

        if (_options.InPlace && shift > 0)
        {
            return false;
        }

        int block = (int)(offset >> _layout.BlockShift);
        int length = _layout.LengthOf(block);
        if (block >= _signature.Available || length > _end - index)
        {
            return false;
        }

        if (Matches(block, index, length))
        {
            return true;
        }

        compared = content + 1;
        return false;
    }

    /// <summary>The first match on a grid behind the position and at or before <paramref name="limit"/>; int.MaxValue when there is none.</summary>
    private int NextOnGrid(int limit, long shift, ref long compared, out long matchedShift)
    {
        matchedShift = shift;
        long firstBlock = ((ContentOffset(_position) - shift) >> _layout.BlockShift) + 1;
        if (firstBlock >= _layout.BlockCount || (_options.InPlace && shift > 0))
        {
            return int.MaxValue;
        }

        if (firstBlock < 0)
        {
            firstBlock = 0;
        }

        for (long index = (firstBlock << _layout.BlockShift) + shift - _base; index <= limit && index < _end; index += _block)
        {
            if (MatchesGrid((int)index, shift, ref compared))
            {
                return (int)index;
            }
        }

        return int.MaxValue;
    }

    private bool Matches(int block, int index, int length)
    {
        _comparisons++;
        return _signature.Matches(block, _buffer.AsSpan(index, length));
    }

    /// <summary>Rolls over the positions before <paramref name="stop"/>.</summary>
    private bool Search(int stop, out int found, out long shift)
    {
        found = 0;
        shift = 0;
        _index ??= PrepareIndex();
        if (_index.Count == 0 || (_budget <= 0 && ContentOffset(_position) / _sampleUnit % _options.SampleOneIn != 0))
        {
            return false;
        }

        int position = _position;
        uint sum = RollingChecksum.Compute(_buffer.AsSpan(position, _block));
        while (true)
        {
            int passed = _search.Find(ref _buffer[position], stop - position, ref sum);
            position += passed;
            if (position == stop)
            {
                break;
            }

            if (_index.Contains(sum))
            {
                int block = Verify(sum, position);
                if (block >= 0)
                {
                    Account(position + 1 - _position);
                    found = position;
                    shift = ContentOffset(position) - ((long)block << _layout.BlockShift);
                    return true;
                }

                _budget -= _block; // a false alarm costs a block's hash
                if (_budget <= -_options.SearchBudget)
                {
                    break;
                }
            }

            if (position + 1 == stop)
            {
                break;
            }

            sum = _search.Roll(sum, _buffer[position], _buffer[position + _block]);
            position++;
        }

        Account(position - _position);
        return false;
    }

    /// <summary>The basis block that the window at an index is, by strong hash or by its neighbour; -1 when there is none.</summary>
    private int Verify(uint sum, int index)
    {
        Debug.Assert(_index is not null);
        uint neighbour = 0;
        if (_layout.Paired)
        {
            if (index + (2 * _block) > _end)
            {
                return -1;
            }

            neighbour = RollingChecksum.Compute(_buffer.AsSpan(index + _block, _block));
        }

        _comparisons++;
        StrongHash strong = _layout.StrongLength == 0 ? default : StrongHash.Compute(_buffer.AsSpan(index, _block), _layout.StrongLength);
        return _index.Find(sum, strong, neighbour, _options.InPlace ? ContentOffset(index) : 0);
    }

    private BlockIndex PrepareIndex()
    {
        BlockIndex index = _signature.Index(_options.InPlace);
        _search = new RollingSearch(index, _block);
        return index;
    }

    private void Account(int positions)
    {
        _searched += positions;
        _budget -= positions;
    }

    /// <summary>At the end of the content: whether the short last block of the basis ends it too.</summary>
    private bool MatchesTail(out int index)
    {
        int length = _layout.TailLength;
        index = _end - length;
        if (length == 0 || index < _position || _layout.FullBlockCount >= _signature.Available)
        {
            return false;
        }

        long basisOffset = _layout.BasisLength - length;
        return (!_options.InPlace || basisOffset >= ContentOffset(index)) && Matches((int)_layout.FullBlockCount, index, length);
    }

    private void SetShift(long shift)
    {
        if (shift != _shift)
        {
            _shift = shift;
            _comparedAtShift = 0;
        }
    }

    /// <summary>Takes the block of the basis that <paramref name="shift"/> leads to from the position.</summary>
    private void Copy<TSink>(long shift, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        FlushLiteral(ref sink);
        long offset = ContentOffset(_position) - shift;
        int length = _layout.LengthOf(offset >> _layout.BlockShift);
        if (_copyLength > 0 && _copyOffset + _copyLength == offset)
        {
            _copyLength += length;
        }
        else
        {
            FlushCopy(ref sink);
            FlushHole(ref sink);
            _copyOffset = offset;
            _copyLength = length;
        }

        _copiedBytes += length;
        _position += length;
        _literal = _position;
        SetShift(shift);
        _lookAhead = _block;
        _budget = Math.Min(_options.SearchBudget, Math.Max(0, _budget) + ((long)length * _options.SearchReward));
    }

    /// <summary>Takes the zero pages at the position, as far as the buffer reaches.</summary>
    private void Hole<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        int run = _buffer.AsSpan(_position, _end - _position).IndexOfAnyExcept((byte)0);
        int length = (run < 0 ? _end - _position : run) & ~(HolePage - 1);
        FlushLiteral(ref sink);
        FlushCopy(ref sink);
        _holeLength += length;
        _holeBytes += length;
        _position += length;
        _literal = _position;
        _lookAhead = _block;
    }

    /// <summary>The first page of zeros at a multiple of <see cref="HolePage"/> before <paramref name="limit"/>, or a greater index.</summary>
    private int NextZeroPage(int limit)
    {
        int index = _position + (int)(-ContentOffset(_position) & (HolePage - 1));
        for (; index < limit && index + HolePage <= _end; index += HolePage)
        {
            ReadOnlySpan<byte> page = _buffer.AsSpan(index, HolePage);
            if (page[0] == 0 && page.SequenceEqual(ZeroPage))
            {
                return index;
            }
        }

        return int.MaxValue;
    }

    /// <summary>Everything up to <paramref name="index"/> is literal.</summary>
    private void MoveTo<TSink>(int index, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        _position = index;
        if (_position - _literal >= MaxLiteral)
        {
            FlushLiteral(ref sink);
        }
    }

    private void FlushLiteral<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (_literal < _position)
        {
            FlushCopy(ref sink);
            FlushHole(ref sink);
        }

        while (_literal < _position)
        {
            int length = Math.Min(MaxLiteral, _position - _literal);
            sink.Literal(_buffer.AsSpan(_literal, length));
            _literalBytes += length;
            _literal += length;
        }
    }

    private void FlushCopy<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (_copyLength > 0)
        {
            sink.Copy(_copyOffset, _copyLength);
            _copyLength = 0;
        }
    }

    private void FlushHole<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (_holeLength > 0)
        {
            sink.Hole(_holeLength);
            _holeLength = 0;
        }
    }
}
