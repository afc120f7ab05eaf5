using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// A private SSH server on loopback in the place of the rescue system's: a host key and a client key of its own, nothing of
/// the machine's configuration, login by that key only.
/// </summary>
internal sealed class RescueSshd : IAsyncDisposable
{
    private const UnixFileMode PrivilegeSeparationMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _program;
    private readonly string _directory;
    private readonly ReservedPort _port;
    private Process? _process;

    private RescueSshd(string program, string directory, ReservedPort port)
    {
        _program = program;
        _directory = directory;
        _port = port;
    }

    /// <summary>Port of 127.0.0.1, kept for it from the beginning.</summary>
    public int Port => _port.Number;

    /// <summary>The key that opens it.</summary>
    public string ClientKey => Path.Combine(_directory, "client_key");

    /// <summary>Why there is none; null when there is.</summary>
    public static string? WhyNot()
        => Programs.Missing("sshd", "ssh-keygen") ?? (HasShell() ? null : "the account of this user lets nobody log in");

    /// <summary>Makes keys and configuration; nothing runs yet.</summary>
    public static async Task<RescueSshd> PrepareAsync(string directory, CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        RescueSshd sshd = new(Programs.Find("sshd")!, directory, new ReservedPort());
        foreach (string key in (string[])["host_key", "client_key"])
        {
            await Programs.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "nativesync-rehearsal", "-f", Path.Combine(directory, key)], ct);
        }

        File.Copy(sshd.ClientKey + ".pub", Path.Combine(directory, "authorized_keys"));
        await File.WriteAllTextAsync(Path.Combine(directory, "sshd_config"), string.Create(CultureInfo.InvariantCulture, $"""
            Port {sshd.Port}
            ListenAddress 127.0.0.1
            HostKey {directory}/host_key
            AuthorizedKeysFile {directory}/authorized_keys
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin prohibit-password
            PubkeyAuthentication yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UseDNS no
            PrintMotd no
            PrintLastLog no
            MaxStartups 100:30:200
            LogLevel ERROR

            """), ct);
        return sshd;
    }

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        if (Environment.IsPrivilegedProcess && !Directory.Exists("/run/sshd"))
        {
            // sshd insists on this empty directory, which its unit makes where it runs as a service.
            Directory.CreateDirectory("/run/sshd", PrivilegeSeparationMode);
        }

        ProcessStartInfo start = new(_program, ["-D", "-E", Path.Combine(_directory, "sshd.log"), "-f", Path.Combine(_directory, "sshd_config")]) { RedirectStandardInput = true };
        _process = Process.Start(start) ?? throw new IOException("sshd did not start");
        _process.StandardInput.Close();
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
        for (int look = 0; look < 500; look++)
        {
            if (_process.HasExited)
            {
                throw new IOException($"sshd ended with {_process.ExitCode}: {Tail()}");
            }

            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, Port, ct);
                return;
            }
            catch (SocketException)
            {
                await poll.WaitForNextTickAsync(ct);
            }
        }

        throw new IOException($"sshd does not answer: {Tail()}");
    }

    /// <summary>Stops it and its sessions.</summary>
    public async Task StopAsync()
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

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _port.Dispose();
    }

    /// <summary>sshd runs commands by the login shell, and that of accounts for services refuses.</summary>
    private static bool HasShell()
    {
        try
        {
            string prefix = Environment.UserName + ":";
            return File.ReadLines("/etc/passwd").FirstOrDefault(l => l.StartsWith(prefix, StringComparison.Ordinal)) is not { } line
                || !(line.EndsWith("/nologin", StringComparison.Ordinal) || line.EndsWith("/false", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return true;
        }
    }

    private string Tail()
    {
        string log = Path.Combine(_directory, "sshd.log");
        return File.Exists(log) ? File.ReadLines(log).LastOrDefault() ?? "it says nothing" : "it says nothing";
    }
}
