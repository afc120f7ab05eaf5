using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
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
        Stub("mkfs.ext4", $"for d; do :; done\n[ ! -e '{_root}/slow' ] || read -r go < '{_root}/slow'\necho \"$d\" >> '{_root}/made'\nrm -rf \"$d.fs\"\nmkdir -p \"$d.fs/lost+found\"\n");
        Stub("sleep", $": > '{_root}/waits'\nexec /bin/sleep 0.02\n");
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

    /// <summary>The line is cut before the answer of any one of the scripts came, which had done all it was to do.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task WhatWasMadeBeforeTheLineWasCutIsNotMadeAgain(int lost)
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        File.WriteAllText(Path.Combine(_root, "by-id", "virtio-" + DataDisk), "");
        List<int> formatted = [];
        ShellRescue system = new(_root) { LosesAnswer = lost };
        ReconnectOptions line = new() { Limit = TimeSpan.FromMinutes(1), FirstWait = TimeSpan.FromMilliseconds(1), LongestWait = TimeSpan.FromMilliseconds(1), WasReached = true };
        IReadOnlyList<byte[]> places = await LastingCall.RunAsync(system, line, ct => PrepareAsync(system, formatted, "this", ct, 0, 1), CancellationToken.None);
        Assert.Equal(2, places.Count);
        Assert.Equal(1, system.Reconnects);
        Assert.Equal([0, 1], formatted);
        Assert.Equal([$"{_root}/by-id/virtio-{SystemDisk}-part1", $"{_root}/by-id/virtio-{DataDisk}"], Made);
        Assert.Contains($"{SystemDisk}-part1 {_root}/mnt/system ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.Contains($"{DataDisk} {_root}/mnt/disk1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    /// <summary>sshd does not end what a lost connection had begun: mkfs goes on, and the same script comes again.</summary>
    [Fact]
    public async Task WhatALostConnectionHadBegunIsWaitedFor()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Assert.Equal(0, await ShellAsync($"mkfifo '{_root}/slow'"));
        Task first = PrepareAsync(new ShellRescue(_root), [], "this", CancellationToken.None, 0);
        while (!File.Exists(Path.Combine(_root, "mnt/.busy")))
        {
            await Task.Yield();
        }

        List<int> formatted = [];
        Task second = PrepareAsync(new ShellRescue(_root), formatted, "this", CancellationToken.None, 0);
        while (!File.Exists(Path.Combine(_root, "waits")))
        {
            await Task.Yield();
        }

        await File.WriteAllTextAsync(Path.Combine(_root, "slow"), "go\n");
        await first;
        await second;
        Assert.Single(Made);
        Assert.Equal([0], formatted);
        Assert.False(File.Exists(Path.Combine(_root, "mnt/.busy")));
    }

    /// <summary>What was sent over a line that seemed dead may arrive when the data is there and the disks have been let go.</summary>
    [Fact]
    public async Task AScriptThatComesTooLateFormatsNothing()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        ShellRescue system = new(_root);
        await PrepareAsync(system, [], "this", CancellationToken.None, 0);
        await new MountedDiskLayout().ReleaseAsync(system, CancellationToken.None);
        await PrepareAsync(system, [], "this", CancellationToken.None, 0);
        Assert.Single(Made);

        // Another migration has the user's word for it.
        await new MountedDiskLayout().ReleaseAsync(system, CancellationToken.None);
        await PrepareAsync(system, [], "another", CancellationToken.None, 0);
        Assert.Equal(2, Made.Length);
    }

    [Fact]
    public async Task AScriptThatWasKilledHoldsUpNoOther()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        using Process gone = Process.Start("/bin/true")!;
        await gone.WaitForExitAsync();
        await File.WriteAllTextAsync(Path.Combine(_root, "mnt/.busy"), $"{gone.Id} 1\n");
        await PrepareAsync(0);
        Assert.False(File.Exists(Path.Combine(_root, "mnt/.busy")));
    }

    /// <summary>The second answer has all that the lost one had, the new swap's UUID among it.</summary>
    [Fact]
    public async Task ANewTableIsNotMadeAgainAndItsSwapIsTold()
    {
        string disk = Path.Combine(_root, "by-id", "virtio-" + SystemDisk);
        File.WriteAllText(disk, "");
        Directory.CreateDirectory(Path.Combine(_root, "class/virtio-" + SystemDisk));
        File.WriteAllText(Path.Combine(_root, "class/virtio-" + SystemDisk, "size"), "41943040\n");
        Stub("sfdisk", $"cat >/dev/null\nfor d; do :; done\necho table >> '{_root}/made'\n: > \"${{d}}p1\"\n: > \"${{d}}p2\"\n");
        Stub("mkswap", ":\n");
        Stub("blkid", "for d; do :; done\necho \"uuid-of-${d##*/}\"\n");
        List<int> formatted = [];
        DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
        ClientSettings client = new() { Format = FormatConsent.All, Partition = TableConsent.All, SwapMebibytes = 1024 };
        MountedDiskLayout layout = new(client, formatted, null, "this");
        await Assert.ThrowsAsync<TransportException>(() => layout.PrepareAsync(new ShellRescue(_root) { LosesAnswer = 1 }, Plan(0), disks, CancellationToken.None));
        Assert.Null(disks[0].SwapUuid);
        await layout.PrepareAsync(new ShellRescue(_root), Plan(0), disks, CancellationToken.None);
        Assert.Equal(["table", disk + "p1"], Made);
        Assert.Equal((disk + "p1", $"uuid-of-virtio-{SystemDisk}p1", $"uuid-of-virtio-{SystemDisk}p2"), (disks[0].Device, disks[0].Uuid, disks[0].SwapUuid));
        Assert.Equal([0], formatted);
    }

    private string[] Made => File.Exists(Path.Combine(_root, "made")) ? File.ReadAllLines(Path.Combine(_root, "made")) : [];

    private static PlannedFileSystem[] Plan(params int[] indexes) => [.. indexes.Select(i => new PlannedFileSystem(i, i == 0 ? "/" : "/data", "/"u8.ToArray(), []))];

    private static async Task<int> ShellAsync(string script)
    {
        using Process process = Process.Start("/bin/sh", ["-c", script]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, List<int> formatted, string migration, CancellationToken ct, params int[] indexes)
        => new MountedDiskLayout(new ClientSettings { Format = FormatConsent.All }, formatted, null, migration).PrepareAsync(system, Plan(indexes),
            [new DiskAssignment { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }, new DiskAssignment { Index = 1, DiskId = DataDisk, SourceType = "ext4" }], ct);

    private Task<IReadOnlyList<byte[]>> PrepareAsync(params int[] indexes)
        => new MountedDiskLayout().PrepareAsync(
            new ShellRescue(_root),
            Plan(indexes),
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
