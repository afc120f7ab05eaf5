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
    /// <summary>The look-ahead of a gap doubles up to this, or one block.</summary>
    public const int MaxLookAhead = 128 << 10;

    private readonly Signature _signature;
    private readonly BlockLayout _layout;
    private readonly ContentWindow _window;
    private readonly TokenRun _tokens;

    /// <summary>Where the last match leads: what follows it is expected next.</summary>
    private readonly BlockGrid _grid;

    /// <summary>Every block at its own offset.</summary>
    private readonly BlockGrid _same;
    private readonly MovedBlockSearch _search;
    private readonly int _block;

    /// <summary>Before the end of the content, this much is in the buffer at every decision: a window, its neighbour, and the block that a gap may take.</summary>
    private readonly int _ahead;
    private readonly int _maxLookAhead;
    private int _lookAhead;
    private bool _finished;
    private int _error;

    /// <summary>Matches <paramref name="size"/> bytes of content; what a growing file has beyond is left for the next time.</summary>
    public DeltaMatcher(Signature signature, long size, MatchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        options ??= MatchOptions.Default;
        _signature = signature;
        _layout = signature.Layout;
        _block = _layout.BlockSize;
        _ahead = (_layout.Paired ? 3 : 2) * _block;
        _maxLookAhead = Math.Max(_block, MaxLookAhead);
        _lookAhead = _block;
        _window = new ContentWindow(size, (int)Math.Min(Math.Max(Math.Max(options.BufferSize, ContentWindow.HolePage * 2), 8L * _block), Math.Max(size, 1)));
        _tokens = new TokenRun(_window);
        _grid = new BlockGrid(_window, signature, options.InPlace);
        _same = new BlockGrid(_window, signature, options.InPlace);
        _search = new MovedBlockSearch(_window, signature, options);
    }

    /// <summary>What is known so far; final when a step says Finished or Failed.</summary>
    public MatchResult Result => new(
        _error,
        _window.OffsetOf(_window.Position),
        _finished ? _window.Digest : default,
        _tokens.LiteralBytes,
        _tokens.CopiedBytes,
        _tokens.HoleBytes,
        _search.Searched,
        _grid.Comparisons + _same.Comparisons + _search.Comparisons);

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

        if (!_window.Ended && _window.End - _window.Position < _ahead)
        {
            _tokens.FlushLiteral(ref sink);
            _error = _window.Fill(ref source);
            if (_error != 0)
            {
                _tokens.FlushRuns(ref sink);
                return MatchStatus.Failed;
            }
        }

        while (_window.Position < _window.End && (_window.Ended || _window.End - _window.Position >= _ahead))
        {
            if (!Advance(ref sink))
            {
                return MatchStatus.NeedsSignature;
            }
        }

        if (!_window.Ended)
        {
            return MatchStatus.Continue;
        }

        _tokens.FlushLiteral(ref sink);
        _tokens.FlushRuns(ref sink);
        _finished = true;
        return MatchStatus.Finished;
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose() => _window.Dispose();

    /// <summary>One match or one gap; false when the signature does not reach far enough yet.</summary>
    private bool Advance<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (!_signature.Complete)
        {
            return AdvanceEarly(ref sink);
        }

        if (_grid.Matches(_window.Position))
        {
            Copy(_grid.Shift, ref sink);
        }
        else if (_grid.Shift != 0 && _same.Matches(_window.Position))
        {
            Copy(0, ref sink);
        }
        else
        {
            Gap(ref sink);
        }

        return true;
    }

    /// <summary>
    /// While the signature is still coming: takes same-offset blocks, and closes gaps of at most two blocks, in which a search would have
    /// at most a block's positions to look at. Anything else waits for the whole signature.
    /// </summary>
    private bool AdvanceEarly<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        int position = _window.Position;
        if (_grid.Shift != 0 || !_signature.Has(BlockOf(position)))
        {
            return false;
        }

        if (_grid.Matches(position))
        {
            Copy(0, ref sink);
            return true;
        }

        int limit = (int)Math.Min(position + (2L * _block), _window.End - _block);
        if (!HasAll(BlockOf(position), BlockOf(limit)) || _window.NextZeroPage(limit) < limit)
        {
            return false;
        }

        int next = _grid.Next(limit);
        if (next > limit)
        {
            return false;
        }

        _tokens.MoveTo(next, ref sink);
        Copy(0, ref sink);
        return true;
    }

    /// <summary>The block whose own place an index is.</summary>
    private long BlockOf(int index) => _window.OffsetOf(index) >> _layout.BlockShift;

    /// <summary>In place, what a gap is written over must have been read; elsewhere, a block that has not come may be the end of the gap.</summary>
    private bool HasAll(long first, long last)
    {
        while (first <= last && _signature.Has(first))
        {
            first++;
        }

        return first > last;
    }

    /// <summary>
    /// From a position where nothing was expected to match, or nothing did: finds the end of the gap on the grids or at zeros, searches
    /// what lies before it, and moves on at least one byte.
    /// </summary>
    private void Gap<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        // Positions from here on have no full window in the buffer; before the end of the content, the limit stays clear of them.
        int searchable = _window.End - _block + 1;
        int limit = Limit();
        int next = NextMatch(limit, out long nextShift);
        bool matched = next <= limit;
        if (!matched)
        {
            next = limit;
        }

        int zeros = _window.NextZeroPage(next);
        bool zero = zeros < next;
        if (zero)
        {
            next = zeros;
            matched = false;
        }

        int stop = Math.Min(searchable, matched ? next - _block + 1 : next);
        if (stop > _window.Position && _search.TryFind(stop, out int found, out long foundShift))
        {
            TakeFrom(found, foundShift, ref sink);
        }
        else if (matched)
        {
            TakeFrom(next, nextShift, ref sink);
        }
        else if (zero)
        {
            _tokens.MoveTo(next, ref sink);
            _tokens.Hole(_window.ZeroPages(), ref sink);
            _lookAhead = _block;
        }
        else if (_window.Ended && next >= searchable && _same.MatchesTail(out int tail))
        {
            TakeFrom(tail, _window.OffsetOf(tail) - (_layout.BasisLength - _layout.TailLength), ref sink);
        }
        else
        {
            _tokens.MoveTo(next, ref sink);
            _lookAhead = Math.Min(2 * _lookAhead, _maxLookAhead);
        }
    }

    /// <summary>How far a gap is looked over.</summary>
    private int Limit() => _window.Ended
        ? (int)Math.Min(_window.End, (long)_window.Position + _lookAhead)
        : Math.Min(_window.End + _block - _ahead, _window.Position + _lookAhead);

    /// <summary>The first match on either grid; int.MaxValue when there is none up to the limit.</summary>
    private int NextMatch(int limit, out long shift)
    {
        shift = _grid.Shift;
        int next = _grid.Next(limit);
        if (shift != 0)
        {
            int same = _same.Next(Math.Min(limit, next));
            if (same < next)
            {
                next = same;
                shift = 0;
            }
        }

        return next;
    }

    private void TakeFrom<TSink>(int index, long shift, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        _tokens.MoveTo(index, ref sink);
        Copy(shift, ref sink);
    }

    /// <summary>Takes the block of the basis that <paramref name="shift"/> leads to from the position.</summary>
    private void Copy<TSink>(long shift, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        long offset = _window.OffsetOf(_window.Position) - shift;
        int length = _layout.LengthOf(offset >> _layout.BlockShift);
        _tokens.Copy(offset, length, ref sink);
        _grid.MoveTo(shift);
        _lookAhead = _block;
        _search.Reward(length);
    }
}
