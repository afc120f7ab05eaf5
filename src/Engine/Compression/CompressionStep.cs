using NativeSync.Protocol;

namespace NativeSync.Engine.Compression;

/// <summary>A step of the ladder on which <see cref="AdaptiveLevel"/> goes up and down.</summary>
/// <param name="Level">zstd's.</param>
/// <param name="Streams">Through which packs go at most; none where each stands for itself.</param>
/// <param name="Cost">How many times as much of the processors as the step before takes.</param>
/// <param name="Size">How much of what the step before makes is left.</param>
internal readonly record struct CompressionStep(int Level, int Streams, double Cost, double Size)
{
    /// <summary>Each pack stands for itself.</summary>
    public const int None = 0;

    /// <summary>As many streams as there are.</summary>
    public const int Many = ProtocolLimits.MaxStreams;

    /// <summary>
    /// From weak to strong. Two streams that are gone on with by turns find 4 % less than one, which is what a level or two bring: the strong ones are of use only
    /// while one thread keeps up.
    /// </summary>
    /// <remarks>
    /// From level 1 on measured of the Linux source (docs/benchmarks.md, "What the levels take"), below of /usr. Steps that are too high cost more than those that are too low: 12 and what follows is
    /// reckoned dearer than the 1.7, 5.2 and 1.6 times that they take, and the first with streams dearer than 1.7, since a thread waits for its turn there. Levels
    /// between 12 and 16 take half as long as 16 and win no 1 % over 12.
    /// </remarks>
    public static CompressionStep[] Ladder { get; } =
    [
        new(PackCodec.NoCompression, None, 1, 1),
        new(-5, None, 3, 0.5),
        new(-1, None, 1.3, 0.81),
        new(1, None, 1.4, 0.88),
        new(1, Many, 2, 0.89),
        new(3, Many, 1.9, 0.96),
        new(5, Many, 1.6, 0.91),
        new(7, Many, 2.1, 0.93),
        new(7, 1, 1, 0.96),
        new(9, 1, 1.2, 0.985),
        new(12, 1, 1.9, 0.98),
        new(16, 1, 6, 0.945),
        new(19, 1, 2, 0.98),
    ];

    /// <summary>That compress at a time.</summary>
    public int Threads(int lanes, int processors)
        => Math.Min(Math.Min(lanes, processors), Streams == None ? lanes : Math.Min(Streams, PackCodec.MostStrong));
}
