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
/// <param name="temporary">Where what a command prints is kept; null for the machine's directory for that.</param>
internal sealed class ChrootShell(string root, IRootTree tree, TimeSpan? limit = null, string? temporary = null) : IRootShell, IDisposable
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
    private const string ToFile = """f=$1; shift; exec "$@" >"$f" 2>&1 </dev/null""";

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

            // What a run that was killed has left would hold the locks of this one's commands.
            _left = LeftProcesses.After(output.TrimEnd('\n'));
            _left.End();
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
            _mounted = false;
            try
            {
                Execute("/bin/sh", ["-c", Unmount], "/dev/null");
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // No memory for a process: what is mounted is found when the disk is let go of.
            }
        }
    }

    /// <summary>Runs a program to its own end; what it leaves behind is not waited for.</summary>
    private (int ExitCode, string Output) Start(string program, string[] arguments)
    {
        string file = Path.Combine(temporary ?? Path.GetTempPath(), $"nativesync-{Guid.NewGuid():N}");
        try
        {
            new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
            int code = Execute(program, arguments, file);
            string output = Encoding.Latin1.GetString(File.ReadAllBytes(file));
            return (code, output.Length == 0 || output.EndsWith('\n') ? output : output + "\n");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return (-1, $"{program} cannot be started: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (-1, $"what {program} prints cannot be kept in {file} ({e.Message.TrimEnd('.')}): is there room?");
        }
        finally
        {
            if (File.Exists(file))
            {
                File.Delete(file);
            }
        }
    }

    private int Execute(string program, string[] arguments, string file)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", ToFile, "sh", file, program, .. arguments]);
        start.Environment[LeftProcesses.Mark] = "1";
        if (program != "chroot")
        {
            start.Environment["ROOT"] = root;
        }

        using Process process = Process.Start(start)!;
        if (!process.WaitForExit(limit ?? Limit))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        return process.ExitCode;
    }
}
