using NativeSync.TestKit.Line;

namespace NativeSync.SideBySide;

/// <summary>
/// A situation: what is made once, what is put back before every run, who competes. The whole description of a case is
/// one entry in <see cref="Cases"/>.
/// </summary>
internal sealed record Case
{
    public required string Name { get; init; }

    public required string Title { get; init; }

    /// <summary>Runs without being asked for.</summary>
    public bool ByDefault { get; init; } = true;

    /// <summary>Bytes of memory that data of source and destination take.</summary>
    public required long Room { get; init; }

    /// <summary>Makes the data once; returns source and destination, as the contenders are to name them.</summary>
    public required Func<Bench, Task<(string Source, string Destination)>> PrepareAsync { get; init; }

    /// <summary>Puts the destination into the state before the run; not timed.</summary>
    public required Func<Bench, Task> ResetAsync { get; init; }

    /// <summary>Takes away what <see cref="PrepareAsync"/> made, but not what other cases share.</summary>
    public required Func<Bench, Task> CleanAsync { get; init; }

    public required IReadOnlyList<Contender> Contenders { get; init; }

    /// <summary>The line between both ends; null for the loopback.</summary>
    public LineShape? Line { get; init; }

    /// <summary>Bytes of file contents that have to travel, for the share of the line; 0 where it says nothing.</summary>
    public long Payload { get; init; }

    /// <summary>Its row in the table of all lines; null where it is in none.</summary>
    public LineRow? Row { get; init; }

    /// <summary>Compares content, not only sizes and times, after a run.</summary>
    public bool CompareContent { get; init; }
}

/// <summary>A row of the table of all lines.</summary>
/// <param name="Line">Such as <c>500 Mbit/s at 60 ms</c>.</param>
/// <param name="Data">What is to be brought.</param>
internal sealed record LineRow(string Line, string Data);
