namespace NativeSync.Engine.Delta;

/// <summary>What the matcher may do.</summary>
internal sealed record MatchOptions
{
    /// <summary>The defaults.</summary>
    public static readonly MatchOptions Default = new();

    /// <summary>
    /// The receiver writes over its basis: only copies from at or behind the place that they are written to
    /// (JobFlags.InPlace; rsync's --inplace has the same rule).
    /// </summary>
    public bool InPlace { get; init; }

    /// <summary>
    /// Bytes that may be searched position by position without finding anything, before the search goes on in samples only
    /// (design §4: "a file that has nothing in common with its basis costs no more than sending it whole"). Every byte that
    /// matches earns <see cref="SearchReward"/> bytes more, up to this figure again. At the 0.5 GB/s of the search 32 MiB are 65 ms.
    /// </summary>
    public long SearchBudget { get; init; } = 32 << 20;

    /// <summary>With 32, a search goes on as long as 3 % of what it looks at is found.</summary>
    public int SearchReward { get; init; } = 32;

    /// <summary>Without budget, one unit of this many is searched.</summary>
    public int SampleOneIn { get; init; } = 16;

    /// <summary>Bytes that are read and kept at a time; raised to eight blocks where that is more.</summary>
    public int BufferSize { get; init; } = 1 << 20;
}
