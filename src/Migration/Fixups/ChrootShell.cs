using System.Diagnostics;
using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// Runs commands inside a root by chroot(8), with /dev, /proc, /sys and a /run of its own mounted there from the first command
/// until it is disposed. Needs sh, mount, umount and chroot of the machine around. A daemon that a command leaves behind inside the root
/// is ended with it, since the disks could not be let go of under one.
/// </summary>
/// <param name="root">Where the root is.</param>
/// <param name="tree">The same, for looking.</param>
/// <param name="limit">How long a command may take; null for half an hour.</param>
internal sealed class ChrootShell(string root, IRootTree tree, TimeSpan? limit = null) : IRootShell, IDisposable
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
        cd "$ROOT"; pwd -P
        """;

    private const string Unmount = """
        for m in run/udev run sys proc dev; do
          while grep -q " $ROOT/$m " /proc/mounts; do umount "$ROOT/$m" || umount -l "$ROOT/$m" || exit 1; done
        done
        """;

    /// <summary>To a file and not through a pipe: a daemon keeps that open, and nobody may wait for its end.</summary>
    private const string ToFile = """exec "$@" >"$OUT" 2>&1 </dev/null""";

    private LeftProcesses? _left;
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

            _left = LeftProcesses.After(output.TrimEnd('\n'));
        }

        (int, string) result = Start("chroot", [root, "/bin/sh", "-c", Surroundings + script]);
        _left?.End();
        return result;
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

    /// <summary>Runs a program to its own end; what it leaves behind is not waited for.</summary>
    private (int ExitCode, string Output) Start(string program, string[] arguments)
    {
        string file = Path.GetTempFileName();
        ProcessStartInfo start = new("/bin/sh", ["-c", ToFile, "sh", program, .. arguments]);
        (start.Environment["ROOT"], start.Environment["OUT"]) = (root, file);
        try
        {
            using Process process = Process.Start(start)!;
            if (!process.WaitForExit(limit ?? Limit))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }

            string output = Encoding.Latin1.GetString(File.ReadAllBytes(file));
            return (process.ExitCode, output.Length == 0 || output.EndsWith('\n') ? output : output + "\n");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return (-1, $"{program} cannot be started: {e.Message}");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
