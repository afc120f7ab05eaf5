namespace NativeSync.Engine.Compression;

/// <summary>What a pack took, in seconds.</summary>
/// <param name="Processor">That it had of the processors to be compressed.</param>
/// <param name="Compressing">That passed meanwhile, and until packs before it were compressed by other lanes.</param>
/// <param name="Waiting">For the line: its buffers, credit, the bandwidth limit.</param>
/// <param name="Idle">Before it, for somebody to have anything to send.</param>
internal readonly record struct PackTimes(double Processor, double Compressing, double Waiting, double Idle)
{
    /// <summary>All that passed.</summary>
    public double Total => Compressing + Waiting + Idle;

    /// <summary>The same of one of several lanes that do so beside each other: what passed for one, passed for all.</summary>
    public PackTimes Of(int lanes) => new(Processor, Compressing / lanes, Waiting / lanes, Idle / lanes);

    public static PackTimes operator +(in PackTimes a, in PackTimes b)
        => new(a.Processor + b.Processor, a.Compressing + b.Compressing, a.Waiting + b.Waiting, a.Idle + b.Idle);
}
