using NativeSync.Engine;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

public sealed class HostKeyOfAServerTests
{
    [Fact]
    public async Task AnUnknownServerIsRefusedBeforeTheLogin()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { KnownHostsFiles = ["/nonexistent"] }));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("is not known", e.Message);
        Assert.Contains(HostKey.Parse(sshd.HostPublicKey)!.Fingerprint, e.Message);
        Assert.DoesNotContain("Accepted", sshd.Log);
    }

    [Fact]
    public async Task AChangedServerIsRefused()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        sshd.WriteKnownHosts("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGSiPmGtwQdRtJ3dFNFKqDZQ0Ut6jcLkbnoVGuDuwzwu");
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { HostKeyCheck = HostKeyCheck.AcceptNew }));
        Assert.Contains("has changed", e.Message);
        Assert.Contains(sshd.KnownHostsPath + ":1", e.Message);
    }

    [Fact]
    public async Task AcceptNewRemembersAndTheNextTimeIsStrict()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string known = Path.Combine(sshd.DirectoryPath, "home", "known_hosts");
        await using (await sshd.ConnectAsync(o => o with { KnownHostsFiles = [known], HostKeyCheck = HostKeyCheck.AcceptNew }))
        {
        }

        await using SshSession session = await sshd.ConnectAsync(o => o with { KnownHostsFiles = [known] });
        Assert.Equal(sshd.HostPublicKey, session.HostKey);
        Assert.Equal($"[127.0.0.1]:{sshd.Port} {sshd.HostPublicKey}\n", await File.ReadAllTextAsync(known));
    }

    [Fact]
    public async Task TheServerIsAskedForTheTypeThatIsKnown()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { HostKeyType = "rsa" });
        string second = Path.Combine(sshd.DirectoryPath, "second_host_key");
        Run.Program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", second);
        // A server with both types: alone it would show the ed25519 one, of which we know nothing.
        await using PrivateSshd both = await PrivateSshd.StartAsync(new PrivateSshdOptions
        {
            HostKeyType = "rsa",
            OverrideLines = ["HostKey " + second],
        });
        await using SshSession session = await both.ConnectAsync();
        Assert.StartsWith("ssh-rsa ", session.HostKey);
    }

    [Fact]
    public async Task APinnedKeyNeedsNoFile()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string kept;
        await using (SshSession first = await sshd.ConnectAsync(o => o with { KnownHostsFiles = ["/nonexistent"], HostKeyCheck = HostKeyCheck.No }))
        {
            kept = first.HostKey;
        }

        await using SshSession again = await sshd.ConnectAsync(o => o with { KnownHostsFiles = ["/nonexistent"], PinnedHostKey = kept });
        Assert.Equal(kept, again.HostKey);
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with
        {
            PinnedHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGSiPmGtwQdRtJ3dFNFKqDZQ0Ut6jcLkbnoVGuDuwzwu",
        }));
        Assert.Contains("has changed", e.Message);
    }
}
