using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>
/// The scripts that find and mount disks, run by a real shell: device links, mount table and the mount commands are files
/// and stubs of the test, since the machine's own disks must not be within reach.
/// </summary>
public sealed class MountedDiskLayoutTests : IDisposable
{
    private const string SystemDisk = "disk-sys00001";
    private const string DataDisk = "disk-data0001";

    private readonly string _root = Directory.CreateTempSubdirectory("ns-layout-").FullName;

    public MountedDiskLayoutTests()
    {
        foreach (string directory in (string[])["by-id", "block", "mnt", "bin"])
        {
            Directory.CreateDirectory(Path.Combine(_root, directory));
        }

        File.WriteAllText(Mounts, "proc /proc proc rw 0 0\n");
        Stub("mount", $"[ -d \"$1.fs\" ] || exit 32\ncp -r \"$1.fs/.\" \"$2/\"\necho \"$1 $2 ext4 rw 0 0\" >> '{Mounts}'\n");
        Stub("umount", $"rm -rf \"$1\"/*\ngrep -v \" $1 \" '{Mounts}' > '{Mounts}.new'\nmv '{Mounts}.new' '{Mounts}'\n");
    }

    private string Mounts => Path.Combine(_root, "mounts");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task TheSystemIsFoundAmongThePartitionsAndDataDisksAreMountedBesideIt()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        Partition(DataDisk, "", "lost+found");
        IReadOnlyList<byte[]> places = await PrepareAsync(0, 1);
        Assert.Equal(["/mnt/nativesync/system/", "/mnt/nativesync/disk1/"], places.Select(Encoding.UTF8.GetString));
        Assert.Contains($"{SystemDisk}-part2 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.DoesNotContain("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);

        // Once more changes nothing.
        string before = File.ReadAllText(Mounts);
        await PrepareAsync(0, 1);
        Assert.Equal(before, File.ReadAllText(Mounts));

        await new MountedDiskLayout().ReleaseAsync(new ShellRescue(_root), CancellationToken.None);
        Assert.Equal("proc /proc proc rw 0 0\n", File.ReadAllText(Mounts));
    }

    [Fact]
    public async Task ADiskWithoutAFileSystemIsNotTouched()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        File.WriteAllText(Path.Combine(_root, "by-id", "virtio-" + DataDisk), "");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0, 1));
        Assert.Contains("has no file system; make one", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADiskWithSeveralFileSystemsIsAQuestion()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Partition(DataDisk, "-part1", "a");
        Partition(DataDisk, "-part2", "b");
        Assert.Contains("which of them takes the data?", (await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0, 1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADiskThatIsNotThereIsNamed()
    {
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0));
        Assert.Contains($"no disk with the id {SystemDisk}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADiskIdThatIsNoneNeverReachesAShell()
    {
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => new MountedDiskLayout().PrepareAsync(
            new ShellRescue(_root), [new PlannedFileSystem(0, "/", "/"u8.ToArray(), [])], [new DiskAssignment { Index = 0, DiskId = "disk-x; reboot" }], CancellationToken.None));
        Assert.Contains("unknown form", e.Message, StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<byte[]>> PrepareAsync(params int[] indexes)
        => new MountedDiskLayout().PrepareAsync(
            new ShellRescue(_root),
            [.. indexes.Select(i => new PlannedFileSystem(i, i == 0 ? "/" : "/data", "/"u8.ToArray(), []))],
            [new DiskAssignment { Index = 0, DiskId = SystemDisk }, new DiskAssignment { Index = 1, DiskId = DataDisk }], CancellationToken.None);

    private void Partition(string disk, string suffix, params string[] content)
    {
        string link = Path.Combine(_root, "by-id", "virtio-" + disk);
        File.WriteAllText(link, "");
        File.WriteAllText(link + suffix, "");
        foreach (string name in content)
        {
            Directory.CreateDirectory(Path.Combine(link + suffix + ".fs", name));
        }
    }

    private void Stub(string name, string body)
    {
        string path = Path.Combine(_root, "bin", name);
        File.WriteAllText(path, "#!/bin/sh\n" + body);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs scripts by /bin/sh with the machine's devices and mounts replaced.</summary>
    private sealed class ShellRescue(string root) : IRescueSystem
    {
        public string HostKey => "";

        public string HostKeyFingerprint => "";

        public Task<IConnection> StartAgentAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<string> AgentPathAsync(CancellationToken ct) => throw new NotSupportedException();

        public async Task<RescueCommandResult> RunAsync(string script, CancellationToken ct)
        {
            script = script
                .Replace("/dev/disk/by-id", root + "/by-id", StringComparison.Ordinal)
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
            return new RescueCommandResult(process.ExitCode, output, await error);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
