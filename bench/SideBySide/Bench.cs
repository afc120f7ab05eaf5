using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>What every case works with: a memory-backed place, a private server in it, the executable under test.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private const string Memory = "/dev/shm";
    private const string Cipher = "aes128-gcm@openssh.com";

    private Bench(string root, PrivateSshd server, string executable)
    {
        Root = root;
        Server = server;
        Executable = executable;
    }

    /// <summary>Directory in memory; everything is below it.</summary>
    public string Root { get; }

    public PrivateSshd Server { get; }

    /// <summary>The nativesync under test.</summary>
    public string Executable { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Words in front of a remote path.</summary>
    public static string Remote(string path) => $"{PrivateSshd.User}@{PrivateSshd.Host}:{path}";

    /// <summary>OpenSSH with the cipher that NativeSync chooses; otherwise as it comes, but for the key exchange when asked.</summary>
    public IReadOnlyList<string> Ssh(bool fastExchange = false) =>
        ["ssh", .. Server.SshArguments, "-c", Cipher, .. fastExchange ? ["-o", "KexAlgorithms=curve25519-sha256"] : Array.Empty<string>()];

    public static async Task<Bench> OpenAsync(string executable, long roomNeeded)
    {
        if (!Directory.Exists(Memory) || new DriveInfo(Memory).AvailableFreeSpace < roomNeeded || Meter.AvailableMemory() < roomNeeded)
        {
            throw new InvalidOperationException($"{roomNeeded >> 20} MiB are needed in {Memory}, so that programs are measured and not disks; free some memory or choose fewer cases");
        }

        string root = Path.Combine(Memory, "nativesync-compare-" + Environment.ProcessId);
        Directory.CreateDirectory(root);
        return new Bench(root, await PrivateSshd.StartAsync(), executable);
    }

    /// <summary>The Linux source, unpacked on first use.</summary>
    public async Task<string> LinuxTreeAsync() => Directory.Exists(this["linux-source-6.1"]) ? this["linux-source-6.1"] : await LinuxSource.UnpackAsync(Root);

    /// <summary>Removes what is below the root by this name.</summary>
    public async Task RemoveAsync(string name) => (await Command.RunAsync(["rm", "-rf", "--", this[name]])).MustExit(0);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Command.RunAsync(["rm", "-rf", "--", Root]);
    }
}
