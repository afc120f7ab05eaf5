using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;
/// <summary>
/// Disks for the scripts that find and mount them, run by a real shell: device links, mount table and the mount commands are files
/// and stubs of the test, since the machine's own disks must not be within reach.
/// </summary>
public abstract class DoublesOfDisks : IDisposable
{
    protected const string SystemDisk = "disk-sys00001";
    protected const string DataDisk = "disk-data0001";

    private readonly string _root = Directory.CreateTempSubdirectory("ns-layout-").FullName;

    protected string Root => _root;

    protected DoublesOfDisks()
    {
        foreach (string directory in (string[])["by-id", "block", "mnt", "bin", "kind"])
        {
            Directory.CreateDirectory(Path.Combine(_root, directory));
        }

        File.WriteAllText(Mounts, "proc /proc proc rw 0 0\n");
        Stub("mount", $"[ -d \"$1.fs\" ] || exit 32\ncp -r \"$1.fs/.\" \"$2/\"\nt=ext4\nk='{_root}/kind/'${{1##*/}}\n[ ! -e \"$k\" ] || read -r t < \"$k\"\necho \"$1 $2 $t rw 0 0\" >> '{Mounts}'\n");
        Stub("mkfs.ext4", $"for d; do :; done\necho \"$d\" >> '{_root}/begun'\nrm -rf \"$d.fs\"\nif [ -e '{_root}/killed' ]; then rm '{_root}/killed'; kill -9 $PPID; exit; fi\n[ ! -e '{_root}/slow' ] || read -r go < '{_root}/slow'\necho \"$d\" >> '{_root}/made'\nmkdir -p \"$d.fs/lost+found\"\n");
        Stub("sleep", $": > '{_root}/waits'\nexec /bin/sleep 0.02\n");
        Stub("umount", $"if [ -e '{_root}/killed-looking' ]; then rm '{_root}/killed-looking'; kill -9 $PPID; exit; fi\nrm -rf \"$1\"/*\ngrep -v \" $1 \" '{Mounts}' > '{Mounts}.new'\nmv '{Mounts}.new' '{Mounts}'\n");
    }

    protected string Mounts => Path.Combine(_root, "mounts");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    protected string[] Turns => Directory.GetFiles(Path.Combine(_root, "mnt"), ".turn.*");

    protected string[] Begun => File.Exists(Path.Combine(_root, "begun")) ? File.ReadAllLines(Path.Combine(_root, "begun")) : [];

    protected string[] Made => File.Exists(Path.Combine(_root, "made")) ? File.ReadAllLines(Path.Combine(_root, "made")) : [];

    protected static PlannedFileSystem[] Plan(params int[] indexes) => [.. indexes.Select(i => new PlannedFileSystem(i, i == 0 ? "/" : "/data", "/"u8.ToArray(), []))];

    protected void Restart(bool keepsNotes = false)
    {
        File.WriteAllText(Mounts, "proc /proc proc rw 0 0\n");
        foreach (string directory in Directory.GetDirectories(Path.Combine(_root, "mnt")))
        {
            Directory.Delete(directory, recursive: true);
        }

        foreach (string note in keepsNotes ? [] : Directory.GetFiles(Path.Combine(_root, "mnt")))
        {
            File.Delete(note);
        }
    }

    protected static async Task UntilAsync(Func<bool> met)
    {
        while (!met())
        {
            await Task.Yield();
        }
    }

    protected static async Task<int> ShellAsync(string script)
    {
        using Process process = Process.Start("/bin/sh", ["-c", script]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    protected static Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, List<int> formatted, string migration, CancellationToken ct, params int[] indexes)
        => new MountedDiskLayout(new ClientSettings { Format = FormatConsent.All }, formatted, null, migration).PrepareAsync(system, Plan(indexes),
            [new DiskAssignment { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }, new DiskAssignment { Index = 1, DiskId = DataDisk, SourceType = "ext4" }], ct);

    protected Task<IReadOnlyList<byte[]>> PrepareAsync(params int[] indexes)
        => new MountedDiskLayout().PrepareAsync(
            new ShellRescue(_root),
            Plan(indexes),
            [new DiskAssignment { Index = 0, DiskId = SystemDisk }, new DiskAssignment { Index = 1, DiskId = DataDisk }], CancellationToken.None);

    protected void Partition(string disk, string suffix, params string[] content)
    {
        string link = Path.Combine(_root, "by-id", "virtio-" + disk);
        File.WriteAllText(link, "");
        File.WriteAllText(link + suffix, "");
        foreach (string name in content)
        {
            Directory.CreateDirectory(Path.Combine(link + suffix + ".fs", name));
        }
    }

    protected void Stub(string name, string body)
    {
        string path = Path.Combine(_root, "bin", name);
        File.WriteAllText(path, "#!/bin/sh\n" + body);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs scripts by /bin/sh with the machine's devices and mounts replaced.</summary>
    protected sealed class ShellRescue(string root) : IRescueSystem
    {
        private int _scripts;

        public string HostKey => "";

        public string HostKeyFingerprint => "";

        /// <summary>The number of the script whose answer does not come.</summary>
        public int LosesAnswer { get; init; }

        public int Reconnects { get; private set; }

        public Task ReconnectAsync(CancellationToken ct)
        {
            Reconnects++;
            return Task.CompletedTask;
        }

        public Task<IConnection> StartAgentAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<string> AgentPathAsync(CancellationToken ct) => throw new NotSupportedException();

        public async Task<RescueCommandResult> RunAsync(string script, CancellationToken ct)
        {
            script = script
                .Replace("/dev/disk/by-id", root + "/by-id", StringComparison.Ordinal)
                .Replace("/sys/class/block", root + "/class", StringComparison.Ordinal)
                .Replace("[ -b \"${part}1\" ]", "[ -f \"${part}1\" ]", StringComparison.Ordinal)
                .Replace("/sys/block", root + "/block", StringComparison.Ordinal)
                .Replace("/proc/mounts", root + "/mounts", StringComparison.Ordinal)
                .Replace("/mnt/nativesync", root + "/mnt", StringComparison.Ordinal)
                .Replace("[ -b \"$p\" ]", "[ -f \"$p\" ]", StringComparison.Ordinal);
            ProcessStartInfo start = new("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["PATH"] = $"{root}/bin:/usr/bin:/bin";
            using Process process = Process.Start(start)!;
            await process.StandardInput.WriteAsync((script + "\n").AsMemory(), ct);
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync(ct);
            string output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return ++_scripts == LosesAnswer ? throw new TransportException(255, "the line was cut by the test") : new RescueCommandResult(process.ExitCode, output, await error);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
