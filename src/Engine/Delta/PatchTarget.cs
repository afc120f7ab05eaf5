namespace NativeSync.Engine.Delta;

/// <summary>Where a new content is put together. The handles are borrowed.</summary>
internal readonly record struct PatchTarget()
{
    /// <summary>Written by offset: empty and fresh, a clone of the basis, or the basis itself when <see cref="InPlace"/> (then also readable).</summary>
    public required int OutputFd { get; init; }

    /// <summary>The new length as announced: tokens beyond it are refused.</summary>
    public required long Size { get; init; }

    /// <summary>Read by offset (in place the output is read instead); -1 when there is no basis, and then any copy is refused.</summary>
    public int BasisFd { get; init; } = -1;

    /// <summary>Copies must lie before this offset.</summary>
    public long BasisLength { get; init; }

    /// <summary>The output is the basis: a copy from before the place it is written to is refused, one to its own place writes nothing.</summary>
    public bool InPlace { get; init; }

    /// <summary>The output begins as a clone of the basis: what stays where it was is only read, and its blocks stay shared.</summary>
    public bool Cloned { get; init; }

    /// <summary>The output holds something to begin with, so that zeros must be brought about and its length set.</summary>
    public bool HasContent => InPlace || Cloned;

    /// <summary>In place: so many bytes at the start stay as they are, neither read nor part of the digest (--append).</summary>
    public long TrustedLength { get; init; }

    /// <summary>Whole pages of zeros are not written, wherever they come from (rsync's -S), nor are zeros behind the last of them at the end.</summary>
    public bool Sparse { get; init; }
}

/// <summary>How a patch ended.</summary>
internal enum PatchOutcome
{
    /// <summary>The output holds the new content, verified.</summary>
    Verified,

    /// <summary>The output is not what the sender has: throw it away and ask for all of the file.</summary>
    Mismatch,

    /// <summary>The system refused; the patcher's Error says how.</summary>
    Failed,
}
