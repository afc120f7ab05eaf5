namespace NativeSync.Migration.Stages;

/// <summary>How a check came out.</summary>
public enum CheckVerdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Worth knowing; the migration can go on.</summary>
    Warn,

    /// <summary>The migration would fail.</summary>
    Fail,
}

/// <summary>One line of --check.</summary>
/// <param name="Verdict">How it came out.</param>
/// <param name="Subject">What was looked at.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Remedy">What to do; empty when nothing.</param>
public sealed record CheckLine(CheckVerdict Verdict, string Subject, string Finding, string Remedy = "")
{
    /// <inheritdoc/>
    public override string ToString() => Remedy.Length == 0 ? $"{Subject}: {Finding}" : $"{Subject}: {Finding}: {Remedy}";
}
