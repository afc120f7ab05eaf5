namespace NativeSync.Engine.Delta;

/// <summary>Takes the tokens of one file in the order of its content (docs/protocol.md: Literal, Copy, Hole).</summary>
internal interface ITokenSink
{
    /// <summary>New data, at most <see cref="TokenRun.MaxLiteral"/> bytes; borrowed for the call.</summary>
    void Literal(ReadOnlySpan<byte> data);

    /// <summary>A stretch of the basis; adjacent ones have been merged.</summary>
    void Copy(long basisOffset, long length);

    /// <summary>Zeros.</summary>
    void Hole(long length);
}
