using NativeSync.Engine;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Stages;

/// <summary>Where the rescue system answers.</summary>
/// <param name="Host">Address.</param>
/// <param name="Port">Port of its SSH server.</param>
public sealed record RescueAddress(string Host, int Port)
{
    /// <summary>How to get there; null for directly.</summary>
    public SshWay? Way { get; init; }

    /// <summary>Bytes per second that may be sent there at the moment, 0 for any number.</summary>
    public Func<long> Bandwidth { get; init; } = static () => 0;

    /// <summary>A line from which nothing comes for so long is dead; zero for never.</summary>
    public TimeSpan Silence { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>How to log in there. The text form shows no secret.</summary>
/// <param name="User">User.</param>
/// <param name="Password">The password that EnterRescueMode was given.</param>
/// <param name="IdentityFile">A private key to offer first, or null.</param>
/// <param name="PinnedHostKey">The host key seen at the first connection; null takes whatever is shown now.</param>
public sealed record RescueCredentials(string User, string Password, string? IdentityFile, string? PinnedHostKey)
{
    /// <inheritdoc/>
    public override string ToString() => User;
}

/// <summary>What a script gave in the rescue system.</summary>
/// <param name="ExitCode">Its exit status.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record RescueCommandResult(int ExitCode, string Output, string Error);

/// <summary>Reaches rescue systems; the command line implements it over SSH.</summary>
public interface IRescueConnector
{
    /// <summary>Connects and logs in.</summary>
    /// <exception cref="TransportException">It does not answer, refuses, or shows another host key.</exception>
    Task<IRescueSystem> ConnectAsync(RescueAddress address, RescueCredentials credentials, CancellationToken ct);
}

/// <summary>A rescue system that we are logged in to.</summary>
public interface IRescueSystem : IAsyncDisposable
{
    /// <summary>The host key that it showed, fit for <see cref="RescueCredentials.PinnedHostKey"/>; empty when the way there has none.</summary>
    string HostKey { get; }

    /// <summary>Its fingerprint, for people.</summary>
    string HostKeyFingerprint { get; }

    /// <summary>Makes the connection anew after it was lost; the same host key is demanded.</summary>
    Task ReconnectAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>Brings the agent there if need be, and starts it.</summary>
    Task<IConnection> StartAgentAsync(CancellationToken ct);

    /// <summary>The path of this executable there, brought there if need be.</summary>
    Task<string> AgentPathAsync(CancellationToken ct);

    /// <summary>
    /// Runs a script by /bin/sh, whatever the login shell is. The script must not read its standard input, nor print NUL. It may be silent for
    /// long: whether the line lives is seen otherwise.
    /// </summary>
    /// <exception cref="TransportException">The line is lost, or dead; the script may be running there all the same.</exception>
    Task<RescueCommandResult> RunAsync(string script, CancellationToken ct);
}
