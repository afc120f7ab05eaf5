using NativeSync.Cli.Migrate;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// What plays the destination: the best that this machine can. Disks behind a rescue system with a password; else a
/// directory behind a private sshd with a key; else a directory behind an agent that is a child process.
/// </summary>
internal sealed class RehearsalDestination : IAsyncDisposable
{
    public const string SystemDiskId = "disk-sim00000";
    public const string DataDiskId = "disk-sim00001";

    /// <summary>Room for the sample, whose files take 30 MiB, and for ext4 itself.</summary>
    private const long SampleDisk = 256L << 20;

    private IAsyncDisposable? _owned;

    /// <summary>Behind the simulated instance.</summary>
    public required IInstanceBacking Backing { get; init; }

    /// <summary>Port of 127.0.0.1.</summary>
    public required int Port { get; init; }

    /// <summary>What it is, for the user.</summary>
    public required string Words { get; init; }

    /// <summary>A private key that opens it in the place of the password.</summary>
    public string? ClientKey { get; init; }

    /// <summary>How it is reached.</summary>
    public MigrateEnvironment Environment { get; init; } = new();

    /// <summary>The disks and what serves them; null where the destination is a directory.</summary>
    public RescueMachine? Machine { get; init; }

    /// <summary>Prepares it.</summary>
    /// <param name="options">What the user asks for.</param>
    /// <param name="area">The rehearsal's directory.</param>
    /// <param name="source">The user's tree; null for the sample.</param>
    /// <param name="ct">Cancelled by the user.</param>
    public static async Task<RehearsalDestination> PrepareAsync(RehearseOptions options, string area, string? source, CancellationToken ct)
    {
        string? why = options.NoSsh ? "as --no-ssh asks" : options.NoDisks ? "as --no-disks asks" : RescueMachine.WhyNot();
        if (why is null)
        {
            try
            {
                long system = source is null ? SampleDisk : SizeFor(source);
                RescueMachine machine = await RescueMachine.PrepareAsync(Path.Combine(area, "machine"), source is null ? [(SystemDiskId, system), (DataDiskId, SampleDisk)] : [(SystemDiskId, system)], ct);
                return new RehearsalDestination
                {
                    Backing = machine,
                    Port = machine.Port,
                    Machine = machine,
                    Words = $"{(machine.Disks.Count == 1 ? "a disk" : "two disks")} (loop devices) behind a rescue system of its own at 127.0.0.1:{machine.Port}, which takes the password that the migration gives it.",
                    _owned = machine,
                };
            }
            catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
            {
                why = e.Message;
            }
        }

        return await DirectoryAsync(options, area, $"a directory and no disks ({why}), ", ct);
    }

    public ValueTask DisposeAsync() => _owned?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<RehearsalDestination> DirectoryAsync(RehearseOptions options, string area, string words, CancellationToken ct)
    {
        string? whyNoSshd = options.NoSsh ? "as --no-ssh asks" : RescueSshd.WhyNot();
        RescueSshd? sshd = whyNoSshd is null ? await RescueSshd.PrepareAsync(Path.Combine(area, "sshd"), ct) : null;
        RehearsalBacking backing = new(sshd);
        return new RehearsalDestination
        {
            Backing = backing,
            Port = backing.Port,
            ClientKey = sshd?.ClientKey,
            Environment = sshd is null ? new() { Connector = new LocalRescueConnector() } : new(),
            Words = words + (sshd is null
                ? $"behind an agent that runs as a child process, without SSH ({whyNoSshd})."
                : $"behind a private sshd at 127.0.0.1:{sshd.Port}, which takes a generated key in the place of the password."),
            _owned = backing,
        };
    }

    /// <summary>Twice what the tree takes, since nothing of the files is written before they arrive: a sparse file costs what it holds.</summary>
    private static long SizeFor(string source)
        => (512L << 20) + (2 * (TreeSize.Measure(new PlannedFileSystem(0, "/", System.Text.Encoding.UTF8.GetBytes(source + "/"), [])) ?? 0));
}
