using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using NativeSync.TestKit.Line;

namespace NativeSync.TestKit;

/// <summary>What a <see cref="PrivateSshd"/> is to be like; the defaults suit most tests.</summary>
public sealed record PrivateSshdOptions
{
    /// <summary>Lines appended to sshd_config verbatim, e.g. <c>MaxSessions 1</c>. They come after ours, and the first value of a keyword wins: use <see cref="OverrideLines"/> to win.</summary>
    public IReadOnlyList<string> ExtraLines { get; init; } = [];

    /// <summary>Lines put in front of ours, so that they win.</summary>
    public IReadOnlyList<string> OverrideLines { get; init; } = [];

    /// <summary>Type of the host key as <c>ssh-keygen -t</c> spells it.</summary>
    public string HostKeyType { get; init; } = "ed25519";

    /// <summary>Type of the client's key as <c>ssh-keygen -t</c> spells it.</summary>
    public string ClientKeyType { get; init; } = "ed25519";

    /// <summary>Passphrase of the client's key; empty for none.</summary>
    public string ClientKeyPassphrase { get; init; } = "";

    /// <summary>Command that every login runs instead of what it asked for (<c>ForceCommand</c>), or null.</summary>
    public string? ForceCommand { get; init; }

    /// <summary>Shell text printed before every command, as a noisy <c>.bashrc</c> would; null for none. The original command runs afterwards.</summary>
    public string? Banner { get; init; }

    /// <summary>Allows password logins (checked by the system's own <c>shadow</c> file, without PAM).</summary>
    public bool PasswordAuthentication { get; init; }

    /// <summary>The line at whose far end it stands; null for 127.0.0.1.</summary>
    public LongLine? Line { get; init; }

    /// <summary>Words in front of its command, such as those that enter a network namespace; with <see cref="ListenAddress"/>.</summary>
    public IReadOnlyList<string>? Inside { get; init; }

    /// <summary>The address to listen on in there.</summary>
    public string? ListenAddress { get; init; }

    /// <summary>
    /// What its sessions leave behind becomes its own child: an agent that outlives its session by a moment is counted with the
    /// processor time of the server, and can be waited for.
    /// </summary>
    public bool Adopts { get; init; }

    internal IReadOnlyList<string>? Words => Inside ?? Line?.Far;

    /// <summary>prctl(PR_SET_CHILD_SUBREAPER), which an exec leaves as it is.</summary>
    internal IReadOnlyList<string> Adoption => Adopts
        ? ["perl", "-e", $"syscall({(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 167 : 157)}, 36, 1, 0, 0, 0) == 0 and exec @ARGV; die $!"]
        : [];

    internal string Address => ListenAddress ?? (Line is null ? PrivateSshd.Host : LongLine.FarAddress);

    /// <summary>How long the server may take to listen.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>
/// A real OpenSSH server on a free port of 127.0.0.1, with its own host key, its own client key and nothing of the
/// system's configuration; it lives in a temporary directory and stops by process id when disposed.
/// </summary>
/// <remarks>Throws <see cref="InvalidOperationException"/> when sshd or ssh-keygen is missing: a test fails then, it is not skipped.</remarks>
public sealed class PrivateSshd : IAsyncDisposable, IDisposable
{
    private const int MaxAttempts = 5;
    private const int PollMilliseconds = 20;

    /// <summary>Only keeps what is never logged from being waited for without end.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly SshdLog _log;
    private bool _disposed;

    private PrivateSshd(Process process, SshdLog log, string directory, string address, int port)
    {
        Address = address;
        _process = process;
        _log = log;
        DirectoryPath = directory;
        Port = port;
    }

    /// <summary>The address it listens on, unless it stands at the far end of a line.</summary>
    public static string Host => "127.0.0.1";

    /// <summary>The address it listens on.</summary>
    public string Address { get; }

    /// <summary>The TCP port it listens on.</summary>
    public int Port { get; }

    /// <summary>The user who may log in: the one who runs the tests.</summary>
    public static string User => Environment.UserName;

    /// <summary>The temporary directory that holds everything; removed on dispose.</summary>
    public string DirectoryPath { get; }

    /// <summary>Private host key; the public one has <c>.pub</c> appended.</summary>
    public string HostKeyPath => Path.Combine(DirectoryPath, "host_key");

    /// <summary>The host's public key as one line: type, base64.</summary>
    public string HostPublicKey => PublicKeyOf(HostKeyPath);

    /// <summary>Private key of the client who may log in.</summary>
    public string ClientKeyPath => Path.Combine(DirectoryPath, "client_key");

    /// <summary>A known_hosts file that knows this server and no other.</summary>
    public string KnownHostsPath => Path.Combine(DirectoryPath, "known_hosts");

    /// <summary>The authorized_keys file in force.</summary>
    public string AuthorizedKeysPath => Path.Combine(DirectoryPath, "authorized_keys");

    /// <summary>Process id of the listening server.</summary>
    public int ProcessId => _process.Id;

    /// <summary>HOME of whoever logs in: empty at the start, so that no start-up file of the real home is run and nothing is left there.</summary>
    public string HomePath => Path.Combine(DirectoryPath, "home");

    /// <summary>What the server has logged so far, for messages of failed tests.</summary>
    public string Log => _log.Text;

    /// <summary>
    /// How often the log has that text, once it has it so many times or a minute has passed: what a client has been answered may be a moment from being
    /// logged, and another from being read here.
    /// </summary>
    public async Task<int> LoggedAsync(string text, int times)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(PollMilliseconds));
        for (long begin = Stopwatch.GetTimestamp(); ;)
        {
            int found = Log.Split(text).Length - 1;
            if (found >= times || Stopwatch.GetElapsedTime(begin) > Patience)
            {
                return found;
            }

            await poll.WaitForNextTickAsync();
        }
    }

    /// <summary>When it began the first session since <see cref="ForgetSessions"/> (Stopwatch): its caller is connected. 0 for none.</summary>
    public long FirstSessionAt => _log.FirstSessionAt;

    /// <inheritdoc cref="FirstSessionAt"/>
    public void ForgetSessions() => _log.FirstSessionAt = 0;

    /// <summary>Arguments for OpenSSH's <c>ssh</c> that reach this server without reading the user's configuration.</summary>
    public IReadOnlyList<string> SshArguments =>
    [
        "-F", "none", "-i", ClientKeyPath, "-p", Port.ToString(CultureInfo.InvariantCulture),
        "-o", "UserKnownHostsFile=" + KnownHostsPath, "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
    ];

    /// <summary>The same as one shell-safe string, as <c>rsync -e</c> wants it.</summary>
    public string RshCommand => "ssh " + string.Join(' ', SshArguments);

    /// <summary>Starts a server and waits until it listens.</summary>
    public static async Task<PrivateSshd> StartAsync(PrivateSshdOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new PrivateSshdOptions();
        string sshd = FindProgram("sshd");
        string keygen = FindProgram("ssh-keygen");
        PreparePrivilegeSeparation();

        string directory = Directory.CreateTempSubdirectory("nativesync-sshd-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(directory, "home"));
            await MakeKeyAsync(keygen, options.HostKeyType, Path.Combine(directory, "host_key"), "", cancellationToken);
            await MakeKeyAsync(keygen, options.ClientKeyType, Path.Combine(directory, "client_key"), options.ClientKeyPassphrase, cancellationToken);
            File.Copy(Path.Combine(directory, "client_key.pub"), Path.Combine(directory, "authorized_keys"));

            string address = options.Address;

            // A free port can be taken by somebody else between our look and sshd's bind: try again with another.
            for (int attempt = 1; ; attempt++)
            {
                int port = FreePort();
                await WriteConfigurationAsync(directory, port, options, cancellationToken);
                (Process process, SshdLog log) = Launch([.. options.Words ?? [], .. options.Adoption, sshd], directory);
                if (await ListensAsync(process, log, options.StartTimeout, cancellationToken))
                {
                    string known = $"[{address}]:{port} {PublicKeyOf(Path.Combine(directory, "host_key"))}\n";
                    await File.WriteAllTextAsync(Path.Combine(directory, "known_hosts"), known, cancellationToken);
                    return new PrivateSshd(process, log, directory, address, port);
                }

                string said = await StopAsync(process, log);
                if (attempt == MaxAttempts)
                {
                    throw new InvalidOperationException($"sshd did not listen on {address}:{port}. It said: {said}");
                }
            }
        }
        catch
        {
            Directory.Delete(directory, recursive: true);
            throw;
        }
    }

    /// <summary>Replaces what the known_hosts file says, e.g. with another server's key.</summary>
    public void WriteKnownHosts(string publicKey) =>
        File.WriteAllText(KnownHostsPath, $"[{Address}]:{Port} {publicKey}\n");

    /// <summary>Stops the server and every session of it, and removes its directory.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await StopAsync(_process, _log);
        Directory.Delete(DirectoryPath, recursive: true);
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static async Task WriteConfigurationAsync(string directory, int port, PrivateSshdOptions options, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        foreach (string line in options.OverrideLines)
        {
            text.Append(line).Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"""
            Port {port}
            ListenAddress {options.Address}
            HostKey {directory}/host_key
            SetEnv HOME={directory}/home
            AuthorizedKeysFile {directory}/authorized_keys
            PidFile {directory}/sshd.pid
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            PubkeyAuthentication yes
            PasswordAuthentication {(options.PasswordAuthentication ? "yes" : "no")}
            KbdInteractiveAuthentication no
            UseDNS no
            PrintMotd no
            PrintLastLog no
            MaxStartups 100:30:200
            MaxSessions 64
            LogLevel VERBOSE
            Subsystem sftp internal-sftp

            """);
        if (options.ForceCommand is not null)
        {
            text.Append("ForceCommand ").Append(options.ForceCommand).Append('\n');
        }
        else if (options.Banner is not null)
        {
            string script = Path.Combine(directory, "noisy.sh");
            await File.WriteAllTextAsync(script, options.Banner + "\n[ -n \"$SSH_ORIGINAL_COMMAND\" ] && exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\nexec /bin/sh\n", cancellationToken);
            text.Append("ForceCommand /bin/sh ").Append(script).Append('\n');
        }

        foreach (string line in options.ExtraLines)
        {
            text.Append(line).Append('\n');
        }

        await File.WriteAllTextAsync(Path.Combine(directory, "sshd_config"), text.ToString(), cancellationToken);
    }

    private static (Process Process, SshdLog Log) Launch(string[] words, string directory)
    {
        // -D keeps it our child, so that its process id is the one to stop; -e logs to its standard error.
        var start = new ProcessStartInfo(words[0], [.. words[1..], "-D", "-e", "-f", Path.Combine(directory, "sshd_config")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{words[^1]} did not start");
        process.StandardInput.Close();
        var log = new SshdLog();
        process.ErrorDataReceived += (_, e) => log.Add(e.Data);
        process.OutputDataReceived += (_, e) => log.Add(e.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return (process, log);
    }

    /// <summary>
    /// True once it says that it listens; false when the process ends or the time is over. No greeting would say so: another server that took the port
    /// meanwhile greets just the same.
    /// </summary>
    private static async Task<bool> ListensAsync(Process process, SshdLog log, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(PollMilliseconds));
        while (!process.HasExited && Stopwatch.GetElapsedTime(begin) < timeout)
        {
            if (log.Text.Contains("Server listening on", StringComparison.Ordinal))
            {
                return true;
            }

            await poll.WaitForNextTickAsync(cancellationToken);
        }

        return false;
    }

    private static async Task<string> StopAsync(Process process, SshdLog log)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        await process.WaitForExitAsync();
        process.Dispose();
        return log.Text;
    }

    private static async Task MakeKeyAsync(string keygen, string type, string path, string passphrase, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(keygen, ["-q", "-t", type, "-N", passphrase, "-C", "nativesync-test", "-f", path])
        {
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{keygen} did not start");
        string error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{keygen} ended with {process.ExitCode}: {error}");
        }
    }

    private static string PublicKeyOf(string privateKey)
    {
        string[] parts = File.ReadAllText(privateKey + ".pub").Split(' ', StringSplitOptions.TrimEntries);
        return parts[0] + " " + parts[1];
    }

    /// <summary>sshd refuses to start without its empty directory, which an init script makes on an ordinary machine.</summary>
    private static void PreparePrivilegeSeparation()
    {
        if (Environment.IsPrivilegedProcess && !Directory.Exists("/run/sshd"))
        {
            Directory.CreateDirectory("/run/sshd", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindProgram(string name)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        foreach (string directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(["/usr/sbin", "/usr/local/sbin", "/sbin"]))
        {
            string candidate = Path.Combine(directory, name);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new InvalidOperationException($"{name} is not installed; ./test.sh installs it (Debian: openssh-server, openssh-client)");
    }
}
