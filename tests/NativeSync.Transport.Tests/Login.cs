using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>Options that reach a <see cref="PrivateSshd"/> and nothing of the machine's own configuration.</summary>
internal static class Login
{
    public static SshTarget Target(this PrivateSshd sshd, string? user = null) => new(PrivateSshd.Host, sshd.Port, user ?? PrivateSshd.User);

    public static SshOptions Options(this PrivateSshd sshd) => new()
    {
        ConfigFile = "none",
        AgentSocket = "",
        HomeDirectory = sshd.DirectoryPath,
        IdentityFiles = [sshd.ClientKeyPath],
        KnownHostsFiles = [sshd.KnownHostsPath],
        ConnectTimeout = TimeSpan.FromSeconds(60),
    };

    public static Task<SshSession> ConnectAsync(this PrivateSshd sshd, Func<SshOptions, SshOptions>? change = null, string? user = null) =>
        SshConnector.ConnectAsync(sshd.Target(user), change is null ? sshd.Options() : change(sshd.Options()), TestContext.Limit());
}

/// <summary>A limit for every test that talks to a process, so that a hang is a failure. Three times the wanted seconds, since machines that run tests are busy.</summary>
internal static class TestContext
{
    public static CancellationToken Limit(int seconds = 60) => new CancellationTokenSource(TimeSpan.FromSeconds(3 * seconds)).Token;
}
