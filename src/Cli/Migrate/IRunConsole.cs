using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Migrate;

/// <summary>Where a run is shown: a person's terminal, or a program.</summary>
internal interface IRunConsole : IMigrationObserver
{
    /// <summary>Why the run cannot go on.</summary>
    void Error(string line);

    /// <summary>A line of --check.</summary>
    void Check(CheckLine line);

    /// <summary>The end.</summary>
    void Close(int exitCode);
}

/// <summary>The words for verdicts.</summary>
internal static class CheckText
{
    public static string Of(CheckVerdict verdict) => verdict switch { CheckVerdict.Ok => "OK", CheckVerdict.Warn => "WARN", _ => "FAIL" };
}
