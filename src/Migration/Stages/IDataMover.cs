using NativeSync.Engine;

namespace NativeSync.Migration.Stages;

/// <summary>One tree to bring over.</summary>
/// <param name="Label">For messages.</param>
/// <param name="Source">Directory here, ending in a slash.</param>
/// <param name="Destination">Directory there, ending in a slash.</param>
/// <param name="Rules">Filter rules.</param>
/// <param name="Bandwidth">Asked every second for the bytes a second of the moment, 0 for none.</param>
/// <param name="Checksum">Compare contents, not size and time.</param>
/// <param name="Compress">Null leaves it to the engine.</param>
/// <param name="Lanes">The most lanes; 0 leaves it to the engine.</param>
public sealed record TransferJob(
    string Label, byte[] Source, byte[] Destination, IReadOnlyList<byte[]> Rules, Func<long> Bandwidth, bool Checksum, bool? Compress, int Lanes)
{
    /// <summary>How long to try to connect again when the line drops; zero for not at all.</summary>
    public TimeSpan Reconnect { get; init; }

    /// <summary>Nothing heard for so many seconds ends a pass; 0 for never.</summary>
    public int TimeoutSeconds { get; init; }

    /// <summary>Follows what changes there over several passes; null for nobody.</summary>
    public ChangeFollower? Changes { get; init; }

    /// <summary>Told of it, one line each; null for nobody.</summary>
    public Action<string>? Tell { get; init; }
}

/// <summary>How far a transfer is.</summary>
/// <param name="Files">Files looked at so far.</param>
/// <param name="TotalFiles">Files known so far.</param>
/// <param name="Bytes">Bytes done.</param>
/// <param name="TotalBytes">Bytes known so far.</param>
/// <param name="Final">Whether the totals are final.</param>
public readonly record struct TransferProgress(long Files, long TotalFiles, long Bytes, long TotalBytes, bool Final);

/// <summary>What a transfer did.</summary>
public sealed record TransferResult
{
    /// <summary>rsync's exit code: 0, 23 some entries failed, 24 some vanished; others are fatal.</summary>
    public int ExitCode { get; init; }

    /// <summary>Regular files there are.</summary>
    public long Files { get; init; }

    /// <summary>Directories there are.</summary>
    public long Directories { get; init; }

    /// <summary>Symbolic links there are.</summary>
    public long Links { get; init; }

    /// <summary>Devices, FIFOs and sockets there are.</summary>
    public long Others { get; init; }

    /// <summary>Bytes of all files there are.</summary>
    public long TotalBytes { get; init; }

    /// <summary>Entries whose content was sent.</summary>
    public long FilesSent { get; init; }

    /// <summary>Bytes of content that were sent, before compression.</summary>
    public long LiteralBytes { get; init; }

    /// <summary>Bytes on the wire, both directions.</summary>
    public long WireBytes { get; init; }

    /// <summary>Entries removed there.</summary>
    public long Deleted { get; init; }

    /// <summary>Time it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Entries in trouble, each as a line that may be shown; the first thousand.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>How many there are in all.</summary>
    public long ProblemCount { get; init; }

    /// <summary>The trouble is the destination's (no space, read-only): repeating does not help.</summary>
    public string? DestinationTrouble { get; init; }
}

/// <summary>What comparing both sides gave.</summary>
public sealed record VerifyResult
{
    /// <summary>Digest of the source.</summary>
    public required string SourceDigest { get; init; }

    /// <summary>Digest of the destination.</summary>
    public required string DestinationDigest { get; init; }

    /// <summary>How many entries were compared.</summary>
    public long Entries { get; init; }

    /// <summary>Entries that differ, each with what differs; the first thousand.</summary>
    public IReadOnlyList<string> Differences { get; init; } = [];

    /// <summary>How many differ in all.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>Both sides are the same.</summary>
    public bool Equal => DifferenceCount == 0 && string.Equals(SourceDigest, DestinationDigest, StringComparison.Ordinal);
}

/// <summary>Brings trees over and compares them: the engine, or a double of it.</summary>
public interface IDataMover
{
    /// <summary>One pass over one tree.</summary>
    Task<TransferResult> PushAsync(IRescueSystem system, TransferJob job, Action<TransferProgress>? progress, CancellationToken ct);

    /// <summary>Compares both sides by digest.</summary>
    Task<VerifyResult> VerifyAsync(IRescueSystem system, TransferJob job, CancellationToken ct);
}
