using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NativeSync.Transport.Tests;

/// <summary>A proxy on a free port of 127.0.0.1, of a kind that cannot choose one by itself; it stops by process id when disposed.</summary>
internal sealed class LocalProxy : IDisposable
{
    private const int MaxAttempts = 5;

    private readonly Process _process;

    private LocalProxy(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    /// <summary>The TCP port it listens on.</summary>
    public int Port { get; }

    /// <summary>Starts one and waits until it listens. A free port can be taken by somebody else between our look and its bind: then with another.</summary>
    /// <param name="command">Its command, for a port.</param>
    public static async Task<LocalProxy> StartAsync(Func<string, string[]> command)
    {
        for (int attempt = 1; ; attempt++)
        {
            int port = FreePort();
            string[] words = command(port.ToString(CultureInfo.InvariantCulture));
            Process process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true })!;
            process.BeginOutputReadLine(); // Nobody wants it, and it must not wait for anybody.
            if (await ListensAsync(process, port))
            {
                return new LocalProxy(process, port);
            }

            int status = process.ExitCode;
            process.Dispose();
            Assert.True(attempt < MaxAttempts, $"{words[0]} ended with {status}, {attempt} times");
        }
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }

    /// <summary>False when it ends before.</summary>
    private static async Task<bool> ListensAsync(Process process, int port)
    {
        CancellationToken limit = TestContext.Limit();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!process.HasExited)
        {
            if (Holds(process.Id, port))
            {
                return true;
            }

            await poll.WaitForNextTickAsync(limit);
        }

        return false;
    }

    /// <summary>Whether the listening socket of that port is this process's: that somebody answers there does not say who.</summary>
    private static bool Holds(int process, int port)
    {
        const string Listening = "0A";
        string address = string.Create(CultureInfo.InvariantCulture, $"0100007F:{port:X4}");
        string[]? socket = File.ReadLines("/proc/net/tcp").Select(static l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(f => f[1] == address && f[3] == Listening);
        try
        {
            return socket is not null && Directory.GetFiles($"/proc/{process}/fd").Any(f => new FileInfo(f).LinkTarget == $"socket:[{socket[9]}]");
        }
        catch (IOException)
        {
            // It has just ended.
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
