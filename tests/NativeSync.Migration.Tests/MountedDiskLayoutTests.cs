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
    [InlineData(3)]
    [InlineData(4)]
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
        while (Turns.Length == 0)
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
        Assert.Single(Turns);
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
        await File.WriteAllTextAsync(Path.Combine(_root, "mnt/.turn.7"), $"{gone.Id} 1\n");
        await PrepareAsync(0);
        Assert.Equal([Path.Combine(_root, "mnt/.turn.8")], Turns);
    }

    /// <summary>It saw that it was nobody's turn, and is slow to take it: another has had it meanwhile, and one has the next.</summary>
    [Fact]
    public async Task OfTwoThatFindTheDisksFreeTheSlowerOneWaits()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Stub("ln", $"if mkdir '{_root}/paused' 2>/dev/null; then read -r go < '{_root}/gate'; fi\nexec /bin/ln \"$@\"\n");
        Assert.Equal(0, await ShellAsync($"mkfifo '{_root}/gate'"));
        DiskAssignment chosen = new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4", Partition = 1 };
        Task slow = new MountedDiskLayout(new ClientSettings { Format = FormatConsent.All }, [], null, "slow").PrepareAsync(new ShellRescue(_root), Plan(0), [chosen], CancellationToken.None);
        await UntilAsync(() => Directory.Exists(Path.Combine(_root, "paused")));
        await PrepareAsync(new ShellRescue(_root), [], "fast", CancellationToken.None, 0);
        await new MountedDiskLayout().ReleaseAsync(new ShellRescue(_root), CancellationToken.None);
        Assert.Equal(0, await ShellAsync($"mkfifo '{_root}/slow'"));
        Task next = PrepareAsync(new ShellRescue(_root), [], "next", CancellationToken.None, 0);
        await UntilAsync(() => Begun.Length == 2);
        Assert.Single(Turns);
        File.Delete(Path.Combine(_root, "waits"));
        await File.WriteAllTextAsync(Path.Combine(_root, "gate"), "go\n");
        await UntilAsync(() => Begun.Length > 2 || File.Exists(Path.Combine(_root, "waits")));
        Assert.Equal(2, Begun.Length);
        await File.WriteAllTextAsync(Path.Combine(_root, "slow"), "go\n");
        await next;
        await slow;
        Assert.Equal(2, Begun.Length);
    }

    /// <summary>It is the partition that it was to be, and not the one that firmware starts from, which is all that can be mounted now.</summary>
    [Fact]
    public async Task AFileSystemWhoseMakingWasKilledIsMadeAgain()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        File.WriteAllText(Path.Combine(_root, "kind", $"virtio-{SystemDisk}-part1"), "vfat\n");
        File.WriteAllText(Path.Combine(_root, "killed"), "");
        List<int> formatted = [];
        DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
        int? saved = null;
        MountedDiskLayout layout = new(new ClientSettings { Format = FormatConsent.All }, formatted, () => saved = disks[0].Partition, "this");
        await Assert.ThrowsAsync<MigrationException>(() => layout.PrepareAsync(new ShellRescue(_root), Plan(0), disks, CancellationToken.None));
        Assert.Equal(2, saved);
        Assert.Empty(formatted);

        // The rescue system is started anew, and knows nothing.
        Restart();
        await layout.PrepareAsync(new ShellRescue(_root), Plan(0), disks, CancellationToken.None);
        string root = $"{_root}/by-id/virtio-{SystemDisk}-part2";
        Assert.Equal([root], Made);
        Assert.Equal(root, disks[0].Device);
        Assert.Equal([0], formatted);

        // Neither does it later; there is no system on it yet.
        Restart();
        await layout.PrepareAsync(new ShellRescue(_root), Plan(0), disks, CancellationToken.None);
        Assert.Equal([root], Made);
        Assert.Equal(root, disks[0].Device);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ThePartitionThatFirmwareStartsFromNeverTakesTheSystem(bool byTable)
    {
        Partition(SystemDisk, "-part1", "EFI", "etc", "usr");
        File.WriteAllText(Path.Combine(_root, "by-id", $"virtio-{SystemDisk}-part2"), "");
        if (byTable)
        {
            Stub("blkid", "case \"$*\" in *PART_ENTRY_TYPE*-part1) echo c12a7328-f81f-11d2-ba4b-00a0c93ec93b;; esac\n");
        }
        else
        {
            File.WriteAllText(Path.Combine(_root, "kind", $"virtio-{SystemDisk}-part1"), "vfat\n");
        }

        foreach (FormatConsent format in (FormatConsent[])[FormatConsent.Never, FormatConsent.All])
        {
            MountedDiskLayout layout = new(new ClientSettings { Format = format }, [], null, "this");
            DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
            MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => layout.PrepareAsync(new ShellRescue(_root), Plan(0), disks, CancellationToken.None));
            Assert.Contains("no partition of", e.Message, StringComparison.Ordinal);
            Assert.Empty(Begun);
        }

        // An empty file system beside it, made by somebody, is the one that is meant.
        Partition(SystemDisk, "-part2", "lost+found");
        await PrepareAsync(new ShellRescue(_root), [], "this", CancellationToken.None, 0);
        Assert.Equal([$"{_root}/by-id/virtio-{SystemDisk}-part2"], Made);
    }

    [Fact]
    public async Task WhatWasKilledWhileItLookedMisleadsNobody()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        File.WriteAllText(Path.Combine(_root, "killed-looking"), "");
        await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0));
        Assert.Contains("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        await PrepareAsync(0);
        Assert.Contains($"{SystemDisk}-part2 {_root}/mnt/system ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.DoesNotContain("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    /// <summary>The notes outlast a restart where /mnt is on a disk, and the kernel's names do not: disk 1 is what disk 2 was.</summary>
    [Fact]
    public async Task DisksThatChangedTheirNamesAreKnownByTheirIds()
    {
        string[] ids = ["disk-data0001", "disk-data0002"];
        Stub("sfdisk", "cat >/dev/null\nfor d; do :; done\n: > \"${d}1\"\n");
        Attach("vdb", "vdc");
        List<int> formatted = [];
        MountedDiskLayout layout = new(new ClientSettings { Format = FormatConsent.All, Partition = TableConsent.All }, formatted, null, "this");
        await PrepareBothAsync();
        Assert.Equal([$"{_root}/vdb1", $"{_root}/vdc1"], Made);
        Directory.CreateDirectory(Path.Combine(_root, "vdb1.fs/first"));
        Directory.CreateDirectory(Path.Combine(_root, "vdc1.fs/second"));

        Restart(keepsNotes: true);
        foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[("vdb1.fs", "x"), ("vdc1.fs", "vdb1.fs"), ("x", "vdc1.fs")])
        {
            Directory.Move(Path.Combine(_root, from), Path.Combine(_root, to));
        }

        Attach("vdc", "vdb");
        await PrepareBothAsync();
        MustBeRight();

        // Also what is mounted is, by whatever came before: another disk's makes room.
        string mounts = File.ReadAllText(Mounts).Replace("vdb1", "x", StringComparison.Ordinal).Replace("vdc1", "vdb1", StringComparison.Ordinal).Replace("x ", "vdc1 ", StringComparison.Ordinal);
        File.WriteAllText(Mounts, mounts);
        await PrepareBothAsync();
        MustBeRight();

        // Another disk in the place of the first has not been made.
        await layout.ReleaseAsync(new ShellRescue(_root), CancellationToken.None);
        formatted.Clear();
        ids[0] = "disk-data0003";
        Attach("vdd", "vdb");
        await PrepareBothAsync();
        Assert.Equal([$"{_root}/vdb1", $"{_root}/vdc1", $"{_root}/vdd1"], Made);

        Task PrepareBothAsync() => layout.PrepareAsync(
            new ShellRescue(_root), Plan(1, 2), [new DiskAssignment { Index = 1, DiskId = ids[0], SourceType = "ext4" }, new DiskAssignment { Index = 2, DiskId = ids[1], SourceType = "ext4" }], CancellationToken.None);

        void MustBeRight()
        {
            Assert.Equal(2, Made.Length);
            Assert.Contains($"{_root}/vdc1 {_root}/mnt/disk1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
            Assert.Contains($"{_root}/vdb1 {_root}/mnt/disk2 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
            Assert.True(Directory.Exists(Path.Combine(_root, "mnt/disk1/first")));
            Assert.True(Directory.Exists(Path.Combine(_root, "mnt/disk2/second")));
        }

        void Attach(params string[] names)
        {
            for (int i = 0; i < names.Length; i++)
            {
                string link = Path.Combine(_root, "by-id", "virtio-" + ids[i]);
                File.Delete(link);
                File.CreateSymbolicLink(link, Path.Combine(_root, names[i]));
                File.WriteAllText(Path.Combine(_root, names[i]), "");
                Directory.CreateDirectory(Path.Combine(_root, "class", names[i]));
                File.WriteAllText(Path.Combine(_root, "class", names[i], "size"), "41943040\n");
            }
        }
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

    private string[] Turns => Directory.GetFiles(Path.Combine(_root, "mnt"), ".turn.*");

    private string[] Begun => File.Exists(Path.Combine(_root, "begun")) ? File.ReadAllLines(Path.Combine(_root, "begun")) : [];

    private string[] Made => File.Exists(Path.Combine(_root, "made")) ? File.ReadAllLines(Path.Combine(_root, "made")) : [];

    private static PlannedFileSystem[] Plan(params int[] indexes) => [.. indexes.Select(i => new PlannedFileSystem(i, i == 0 ? "/" : "/data", "/"u8.ToArray(), []))];

    private void Restart(bool keepsNotes = false)
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

    private static async Task UntilAsync(Func<bool> met)
    {
        while (!met())
        {
            await Task.Yield();
        }
    }

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
