using NativeSync.TestKit;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>One private OpenSSH server for all tests of a class.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    /// <summary>The server.</summary>
    public PrivateSshd Ssh { get; private set; } = null!;

    public async Task InitializeAsync() => Ssh = await PrivateSshd.StartAsync();

    public async Task DisposeAsync() => await Ssh.DisposeAsync();
}
