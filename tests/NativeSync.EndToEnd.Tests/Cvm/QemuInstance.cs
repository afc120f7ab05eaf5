using NativeSync.EndToEnd.Tests.Cloud;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>
/// What stands behind a simulated instance when it is to boot: one virtual machine at a time, which runs the rescue system
/// with the instance's disks attached and unmounted, or what is on the system disk, by its own boot loader.
/// </summary>
internal sealed class QemuInstance(CvmImages images, string directory, IReadOnlyList<LoopDisk> disks) : IInstanceBacking, IAsyncDisposable
{
    /// <summary>Far beyond what it takes on a busy machine.</summary>
    private static readonly TimeSpan RescueLimit = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan FirstWordLimit = TimeSpan.FromMinutes(2);

    private readonly LoopbackPort _port = new();
    private QemuMachine? _machine;

    /// <summary>The SSH port of whatever runs.</summary>
    public int Port => _port.Number;

    /// <summary>Where the serial console of whatever runs goes.</summary>
    public string ConsoleFile { get; } = Path.Combine(Directory.CreateDirectory(directory).FullName, "console");

    /// <summary>The password of the rescue system.</summary>
    public string? Password { get; private set; }

    /// <summary>Called when the rescue system is off and nothing has booted from the disks yet.</summary>
    public Func<Task>? Released { get; set; }

    /// <summary>Runs a script in the instance's own system as root, in the place of the cloud's automation agent.</summary>
    public Func<string, Task<CommandResult>>? Agent { get; set; }

    /// <summary>The console of what runs, or ran last.</summary>
    public string Console => _machine?.Console ?? "";

    /// <summary>Waits until a text has come over the console of what runs.</summary>
    public Task SeeAsync(string text) => _machine!.SeeAsync(text, RescueLimit);

    public async Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct)
    {
        Password = password;
        string hash = (await Command.RunAsync(["openssl", "passwd", "-6", password])).MustExit(0).Output.Trim();
        await BootRescueAsync("console=ttyS0 earlyprintk=serial panic=-1 rdinit=/init mitigations=off rescue.hash=" + hash, ct);
        await _machine!.SeeAsync("rescue system ready", RescueLimit, ct);
        return new RescueEndpoint("127.0.0.1", Port);
    }

    /// <summary>The plug is pulled: whatever the tool has not written to the disks is gone.</summary>
    public async Task ExitRescueAsync(CancellationToken ct)
    {
        await PowerOffAsync();
        if (Released is not null)
        {
            await Released();
        }
    }

    public Task StartAsync(CancellationToken ct) => BootAsync(null);

    public Task StopAsync(CancellationToken ct) => PowerOffAsync();

    public async Task<AgentAnswer?> RunScriptAsync(string script, CancellationToken ct)
        => Agent is null ? null : await Agent(script) is { } done ? new AgentAnswer(done.ExitCode, done.Output) : null;

    public async ValueTask DisposeAsync()
    {
        await PowerOffAsync();
        _port.Dispose();
    }

    /// <summary>An emulated machine sometimes stands still before its kernel says the first word: that is no finding about anything here.</summary>
    private async Task BootRescueAsync(string commandLine, CancellationToken ct)
    {
        for (int left = 2; ; left--)
        {
            await BootAsync(new QemuKernel(images.Rescue.Kernel, images.Rescue.Initrd, commandLine));
            try
            {
                await _machine!.SeeAsync("Linux version", FirstWordLimit, ct);
                return;
            }
            catch (TimeoutException) when (left > 0)
            {
            }
        }
    }

    private async Task BootAsync(QemuKernel? kernel)
    {
        await PowerOffAsync();
        _machine = QemuMachine.Start([.. disks.Select(d => new QemuDisk(d.File, d.DiskId))], Port, ConsoleFile, kernel);
    }

    private async Task PowerOffAsync()
    {
        if (_machine is not null)
        {
            await _machine.DisposeAsync();
        }
    }
}
