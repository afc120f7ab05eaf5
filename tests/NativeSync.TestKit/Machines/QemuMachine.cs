using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NativeSync.TestKit.Trees;

namespace NativeSync.TestKit.Machines;

/// <summary>A disk of a virtual machine.</summary>
/// <param name="File">Raw image.</param>
/// <param name="DiskId">The serial number that the guest's udev makes /dev/disk/by-id/virtio-… of.</param>
public sealed record QemuDisk(string File, string DiskId);

/// <summary>A kernel to boot without a boot loader.</summary>
/// <param name="Kernel">Its image.</param>
/// <param name="Initrd">Its initrd.</param>
/// <param name="CommandLine">What it is told.</param>
public sealed record QemuKernel(string Kernel, string Initrd, string CommandLine);

/// <summary>
/// A virtual machine as a CVM is one: BIOS, virtio disks with their ids, a virtio network card, a serial console. The
/// processor is emulated. Its one port, SSH, is forwarded from loopback; it reaches nothing else.
/// </summary>
public sealed class QemuMachine : IAsyncDisposable
{
    /// <summary>
    /// The shell ends the machine, by its pid, when its standard input ends: that is what stopping does, and what happens
    /// by itself when the process of the tests dies.
    /// </summary>
    private const string Guard = "exec 3<&0; \"$@\" </dev/null & p=$!; { cat <&3 >/dev/null 2>&1; kill $p 2>/dev/null; } & wait $p";

    private readonly Process _process;
    private readonly StreamWriter _console;
    private readonly Task _reading;
    private bool _disposed;
    private readonly Lock _gate = new();
    private readonly System.Text.StringBuilder _text = new(); // guarded by _gate
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = []; // guarded by _gate

    private QemuMachine(Process process, string consoleFile)
    {
        _process = process;
        _console = new StreamWriter(consoleFile, append: false) { AutoFlush = true };
        _reading = ReadAsync();
    }

    /// <summary>Everything that came over the serial console.</summary>
    public string Console
    {
        get
        {
            lock (_gate)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>Turns it on.</summary>
    /// <param name="disks">The first is the one that the BIOS boots from.</param>
    /// <param name="port">On loopback, forwarded to the machine's port 22.</param>
    /// <param name="consoleFile">Takes what comes over the serial console.</param>
    /// <param name="kernel">Booted instead of the first disk.</param>
    public static QemuMachine Start(IReadOnlyList<QemuDisk> disks, int port, string consoleFile, QemuKernel? kernel = null)
    {
        List<string> command =
        [
            "/bin/sh", "-c", Guard, "guard",
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot",
            "-machine", "pc,accel=tcg", "-device", "VGA", // A boot loader without a screen waits for ever.
            "-cpu", "Nehalem", "-smp", "2", "-m", "1536",
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-netdev", string.Create(CultureInfo.InvariantCulture, $"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random",
        ];
        for (int i = 0; i < disks.Count; i++)
        {
            command.AddRange(["-drive", $"file={disks[i].File},format=raw,if=none,id=disk{i},cache=unsafe,discard=unmap"]);
            command.AddRange(["-device", $"virtio-blk-pci,drive=disk{i},serial={disks[i].DiskId}" + (i == 0 ? ",bootindex=1" : "")]);
        }

        if (kernel is not null)
        {
            command.AddRange(["-kernel", kernel.Kernel, "-initrd", kernel.Initrd, "-append", kernel.CommandLine]);
        }

        Process process = Process.Start(Command.StartInfo(command)) ?? throw new InvalidOperationException("the virtual machine did not start");
        return new QemuMachine(process, consoleFile);
    }

    /// <summary>Waits until a text has come over the serial console; a machine that ends or takes too long is an exception with the console's last lines.</summary>
    public async Task SeeAsync(string text, TimeSpan limit, CancellationToken ct = default)
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_text.ToString().Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            _awaited.Add((text, seen));
        }

        if (await Task.WhenAny(seen.Task, _reading, Task.Delay(limit, ct)) != seen.Task)
        {
            ct.ThrowIfCancellationRequested();
            throw new TimeoutException($"\"{text}\" did not come over the console{(_reading.IsCompleted ? ", and the machine has ended" : "")}:\n{LastLines(30)}");
        }
    }

    /// <summary>The end of the console.</summary>
    public string LastLines(int count) => string.Join('\n', Console.Split('\n').TakeLast(count));

    /// <summary>The plug is pulled: what was not written is lost, as it is on real hardware.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
        await _console.DisposeAsync();
    }

    private async Task ReadAsync()
    {
        Task<string> errors = _process.StandardError.ReadToEndAsync();
        char[] buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer) is > 0 and int count)
        {
            Take(new string(buffer, 0, count));
        }

        Take(await errors);
    }

    private void Take(string text)
    {
        lock (_gate)
        {
            _text.Append(text);
            _console.Write(text);
            string all = _text.ToString();
            _awaited.RemoveAll(a => all.Contains(a.Text, StringComparison.Ordinal) && a.Seen.TrySetResult());
        }
    }
}

/// <summary>A port of loopback that nobody else is given; bound and not listened on, so that a program can still have it.</summary>
public sealed class LoopbackPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public LoopbackPort() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>Its number.</summary>
    public int Number => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public void Dispose() => _socket.Dispose();
}
