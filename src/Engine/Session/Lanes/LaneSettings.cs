namespace NativeSync.Engine.Session;

/// <summary>What the lanes of an end are told when the session begins.</summary>
internal sealed record LaneSettings
{
    /// <summary>Bytes of Records payload which the peer may send before it is granted more: what this end is ready to hold.</summary>
    public const int InitialCredit = 8 * 1024 * 1024;

    /// <summary>The zstd level for what this end sends, 255 to adapt; null for none.</summary>
    public int? CompressLevel { get; init; }

    /// <summary>Bytes per second for what this end sends; 0 for no limit.</summary>
    public long BandwidthLimit { get; init; }

    /// <summary>Records what this end sends; null for nothing.</summary>
    public Batch.BatchWriter? Batch { get; init; }

    /// <summary>Contents go there alone.</summary>
    public bool BatchOnly { get; init; }

    /// <summary>Who takes the records that come only queues them: it blocks nobody, calls nobody back and needs no stack.</summary>
    public bool QueuesRecords { get; init; }

    /// <summary>Silence after which the session is given up; zero for never.</summary>
    public TimeSpan Timeout { get; init; }
}
