using System.Diagnostics;
using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// Runs commands inside a root by chroot(8), with /dev, /proc, /sys and a /run of its own mounted there from the first command
/// until it is disposed. Needs sh, mount, umount and chroot of the machine around.
/// </summary>
internal sealed class ChrootShell(string root, IRootTree tree) : IRootShell, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    /// <summary>Answers nothing, so that a question of a package's script ends it.</summary>
    private const string Surroundings = "export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C LANG=C DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp; unset LD_PRELOAD LD_LIBRARY_PATH;\n";

    private const string Mount = """
        set -e
        mount --bind /dev "$ROOT/dev"
        mount -t proc proc "$ROOT/proc"
        mount -t sysfs sysfs "$ROOT/sys"
        mount -t tmpfs -o mode=0755 tmpfs "$ROOT/run"
        if [ -d /run/udev ]; then mkdir "$ROOT/run/udev"; mount --bind /run/udev "$ROOT/run/udev"; fi
        """;

    private const string Unmount = """
        for m in run/udev run sys proc dev; do
          while grep -q " $ROOT/$m " /proc/mounts; do umount "$ROOT/$m" || umount -l "$ROOT/$m" || exit 1; done
        done
        """;

    private bool _mounted;

    /// <inheritdoc/>
    public (int ExitCode, string Output) Run(string script, bool outside)
    {
        if (outside)
        {
            return Start("/bin/sh", ["-c", Surroundings + script]);
        }

        if (!_mounted)
        {
            foreach (string place in (string[])["dev", "proc", "sys", "run"])
            {
                if (tree.Kind(place) != RootEntryKind.Directory)
                {
                    return (-1, $"/{place} of the root is no directory");
                }
            }

            _mounted = true;
            (int code, string output) = Start("/bin/sh", ["-c", Mount]);
            if (code != 0)
            {
                return (-1, output);
            }
        }

        return Start("chroot", [root, "/bin/sh", "-c", Surroundings + script]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_mounted)
        {
            Start("/bin/sh", ["-c", Unmount]);
            _mounted = false;
        }
    }

    private (int ExitCode, string Output) Start(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
        };
        start.Environment["ROOT"] = root;
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            StringBuilder output = new();
            DataReceivedEventHandler note = (_, e) =>
            {
                lock (output)
                {
                    _ = e.Data is null ? output : output.Append(e.Data).Append('\n');
                }
            };
            process.OutputDataReceived += note;
            process.ErrorDataReceived += note;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            using Timer limit = new(_ => process.Kill(entireProcessTree: true), null, Limit, Timeout.InfiniteTimeSpan);
            process.WaitForExit();
            lock (output)
            {
                return (process.ExitCode, output.ToString());
            }
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return (-1, $"{program} cannot be started: {e.Message}");
        }
    }
}
