namespace NativeSync.Engine.Compression;

/// <summary>How much went by, and what passed meanwhile but for the time in which there was nothing to send.</summary>
/// <param name="Bytes">Of which those of long ago count less.</param>
/// <param name="Seconds">The same.</param>
/// <param name="Window">The last of the windows in which that was.</param>
internal readonly record struct CompressionFlow(double Bytes, double Seconds, int Window)
{
    /// <summary>So many windows it is believed, ten seconds at least: then the data or the line may have changed.</summary>
    private const int Memory = 64;

    /// <summary>It is an average of such a time at least, and of three such at most: a line takes packs by fits and starts.</summary>
    private const double LeastSeconds = 1;

    /// <summary>Bytes per second.</summary>
    public double Rate => Bytes / Math.Max(Seconds, 1e-9);

    /// <summary>With that of another window.</summary>
    public CompressionFlow And(long bytes, in PackTimes times, int window)
    {
        var share = Seconds < 3 * LeastSeconds ? 1 : 0.5;
        return new((share * Bytes) + bytes, (share * Seconds) + times.Compressing + times.Waiting, window);
    }

    /// <summary><see cref="Rate"/> as far as anybody knows in another window: any, when that was too short or is too long ago.</summary>
    public double RateAt(int window) => Seconds < LeastSeconds || window - Window > Memory ? double.PositiveInfinity : Rate;
}
