using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Knows where in the rescue system each file system of the source goes.</summary>
internal interface IDestinationLayout
{
    /// <summary>What the disks hold now and what will become of it, a line each, before anything is written.</summary>
    Task<IReadOnlyList<string>> DescribeAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct);

    /// <summary>Makes the places ready; doing so again changes nothing.</summary>
    /// <returns>For each file system of the plan, its directory there, ending in a slash.</returns>
    Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct);

    /// <summary>Writes everything to the disks and lets go of them.</summary>
    Task ReleaseAsync(IRescueSystem system, CancellationToken ct);
}

/// <summary>Shell words that hold data.</summary>
internal static class Shell
{
    /// <summary>A text as one word of a POSIX shell.</summary>
    public static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>Runs a script and demands that it succeeds.</summary>
    public static async Task<string> RunAsync(IRescueSystem system, string script, string what, CancellationToken ct)
    {
        RescueCommandResult result = await system.RunAsync(script, ct).ConfigureAwait(false);
        return result.ExitCode == 0
            ? result.Output
            : throw new MigrationException($"rescue system: {what}: {Tail(result)} (exit {result.ExitCode})", "");
    }

    private static string Tail(RescueCommandResult result)
    {
        string text = result.Error.Trim().Length > 0 ? result.Error.Trim() : result.Output.Trim();
        return text.Length == 0 ? "the command failed and said nothing" : text[^Math.Min(400, text.Length)..].ReplaceLineEndings(" ");
    }
}
