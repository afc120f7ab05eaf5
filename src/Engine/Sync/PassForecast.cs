namespace NativeSync.Engine;

/// <summary>One pass over a living tree.</summary>
/// <param name="Bytes">Bytes of content that it sent.</param>
/// <param name="Elapsed">How long it took.</param>
public readonly record struct PassResult(long Bytes, TimeSpan Elapsed);

/// <summary>How long the next pass over a living tree will take, from those before.</summary>
public static class PassForecast
{
    /// <summary>
    /// A pass looks at the whole tree, which takes what it takes, and sends what has changed since the one before has looked. How fast
    /// the tree changes shows in the last one, how fast it is sent in the one that sent most.
    /// </summary>
    /// <returns>Zero before the first pass.</returns>
    public static TimeSpan Next(IReadOnlyList<PassResult> passes)
    {
        ArgumentNullException.ThrowIfNull(passes);
        if (passes.Count == 0)
        {
            return TimeSpan.Zero;
        }

        var last = passes[^1];
        var most = last;
        foreach (var pass in passes)
        {
            most = pass.Bytes > most.Bytes ? pass : most;
        }

        var rate = most.Bytes / Math.Max(most.Elapsed.TotalSeconds, 1e-3);
        var look = passes.Count == 1 ? 0 : Math.Max(0, last.Elapsed.TotalSeconds - (rate > 0 ? last.Bytes / rate : 0));

        // After the first pass alone nothing is known of changes: as long as that is the most that it can be.
        var changes = passes.Count == 1 ? 0 : last.Bytes / Math.Max(passes[^2].Elapsed.TotalSeconds, 1e-3);
        var bytes = Math.Min(changes * last.Elapsed.TotalSeconds, most.Bytes);
        var seconds = look + (rate > 0 ? bytes / rate : 0);
        return TimeSpan.FromSeconds(passes.Count == 1 ? last.Elapsed.TotalSeconds : Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
    }
}
