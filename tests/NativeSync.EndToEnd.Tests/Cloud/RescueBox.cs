using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// What stands behind a simulated instance: a rescue system in namespaces of its own (rescue.sh, which rehearsals use too) that takes the
/// password of EnterRescueMode and sees the instance's disks by their ids and nothing else.
/// </summary>
internal sealed class RescueBox : IInstanceBacking, IAsyncDisposable
{
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(30);

    private readonly string _directory;
    private readonly IReadOnlyList<LoopDisk> _disks;
    private readonly string? _network;
    private readonly string _address;
    private readonly Socket? _reserved;
    private Process? _process;

    /// <param name="directory">Of its own.</param>
    /// <param name="disks">System disk and data disks.</param>
    /// <param name="network">Name of the network namespace to live in; null for loopback.</param>
    /// <param name="address">Address to listen on.</param>
    public RescueBox(string directory, IReadOnlyList<LoopDisk> disks, string? network = null, string address = "127.0.0.1")
    {
        _directory = Directory.CreateDirectory(directory).FullName;
        _disks = disks;
        _network = network;
        _address = address;
        Port = 22;
        if (network is null)
        {
            // Bound and not listened on: nobody else is given it, and sshd can still have it.
            _reserved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Port = ((IPEndPoint)_reserved.LocalEndPoint!).Port;
        }
    }

    public int Port { get; }

    /// <summary>The password that it was given last.</summary>
    public string? Password { get; private set; }

    /// <summary>What was still mounted below /mnt when migration mode was left; null before.</summary>
    public string[]? MountedAtExit { get; private set; }

    /// <summary>Processes other than sshd and the shell around it that were there then: an agent that was left behind.</summary>
    public string[]? RunningAtExit { get; private set; }

    public async Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct)
    {
        Password = password;
        await BootAsync(password);
        return new RescueEndpoint(_address, Port);
    }

    public async Task ExitRescueAsync(CancellationToken ct)
    {
        int inside = Descendant();
        MountedAtExit = [.. File.ReadLines($"/proc/{inside}/mounts").Where(l => l.Contains(" /mnt/", StringComparison.Ordinal))];

        // What waits for something looks now and then whether it is still wanted.
        Stopwatch since = Stopwatch.StartNew();
        while ((RunningAtExit = [.. Running(inside)]).Length > 0 && since.Elapsed < Ending)
        {
            await Task.Delay(50, ct);
        }

        await PowerOffAsync();
    }

    /// <summary>Bytes of the largest file below the mounted disks that is being put together; 0 when there is none.</summary>
    public long LargestPartial()
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{Descendant()}/root/mnt/nativesync", "*", new EnumerationOptions()) // none that begins with a dot: what is only looked at is unmounted at once
                .SelectMany(static mount => Directory.EnumerateDirectories(mount, ".nativesync-partial"))
                .SelectMany(d => new DirectoryInfo(d).EnumerateFiles()).Select(f => f.Length).DefaultIfEmpty().Max();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or FormatException)
        {
            return 0; // Not running, or moved between the look and the look.
        }
    }

    /// <summary>A path of the system disk's file system while it is mounted, and the rescue system is running.</summary>
    public string OnSystemDisk(string path) => $"/proc/{Descendant()}/root/mnt/nativesync/system/{path}";

    /// <summary>Somebody puts another system in the place of the rescue system.</summary>
    public async Task ReplaceAsync(string password, bool newHostKey)
    {
        await PowerOffAsync();
        if (newHostKey)
        {
            File.Delete(Path.Combine(_directory, "host_key"));
            File.Delete(Path.Combine(_directory, "host_key.pub"));
        }

        await BootAsync(password);
    }

    /// <summary>The instance's own system: something with an sshd that nobody knows the password of.</summary>
    public Task StartAsync(CancellationToken ct) => BootAsync(Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public Task StopAsync(CancellationToken ct) => PowerOffAsync();

    public async ValueTask DisposeAsync()
    {
        await PowerOffAsync();
        _reserved?.Dispose();
    }

    private static IEnumerable<string> Running(int inside)
        => File.ReadAllText($"/proc/{inside}/task/{inside}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(CommandLine).Where(c => c.Length > 0 && !c.StartsWith("sshd:", StringComparison.Ordinal) && c != CommandLine(inside.ToString(CultureInfo.InvariantCulture)));

    private async Task BootAsync(string password)
    {
        await PowerOffAsync();
        string key = Path.Combine(_directory, "host_key");
        if (!File.Exists(key))
        {
            (await Command.RunAsync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])).MustExit(0);
        }

        string root = Directory.CreateDirectory(Path.Combine(_directory, "root")).FullName;
        string[] enter = _network is null ? [] : ["nsenter", "--net=/run/netns/" + _network];
        string[] command =
        [
            .. enter, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "/bin/sh", Path.Combine(TestRun.Repository, "src/Cli/Rehearse/rescue.sh"),
            root, _address, Port.ToString(CultureInfo.InvariantCulture), key, .. _disks.Select(d => d.Word),
        ];
        Process process = Process.Start(Command.StartInfo(command)) ?? throw new InvalidOperationException("the rescue system did not start");
        await process.StandardInput.WriteLineAsync(password);
        await process.StandardInput.FlushAsync(); // And left open: its end is the system's.
        _process = process;
        TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        System.Text.StringBuilder said = new();
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"the rescue system ended: {said}"));
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, e) =>
        {
            lock (said)
            {
                said.AppendLine(e.Data);
            }

            if (e.Data?.StartsWith("Server listening", StringComparison.Ordinal) == true)
            {
                listening.TrySetResult();
            }
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await listening.Task.WaitAsync(TimeSpan.FromMinutes(2));
    }

    private async Task PowerOffAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>The shell around sshd: the child of unshare, first process of its namespace.</summary>
    private int Descendant()
    {
        int id = _process?.Id ?? throw new InvalidOperationException("the rescue system is not running");
        string child = File.ReadAllText($"/proc/{id}/task/{id}/children").Trim();
        return int.Parse(child, CultureInfo.InvariantCulture);
    }

    private static string CommandLine(string id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ').Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // It has just ended.
        }
    }
}
