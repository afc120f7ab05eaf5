using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// The power goes at the destination. What a pass said to be done is on the disk. Of one that was not through, file systems may leave
/// what looks done and is not, for the seconds before (docs/journal.md), but no file that ends in a hole. The next pass finds the mark of
/// another boot, compares the contents of what was written since, and makes the trees equal.
/// </summary>
public sealed class PowerCutTests : IDisposable
{
    private const int Moments = 10;

    /// <summary>A watchdog; no pass takes a fiftieth of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Scratch _scratch = new();

    public PowerCutTests()
    {
        Fill("old", 1);
        Fill("src", 2);
    }

    public void Dispose() => _scratch.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task APowerCutLeavesNothingThatWasSaidToBeDoneAndIsNot(string fileSystem)
    {
        SyncTree.Shell($"cp -a {_scratch["old"]} {_scratch["counted"]}");
        FaultySystemCalls calls = new(LinuxSystemCalls.Instance);
        await PassAsync(_scratch["counted"], calls);
        var step = calls.Calls / Moments;

        PowerCutDisk disk = await PowerCutDisk.MountAsync(_scratch, fileSystem);
        await using (disk)
        {
            SyncTree.Shell($"cp -a {_scratch["old"]} {disk.MountPoint}/dst; sync -f {disk.MountPoint}");
            FaultySystemCalls watched = new(LinuxSystemCalls.Instance);
            watched.Fail(call => call.Index % step == step - 1 && CutAt(disk, call.Index / step), Errno.EIO);
            await PassAsync(disk.MountPoint + "/dst", watched);
            disk.Cut(_scratch["done"], 99);
            await disk.UnmountAsync();
        }

        await using (await PowerCutDisk.MountImageAsync(_scratch["done"], _scratch["after"]))
        {
            await TreeJudge.MustBeEqualAsync(_scratch["src"], _scratch["after/dst"]);
        }

        var images = Directory.GetFiles(_scratch.Root, "cut-*").Order(StringComparer.Ordinal).ToArray();
        Assert.InRange(images.Length, Moments - 2, Moments + 2);
        foreach (var image in images)
        {
            await using (await PowerCutDisk.MountImageAsync(image, _scratch["after"]))
            {
                AssertWhatLooksDoneIsDone(_scratch["after/dst"], Path.GetFileName(image), "hole-behind*");
                await PassAsync(_scratch["after/dst"], new OtherBoot(_scratch["boot"]));
                await TreeJudge.MustBeEqualAsync(_scratch["src"], _scratch["after/dst"]);
            }
        }
    }

    /// <summary>What a power cut leaves, made by hand: in the seconds before it a file got its name and its time, and not its content.</summary>
    /// <param name="isRead">False: as it would be without the mark, since the files are of the same boot.</param>
    /// <param name="clock">Seconds by which the clock was set back in the middle of the run.</param>
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 8 * 3600)]
    public async Task OfAnInterruptedRunWhatWasWrittenSinceItsBeginningIsComparedAfterAnotherBoot(bool isRead, int clock)
    {
        var destination = _scratch["dst"];
        SyncTree.Shell($"cp -a {_scratch["old"]} {destination}");
        string[] lost = [destination + "/d2/f3", destination + "/d5/f7"];
        await BreakOffAsync(destination, clock);
        Assert.True(File.Exists(destination + "/.nativesync-partial/unflushed"));
        foreach (var file in lost)
        {
            var source = _scratch["src"] + file[destination.Length..];
            SyncTree.Shell($"head -c $(stat -c %s {source}) /dev/zero >{file}; touch -r {source} {file}");
            if (clock != 0)
            {
                // What no test can give a file is a time of the kernel's that lies before it; the mark can lie behind it instead.
                var mark = File.ReadAllLines(destination + "/.nativesync-partial/unflushed");
                Assert.Equal(clock, long.Parse(mark[0].Split(' ')[1]) - long.Parse(mark[1].Split(' ')[1]), 5.0);
            }
        }

        await PassAsync(destination, isRead ? new OtherBoot(_scratch["boot"]) : LinuxSystemCalls.Instance);
        AssertWhatLooksDoneIsDone(destination, "after it", "large");
        Assert.Equal(isRead, lost.All(file => File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(_scratch["src"] + file[destination.Length..]))));
        if (isRead)
        {
            await TreeJudge.MustBeEqualAsync(_scratch["src"], destination);
        }
    }

    /// <summary>The power went again while the mark was written: whatever is left of it puts no less in doubt.</summary>
    [Fact]
    public async Task AMarkThatWasCutShortSaysNoLess()
    {
        var destination = _scratch["dst"];
        SyncTree.Shell($"cp -a {_scratch["old"]} {destination}");
        await BreakOffAsync(destination, 0);
        var mark = File.ReadAllBytes(destination + "/.nativesync-partial/unflushed");
        string lost = destination + "/d2/f3", source = _scratch["src/d2/f3"];
        foreach (var kept in (int[])[1, 36, 37, 41, mark.Length - 1])
        {
            SyncTree.Shell($"mkdir -p -m 700 {destination}/.nativesync-partial");
            await File.WriteAllBytesAsync(destination + "/.nativesync-partial/unflushed", mark[..kept]);
            SyncTree.Shell($"head -c $(stat -c %s {source}) /dev/zero >{lost}; touch -r {source} {lost}");
            await PassAsync(destination, new OtherBoot(_scratch["boot"]));
            Assert.True(File.ReadAllBytes(source).AsSpan().SequenceEqual(File.ReadAllBytes(lost)), $"{kept} bytes of the mark were left");
        }
    }

    /// <summary>Two passes of one boot follow one of another, and in the second of them the clock is set back: what the first one left in doubt stays so.</summary>
    [Fact]
    public async Task NoLaterLineOfTheMarkReplacesAnEarlierOne()
    {
        string destination = _scratch["dst"], mark = destination + "/.nativesync-partial/unflushed";
        SyncTree.Shell($"cp -a {_scratch["old"]} {destination}");
        List<string> expected = [];
        OtherBoot now = new(_scratch["now"]);
        foreach (var (boot, clock, lines) in ((OtherBoot, int, int)[])[(new(_scratch["before"]), 0, 1), (now, 0, 2), (now, 8 * 3600, 3)])
        {
            SyncTree.Shell($"rm {destination}/d*/f1*");
            await BreakOffAsync(destination, clock, boot);
            var found = File.ReadAllLines(mark);
            Assert.Equal(lines, found.Length);
            Assert.Equal(expected, found.Take(expected.Count));
            expected = [.. found];
        }
    }

    /// <summary>A pass whose power goes behind its last file: nothing is flushed, and nothing said to be done.</summary>
    private async Task BreakOffAsync(string destination, int clock, ISystemCalls? boot = null)
    {
        FaultySystemCalls calls = new(boot ?? LinuxSystemCalls.Instance);
        calls.Fail(call => call.Kind == SystemCall.SyncFileSystem, Errno.EIO);
        await Assert.ThrowsAsync<SessionException>(() => PassAsync(destination, calls, clock: new SetBack(calls, clock)));
    }

    /// <summary>A clock that is set back when half of the directories were looked at.</summary>
    private sealed class SetBack(FaultySystemCalls calls, int seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddSeconds(calls.CallsOf(SystemCall.ReadDirectory) > 8 ? -seconds : 0);
    }

    /// <summary>The machine was started anew.</summary>
    private sealed class OtherBoot : SystemCallsDecorator
    {
        private readonly byte[] _file;

        public OtherBoot(string file)
            : base(LinuxSystemCalls.Instance)
        {
            File.WriteAllText(file, Guid.NewGuid() + "\n");
            _file = ByteText.FromArgument(file);
        }

        public override int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0) =>
            base.OpenPath(operatorPath.SequenceEqual("/proc/sys/kernel/random/boot_id"u8) ? _file : operatorPath, flags, mode);
    }

    /// <summary>Takes an image; every other time behind a flush of something else, which makes the file system write down what it knows of all files.</summary>
    private bool CutAt(PowerCutDisk disk, long moment)
    {
        if (moment % 2 == 1)
        {
            using FileStream other = new(disk.MountPoint + "/other", FileMode.Append);
            other.WriteByte(1);
            other.Flush(flushToDisk: true);
        }

        disk.Cut(_scratch[$"cut-{moment:00}"], (ulong)moment);
        return false;
    }

    /// <summary>What has the size and the time of the source is not looked at again.</summary>
    private void AssertWhatLooksDoneIsDone(string destination, string what, string which)
    {
        foreach (var file in Directory.GetFiles(_scratch["src"], which, SearchOption.AllDirectories).Where(file => !file.EndsWith("/fifo", StringComparison.Ordinal)))
        {
            FileInfo source = new(file), copy = new(Path.Combine(destination, Path.GetRelativePath(_scratch["src"], file)));
            if (copy.Exists && copy.LinkTarget is null && copy.Length == source.Length && copy.LastWriteTimeUtc == source.LastWriteTimeUtc)
            {
                Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(copy.FullName)), $"{what}: {copy.FullName} looks done and is not");
            }
        }
    }

    private void Fill(string name, int seed)
    {
        Random random = new(seed);
        var root = _scratch[name];
        for (var d = 0; d < 6; d++)
        {
            Directory.CreateDirectory(Path.Combine(root, $"d{d}"));
            for (var f = 0; f < 25; f++)
            {
                Put($"d{d}/f{f + (d == 3 ? seed * 5 : 0)}", random.Next(1, 30_000), 0, 0);
            }

            Put($"d{d}/large", 1_300_000 + (d * 1000), 0, 0);
            Put($"d{d}/hole-behind{d / 2 * seed}", 50_000, 0, 300_000);
            Put($"d{d}/hole-in-front", 50_000, 200_000, 0);
        }

        SyncTree.Shell($"cd {root}; ln d1/large d2/hard; ln d3/f12 d0/hard; ln -s f{seed} d4/link; mkfifo d5/fifo; mkdir gone-{seed}; : > gone-{seed}/empty");

        void Put(string file, int length, int before, int behind)
        {
            var content = new byte[length];
            random.NextBytes(content);
            var path = Path.Combine(root, file);
            using (FileStream stream = new(path, FileMode.CreateNew))
            {
                stream.Position = before;
                stream.Write(content);
                stream.SetLength(before + length + behind);
            }

            File.SetLastWriteTimeUtc(path, new DateTime(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(seed));
        }
    }

    /// <summary>As a pass of a migration: it says that it is done when that is on the disks.</summary>
    private async Task PassAsync(string destination, ISystemCalls receiver, TimeProvider? clock = null)
    {
        var environment = SyncEnvironment.Default with { Io = receiver, Clock = clock ?? TimeProvider.System };
        await using InProcessConnection connection = new(async (lane, ct) => await Agent.ServeAsync(lane, environment, ct));
        SyncRequest request = new()
        {
            Sources = [ByteText.FromArgument(_scratch["src/"])],
            Destination = ByteText.FromArgument(destination),
            Options = SyncOptions.Archive with
            {
                Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Sparse | JobFlags.Xattrs | JobFlags.Acls | JobFlags.Delete,
                Durable = true,
                ResumeFrom = 1 << 20,
            },
        };
        var report = await Synchronizer.PushAsync(connection, request).WaitAsync(Patience);
        Assert.Equal(0, report.ExitCode);
    }
}
