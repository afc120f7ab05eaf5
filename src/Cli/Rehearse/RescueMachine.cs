using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using NativeSync.Migration.Simulator;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// What stands behind the simulated instance: a rescue system in namespaces of its own (rescue.sh), which takes the password
/// of EnterRescueMode, and sees the instance's disks by their ids and none of this machine's. "Started", it is an open port.
/// </summary>
internal sealed class RescueMachine : IInstanceBacking, IAsyncDisposable
{
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(1);

    private readonly string _directory;
    private readonly List<RehearsalDisk> _disks;
    private readonly ReservedPort _port = new();
    private Process? _process;
    private AnsweringPort? _answering;

    private RescueMachine(string directory, List<RehearsalDisk> disks)
    {
        _directory = directory;
        _disks = disks;
    }

    /// <summary>Port of 127.0.0.1, kept for it from the beginning.</summary>
    public int Port => _port.Number;

    /// <summary>The system disk first.</summary>
    public IReadOnlyList<RehearsalDisk> Disks => _disks;

    /// <summary>Why there can be none on this machine; null when it is worth trying.</summary>
    public static string? WhyNot()
        => !Environment.IsPrivilegedProcess ? "they need root"
            : File.Exists(Environment.ProcessPath + ".dll") ? "they need the static executable"
            : !File.Exists("/dev/loop-control") ? "there are no loop devices here"
            : Programs.Missing("sshd", "ssh-keygen", "chpasswd", "losetup", "mkfs.ext4", "unshare", "pivot_root", "mount", "umount", "blkid", "ldd", "ldconfig");

    /// <summary>Makes the disks, puts what the image of a CVM would hold on the first, and tries whether the rescue system boots here.</summary>
    /// <param name="directory">Of its own.</param>
    /// <param name="disks">Ids and sizes in bytes, the system disk first.</param>
    /// <param name="ct">Cancelled by the user.</param>
    /// <exception cref="IOException">This machine does not allow it.</exception>
    public static async Task<RescueMachine> PrepareAsync(string directory, IReadOnlyList<(string Id, long Bytes)> disks, CancellationToken ct)
    {
        RescueMachine machine = new(Directory.CreateDirectory(directory).FullName, []);
        try
        {
            foreach ((string id, long bytes) in disks)
            {
                machine._disks.Add(await RehearsalDisk.CreateAsync(directory, id, bytes, partitioned: machine._disks.Count == 0, ct));
            }

            await machine.WithMountedAsync(0, "rw", "mkdir -p etc bin usr/lib && echo 'PRETTY_NAME=\"what the image held before\"' >etc/os-release", ct);
            await Programs.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "nativesync-rehearsal", "-f", Path.Combine(directory, "host_key")], ct);
            using Stream script = typeof(RescueMachine).Assembly.GetManifestResourceStream("rescue.sh")!;
            using FileStream file = new(machine.Script, FileMode.CreateNew);
            await script.CopyToAsync(file, ct);
            await file.FlushAsync(ct);
            await machine.EnterRescueAsync("root", "only-a-trial-0", ct);
            machine.PowerOff();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    private string Script => Path.Combine(_directory, "rescue.sh");

    /// <summary>Runs a script in a disk's root, mounted in a namespace that goes with it.</summary>
    public Task<string> WithMountedAsync(int disk, string options, string script, CancellationToken ct)
    {
        string at = Directory.CreateDirectory(Path.Combine(_directory, "look")).FullName;
        return Programs.RunAsync("unshare", ["--mount", "--propagation", "private", "/bin/sh", "-c", "mount -o \"$1\" \"$2\" \"$3\" && cd \"$3\" && eval \"$4\"", "sh", options, _disks[disk].Device, at, script], ct);
    }

    public async Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct)
    {
        PowerOff();
        string[] arguments =
        [
            "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "/bin/sh", Script, Directory.CreateDirectory(Path.Combine(_directory, "root")).FullName,
            "127.0.0.1", Port.ToString(CultureInfo.InvariantCulture), Path.Combine(_directory, "host_key"), .. _disks.Select(d => d.Word),
        ];
        _process = Process.Start(new ProcessStartInfo(Programs.Find("unshare")!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new IOException("unshare did not start");
        await _process.StandardInput.WriteLineAsync(password.AsMemory(), ct);
        await _process.StandardInput.FlushAsync(ct); // And left open: its end is the system's.
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        try
        {
            await ListeningAsync(_process).WaitAsync(BootLimit, ct);
        }
        catch (TimeoutException)
        {
            throw new IOException("the rescue system does not boot");
        }

        return new RescueEndpoint("127.0.0.1", Port);
    }

    public Task ExitRescueAsync(CancellationToken ct)
    {
        PowerOff();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken ct)
    {
        _answering = new AnsweringPort(Port);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken ct) => ExitRescueAsync(ct);

    public ValueTask DisposeAsync()
    {
        PowerOff();
        foreach (RehearsalDisk disk in _disks)
        {
            disk.Dispose();
        }

        _port.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Task ListeningAsync(Process process)
    {
        TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string last = "it said nothing";
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is null)
            {
                listening.TrySetException(new IOException($"the rescue system ended: {last}"));
            }
            else if (e.Data.StartsWith("Server listening", StringComparison.Ordinal))
            {
                listening.TrySetResult();
            }
            else
            {
                last = e.Data;
            }
        };
        process.BeginErrorReadLine();
        return listening.Task;
    }

    private void PowerOff()
    {
        _answering?.Dispose();
        _answering = null;
        if (_process is { } process)
        {
            _process = null;
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
