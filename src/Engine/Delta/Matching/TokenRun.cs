using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>Turns what the matcher decides into tokens: neighbouring copies and holes become one, literals are cut.</summary>
/// <remarks>At most one of the copy, the hole and the literal is pending at a time, so that tokens leave in order.</remarks>
internal sealed class TokenRun(ContentWindow window)
{
    /// <summary>Most bytes of a literal token.</summary>
    public const int MaxLiteral = ProtocolLimits.MaxLiteral;

    // The copy or hole that may still grow; one of the lengths is 0.
    private long _copyOffset;
    private long _copyLength;
    private long _holeLength;

    /// <summary>Bytes that travel.</summary>
    public long LiteralBytes { get; private set; }

    /// <summary>Bytes taken from the basis.</summary>
    public long CopiedBytes { get; private set; }

    /// <summary>Zeros.</summary>
    public long HoleBytes { get; private set; }

    /// <summary>Everything up to <paramref name="index"/> is literal.</summary>
    public void MoveTo<TSink>(int index, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        window.Position = index;
        if (index - window.Literal >= MaxLiteral)
        {
            FlushLiteral(ref sink);
        }
    }

    /// <summary>What lies at the position is in the basis.</summary>
    public void Copy<TSink>(long offset, int length, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        FlushLiteral(ref sink);
        if (_copyLength > 0 && _copyOffset + _copyLength == offset)
        {
            _copyLength += length;
        }
        else
        {
            FlushRuns(ref sink);
            _copyOffset = offset;
            _copyLength = length;
        }

        CopiedBytes += length;
        Pass(length);
    }

    /// <summary>What lies at the position is zero.</summary>
    public void Hole<TSink>(int length, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        FlushLiteral(ref sink);
        FlushCopy(ref sink);
        _holeLength += length;
        HoleBytes += length;
        Pass(length);
    }

    /// <summary>Emits what is literal up to the position.</summary>
    public void FlushLiteral<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        if (window.Literal < window.Position)
        {
            FlushRuns(ref sink);
        }

        while (window.Literal < window.Position)
        {
            int length = Math.Min(MaxLiteral, window.Position - window.Literal);
            sink.Literal(window.Slice(window.Literal, length));
            LiteralBytes += length;
            window.Literal += length;
        }
    }

    /// <summary>Emits the copy or hole that might have grown.</summary>
    public void FlushRuns<TSink>(ref TSink sink)
        where TSink : struct, ITokenSink
    {
        FlushCopy(ref sink);
        if (_holeLength > 0)
        {
            sink.Hole(_holeLength);
            _holeLength = 0;
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

    private void Pass(int length)
    {
        window.Position += length;
        window.Literal = window.Position;
    }
}
