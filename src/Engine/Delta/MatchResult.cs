namespace NativeSync.Engine.Delta;

/// <summary>What came of a file.</summary>
/// <param name="Error">0, or the -errno of the read that failed; tokens up to there have been emitted.</param>
/// <param name="Length">Bytes of content that the tokens describe; less than asked for when the file became shorter while it was read.</param>
/// <param name="Digest">XXH3-128 of that content.</param>
/// <param name="LiteralBytes">Bytes that travel.</param>
/// <param name="CopiedBytes">Bytes taken from the basis.</param>
/// <param name="HoleBytes">Zeros.</param>
/// <param name="Searched">Positions whose weak checksum was looked up.</param>
/// <param name="Comparisons">Blocks hashed to compare them; with <paramref name="Searched"/> the work done, which tests bound.</param>
internal readonly record struct MatchResult(
    int Error,
    long Length,
    UInt128 Digest,
    long LiteralBytes,
    long CopiedBytes,
    long HoleBytes,
    long Searched,
    long Comparisons);

/// <summary>What a step of the matcher needs next.</summary>
internal enum MatchStatus
{
    /// <summary>Call again.</summary>
    Continue,

    /// <summary>Call again when more of the signature has come.</summary>
    NeedsSignature,

    /// <summary>All tokens are out; the result is final.</summary>
    Finished,

    /// <summary>Reading failed; the result says how.</summary>
    Failed,
}
