namespace NativeSync.Engine.Session;

/// <summary>What <see cref="LaneGrowth"/> sees of a session's line, and does to it.</summary>
internal interface IGrowingLine
{
    /// <summary>The session's.</summary>
    TimeProvider Clock { get; }

    /// <summary>The user limits the bandwidth at the moment.</summary>
    bool IsLimited { get; }

    /// <summary>Bytes that came through so far, in the direction in which most goes.</summary>
    long Moved { get; }

    /// <summary>A moment ago packets waited for the line: it is full.</summary>
    bool IsFull { get; }

    /// <summary>How often the stages of this end waited for the line.</summary>
    long Waits { get; }

    /// <summary>Bytes of contents that may have to go.</summary>
    long Expected { get; }

    /// <summary>Further lanes that are not about to end.</summary>
    int AtWork { get; }

    /// <summary>What goes is compressed.</summary>
    bool Compresses { get; }

    /// <summary>Opens what is missing of so many further lanes, unless that failed a moment ago.</summary>
    Task KeepAsync(int wanted);

    /// <summary>Lets the last ones end, until no more than so many are at work.</summary>
    void RetireDownTo(int wanted);
}
