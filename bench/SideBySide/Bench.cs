using NativeSync.TestKit;
using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>What every case works with: a memory-backed place, a private server in it, the executable under test.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private const string Memory = "/dev/shm";
    private const long Spare = 1L << 30;
    private const string Cipher = "aes128-gcm@openssh.com";

    private Bench(string root, PrivateSshd server, string executable)
    {
        Root = root;
        Server = server;
        Executable = executable;
    }

    /// <summary>Directory in memory; everything is below it.</summary>
    public string Root { get; }

    public PrivateSshd Server { get; private set; }

    /// <summary>The nativesync under test.</summary>
    public string Executable { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>The line between both ends; null for the loopback.</summary>
    public LongLine? Line { get; private set; }

    /// <summary>Words in front of a command that is to run where the data comes from.</summary>
    public IReadOnlyList<string> Near => Line?.Near ?? [];

    /// <summary>User and address of the server.</summary>
    public string Login => $"{PrivateSshd.User}@{Server.Address}";

    /// <summary>Words in front of a remote path.</summary>
    public string Remote(string path) => $"{Login}:{path}";

    /// <summary>Bytes that went between both ends so far, both directions, with TCP and IP headers.</summary>
    public long WireBytes => Line is { } line ? line.Bytes.There + line.Bytes.Back : Meter.LoopbackBytes();

    /// <summary>Puts both ends of what follows at the ends of such a line; null for the loopback.</summary>
    /// <param name="shape">What it is like.</param>
    /// <param name="cubic">The kernels of both ends are to be as most machines have them.</param>
    public async Task UseAsync(LineShape? shape, bool cubic = false)
    {
        if (shape == Line?.Shape)
        {
            return;
        }

        await Server.DisposeAsync();
        if (Line is { } old)
        {
            await old.DisposeAsync();
        }

        Line = shape is null ? null : await LongLine.OpenAsync(shape);
        if (cubic && Line is { } line)
        {
            await line.SetKernelAsync("cubic", "net.ipv4.tcp_wmem=4096 16384 4194304", "net.ipv4.tcp_rmem=4096 131072 6291456");
        }

        Server = await PrivateSshd.StartAsync(new PrivateSshdOptions { Line = Line, Adopts = true });
    }

    /// <summary>Brings the agent to the server, which otherwise the first run does.</summary>
    public async Task UploadAgentAsync()
    {
        Directory.CreateDirectory(this["nothing"]);
        (await Command.RunAsync(Contender.NativeSync("-a").Words(this, this["nothing"] + "/", this["nothing-copy"] + "/"))).MustExit(0);
    }

    /// <summary>OpenSSH with the cipher that NativeSync chooses; otherwise as it comes, but for the key exchange when asked.</summary>
    public IReadOnlyList<string> Ssh(bool fastExchange = false) =>
        ["ssh", .. Server.SshArguments, "-c", Cipher, .. fastExchange ? ["-o", "KexAlgorithms=curve25519-sha256"] : Array.Empty<string>()];

    /// <summary>Whether so many bytes can be kept in memory, and a gigabyte for the programs beside them.</summary>
    public static bool HasRoom(long bytes) =>
        Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= bytes + Spare && Meter.AvailableMemory() >= bytes + Spare;

    public static async Task<Bench> OpenAsync(string executable, long roomNeeded)
    {
        if (!HasRoom(roomNeeded))
        {
            throw new InvalidOperationException($"{(roomNeeded + Spare) >> 20} MiB are needed in {Memory}, so that programs are measured and not disks; free some memory or choose fewer cases");
        }

        string root = Path.Combine(Memory, "nativesync-compare-" + Environment.ProcessId);
        Directory.CreateDirectory(root);
        return new Bench(root, await PrivateSshd.StartAsync(new PrivateSshdOptions { Adopts = true }), executable);
    }

    /// <summary>The Linux source, unpacked on first use.</summary>
    public async Task<string> LinuxTreeAsync() => Directory.Exists(this["linux-source-6.1"]) ? this["linux-source-6.1"] : await LinuxSource.UnpackAsync(Root);

    /// <summary>Removes what is below the root by this name.</summary>
    public async Task RemoveAsync(string name) => (await Command.RunAsync(["rm", "-rf", "--", this[name]])).MustExit(0);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        if (Line is { } line)
        {
            await line.DisposeAsync();
        }

        await Command.RunAsync(["rm", "-rf", "--", Root]);
    }
}
