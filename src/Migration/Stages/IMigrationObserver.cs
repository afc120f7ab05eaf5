namespace NativeSync.Migration.Stages;

/// <summary>Told of everything that a user should see. Any thread; must be quick.</summary>
public interface IMigrationObserver
{
    /// <summary>A stage begins.</summary>
    void StageBegins(int stage, string title);

    /// <summary>A subtask begins.</summary>
    void StepBegins(string title);

    /// <summary>A subtask goes on.</summary>
    /// <param name="title">The subtask.</param>
    /// <param name="percent">0–100, or null when it cannot be told.</param>
    /// <param name="elapsed">Time since it began.</param>
    /// <param name="detail">What it is at.</param>
    void StepProgress(string title, double? percent, TimeSpan elapsed, string detail);

    /// <summary>A subtask has ended well.</summary>
    /// <param name="title">The subtask.</param>
    /// <param name="elapsed">Time it took.</param>
    /// <param name="outcome">What came out.</param>
    /// <param name="earlier">It was done by an earlier run.</param>
    void StepEnds(string title, TimeSpan elapsed, string outcome, bool earlier);

    /// <summary>A line of the guide, or another line that stands alone.</summary>
    void Say(string line);

    /// <summary>Something that the user should know.</summary>
    void Warn(string line);
}

/// <summary>Writes what a user sees into the log as well.</summary>
internal sealed class LoggedObserver(IMigrationObserver inner, Logging.MigrationLog log) : IMigrationObserver
{
    /// <summary>Takes down the warnings, for the report.</summary>
    public MigrationState? State { get; set; }

    public void StageBegins(int stage, string title)
    {
        log.Info(title);
        inner.StageBegins(stage, title);
    }

    public void StepBegins(string title)
    {
        log.Info($"{title}: begins");
        inner.StepBegins(title);
    }

    public void StepProgress(string title, double? percent, TimeSpan elapsed, string detail)
    {
        log.Debug($"{title}: {detail}");
        inner.StepProgress(title, percent, elapsed, log.Clean(detail).ReplaceLineEndings(" ")); // A terminal rewrites one line.
    }

    public void StepEnds(string title, TimeSpan elapsed, string outcome, bool earlier)
    {
        log.Info(earlier ? $"{title}: done by an earlier run" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{title}: done in {elapsed.TotalSeconds:0.0} s: {outcome}"));
        inner.StepEnds(title, elapsed, log.Clean(outcome), earlier);
    }

    public void Say(string line)
    {
        log.Info(line);
        inner.Say(log.Clean(line));
    }

    public void Warn(string line)
    {
        string clean = log.Clean(line);
        if (State is { } state && !state.Warnings.Contains(clean))
        {
            state.Warnings.Add(clean);
        }

        log.Warn(line); // The log hands it on.
    }
}
