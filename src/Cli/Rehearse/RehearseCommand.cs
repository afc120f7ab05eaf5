namespace NativeSync.Cli.Rehearse;

/// <summary>`nativesync rehearse`: a whole migration on this machine, against the cloud simulator.</summary>
internal static class RehearseCommand
{
    /// <summary>Runs the rehearsal.</summary>
    /// <param name="args">What followed the command name.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl-C.</param>
    /// <returns>The exit code: 0 only when both sides are equal.</returns>
    public static Task<int> RunAsync(string[] args, CancellationToken cancellationToken = default)
    {
        Console.Error.WriteLine("nativesync: the rehearsal is not wired up yet.");
        return Task.FromResult(4);
    }
}
