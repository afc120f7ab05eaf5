namespace NativeSync.Migration.Simulator;

/// <summary>Where the rescue system of a simulated instance answers.</summary>
/// <param name="Address">IP address, shown by DescribeInstances as the instance's.</param>
/// <param name="Port">Port of its SSH server.</param>
public sealed record RescueEndpoint(string Address, int Port);

/// <summary>What stands behind a simulated instance: something that a migration can really reach.</summary>
public interface IInstanceBacking
{
    /// <summary>Boots the rescue system with the password.</summary>
    Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct);

    /// <summary>Shuts the rescue system down.</summary>
    Task ExitRescueAsync(CancellationToken ct);

    /// <summary>Boots the instance's own system.</summary>
    Task StartAsync(CancellationToken ct);

    /// <summary>Shuts the instance's own system down.</summary>
    Task StopAsync(CancellationToken ct);

    /// <summary>Runs a script in the instance's own system, as root, in the place of the cloud's automation agent.</summary>
    /// <returns>What came of it; null when there is nothing that could run it.</returns>
    Task<AgentAnswer?> RunScriptAsync(string script, CancellationToken ct) => Task.FromResult<AgentAnswer?>(null);
}

/// <summary>What the automation agent tells of a script.</summary>
/// <param name="ExitCode">Of the script.</param>
/// <param name="Output">What it printed.</param>
public sealed record AgentAnswer(int ExitCode, string Output);

/// <summary>A backing that has nothing behind it, for tests of the API alone.</summary>
public sealed class NoBacking : IInstanceBacking
{
    /// <summary>The password of the last EnterRescueMode.</summary>
    public string? Password { get; private set; }

    /// <inheritdoc/>
    public Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct)
    {
        Password = password;
        return Task.FromResult(new RescueEndpoint("127.0.0.1", 22));
    }

    /// <inheritdoc/>
    public Task ExitRescueAsync(CancellationToken ct) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken ct) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken ct) => Task.CompletedTask;
}
