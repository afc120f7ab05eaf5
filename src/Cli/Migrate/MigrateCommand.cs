namespace NativeSync.Cli.Migrate;

/// <summary>`nativesync migrate`, and `nativesync` without a command: the three stages.</summary>
internal static class MigrateCommand
{
    /// <summary>Runs the migration with the options of the online-migration guide.</summary>
    /// <param name="args">What followed the command name.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl-C.</param>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] args, CancellationToken cancellationToken = default)
    {
        Console.Error.WriteLine("nativesync: the migration is not wired up yet.");
        return Task.FromResult(4);
    }
}
