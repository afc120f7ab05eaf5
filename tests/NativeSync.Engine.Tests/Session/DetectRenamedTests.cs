using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Tests.Session.Faults;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.Session;

/// <summary>--detect-renamed: what is at the destination under another name is not sent, and nothing else is ever taken for it.</summary>
public sealed class DetectRenamedTests(ITestOutputHelper output) : IDisposable
{
    private static readonly DateTime When = new(2020, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AMovedDirectoryIsNotSent(bool delete)
    {
        _tree.Fill("src", seed: 3);
        await Push();
        var inode = Inode("dst/d1/f3");
        Directory.CreateDirectory(At("src/a/deep"));
        Directory.Move(At("src/d1"), At("src/a/deep/d1"));
        Directory.Move(At("src/d2"), At("src/z"));
        File.Move(At("src/large"), At("src/a/large"));
        var events = new Deletions();
        var report = await Push(delete ? JobFlags.Delete : 0, observer: events);

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete));
        Assert.Equal(delete, inode == Inode("dst/a/deep/d1/f3"));
        Assert.Equal(delete, !File.Exists(At("dst/large")));
        Assert.Equal(delete, events.Paths.Contains("large") && events.Paths.Contains("d1/f3"));
    }

    [Fact]
    public async Task WhatGoesToADirectoryComparedEarlierIsMovedToo()
    {
        Write("src/keep/anchor", "a", When);
        Write("src/z/file", new string('z', 100_000), When);
        await Push();
        var inode = Inode("dst/z/file");
        Directory.CreateDirectory(At("src/a"));
        File.Move(At("src/z/file"), At("src/a/other"));
        var report = await Push(JobFlags.Delete);

        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Equal(inode, Inode("dst/a/other"));
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task RotatedLogsAreCopiedFromOneNameToTheNext()
    {
        for (var i = 0; i < 5; i++)
        {
            Write($"src/log.{i}", new string((char)('a' + i), 50_000 + i), When.AddDays(-i));
        }

        await Push();
        for (var i = 4; i >= 0; i--)
        {
            File.Move(At($"src/log.{i}"), At($"src/log.{i + 1}"));
        }

        Write("src/log.0", new string('n', 1000), When.AddDays(1));
        var report = await Push(JobFlags.Delete);

        Assert.Equal(1000, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task TheDigestDecidesAndNotTheNameTheSizeOrTheTime()
    {
        Write("src/some/file", new string('n', 5000), When);
        for (var i = 0; i < 8; i++)
        {
            Write($"dst/old{i}/file", new string((char)('a' + i), 5000), When);
        }

        var report = await Push(JobFlags.Delete);
        Assert.Equal(5000, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task WhatStaysIsFoundThoughManyThatGoAreOfItsSizeAndTime()
    {
        Write("src/kept/file", new string('n', 5000), When);
        Write("src/new/file", new string('n', 5000), When);
        Write("dst/kept/file", new string('n', 5000), When);
        for (var i = 0; i < 8; i++)
        {
            Write($"dst/old{i}/file", new string((char)('a' + i), 5000), When);
        }

        var report = await Push(JobFlags.Delete);
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task OfManyOfOneNameTheOneWhosePathEndsMostAlikeIsTried()
    {
        for (var i = 0; i < 30; i++)
        {
            Write($"src/old/{i}/deep/Makefile", $"{i:D100}", When);
        }

        await Push();
        Directory.Move(At("src/old"), At("src/new"));
        var report = await Push(JobFlags.Delete);
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task OfManyOfOneTimeTheRightOneIsFoundByItsName()
    {
        for (var i = 0; i < 200; i++)
        {
            Write($"src/old/file{i}", $"{i:D100}", When);
        }

        await Push();
        Directory.Move(At("src/old"), At("src/new"));
        var report = await Push(JobFlags.Delete);
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Empty(Difference(delete: true));
    }

    [Fact]
    public async Task WhatTheRulesProtectNeverComesToLight()
    {
        var secret = new string('s', 5000);
        Write("src/guess", secret, When);
        Write("dst/private/secret", secret, When);
        var report = await Push(JobFlags.Delete, rules: ["- /private"]);
        Assert.Equal(5000, report.Statistics.LiteralBytes);
        Assert.True(File.Exists(At("dst/private/secret")));
    }

    [Fact]
    public async Task AFileWithOtherNamesIsCopiedAndTheyStayWhatTheyAre()
    {
        var content = new string('h', 5000);
        Write("src/kept", content, When);
        await Push();
        File.Delete(At("dst/kept"));
        Write("dst/kept", content, When);
        Link("dst/kept", "dst/extra");
        Write("src/new", content, When);
        File.SetUnixFileMode(At("src/new"), UnixFileMode.UserRead);
        var report = await Push(JobFlags.Delete);
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.NotEqual(Inode("dst/kept"), Inode("dst/new"));
        Assert.Empty(Difference(delete: true));
    }

    /// <summary>--inplace writes into the very file that is copied for another name: what was seen of it last is what is copied, or nothing.</summary>
    [Fact]
    public async Task WhatIsWrittenInPlaceMeanwhileIsNotTakenForWhatItWas()
    {
        var content = new string('h', 5000);
        Write("src/kept", content, When);
        await Push();
        Write("src/new", content, When);
        var report = await Push(there: new SyncEnvironment(new InPlaceWriter("new", At("dst/kept")), TimeProvider.System));
        Assert.Equal((0, 5000), (report.ExitCode, report.Statistics.LiteralBytes));
        Assert.Equal(content, File.ReadAllText(At("dst/new")));
    }

    [Fact]
    public async Task PermissionsDoNotComeAlongUnasked()
    {
        Write("src/one", new string('1', 5000), When);
        await Push();
        File.Move(At("src/one"), At("src/uno"));
        SyncTree.Shell($"chmod 600 {At("src/uno")}; chmod 4755 {At("dst/one")}");
        var report = await Push(JobFlags.Delete, options => options with { Flags = options.Flags & ~JobFlags.Permissions });
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.False(File.Exists(At("dst/one")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("dst/uno")));
    }

    [Fact]
    public async Task ABoundOnDeletionsHoldsForMoves()
    {
        Write("src/one", new string('1', 5000), When);
        Write("src/two", new string('2', 5000), When);
        await Push();
        File.Move(At("src/one"), At("src/uno"));
        File.Move(At("src/two"), At("src/due"));
        var report = await Push(JobFlags.Delete, options => options with { MaxDelete = 1 });
        Assert.Equal(0, report.Statistics.LiteralBytes);
        Assert.Equal(ExitCodes.DeleteLimit, report.ExitCode);
        Assert.Equal(3, Directory.GetFiles(At("dst")).Length);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task AnyShuffleOfNamesArrives()
    {
        for (var seed = 1; seed <= 12; seed++)
        {
            output.WriteLine($"NATIVESYNC_SEED={seed}");
            using var tree = new SyncTree();
            var shuffle = new Shuffle(tree.Root, seed, distinct: seed % 2 == 0);
            shuffle.Fill();
            Assert.Equal(0, (await Push(tree, 0, null, null, [])).ExitCode);
            shuffle.Change();
            var more = JobFlags.Delete | (seed % 2 == 0 ? 0 : JobFlags.Checksum) | (seed % 3 == 0 ? JobFlags.DelayUpdates : 0) | (seed % 4 == 0 ? JobFlags.InPlace : 0) | (seed % 5 == 0 ? JobFlags.WholeFile : 0);
            var timing = (DeleteTiming)(seed % 4);
            var report = await Push(tree, more & ~(seed % 4 == 0 ? JobFlags.DelayUpdates : 0), null, options => options with { DeleteTiming = timing }, []);
            Assert.Equal(0, report.ExitCode);
            Assert.Empty(tree.Difference("src/", "dst/"));
            Assert.Empty(tree.TemporaryFiles("dst"));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsThereTwiceIsSentOnce(bool isNew)
    {
        MakeTwins(isNew);
        var report = await Push();
        Assert.Equal((0, 1_400_000, 3), (report.ExitCode, report.Statistics.LiteralBytes, report.Statistics.FilesTransferred));
        Assert.Empty(Difference(delete: false));
        SyncTree.Shell($"rm -r {At("dst")}");
        Assert.Equal(2_200_000, (await Push(change: options => options with { DetectRenamed = false })).Statistics.LiteralBytes);
    }

    /// <summary>Who made it alike on purpose must not get what is his into it.</summary>
    [Theory]
    [InlineData("chown 12345")]
    [InlineData("chmod g+w")]
    [InlineData("chmod o+w")]
    [InlineData("setfacl -m u:12345:rw")]
    public async Task WhatAnotherOwnsOrMayWriteIsNeverTakenForIt(string change)
    {
        MakeTwins(isNew: true);
        SyncTree.Shell($"cd {At("src")}; touch -r a/second stamp; {change} a/second; touch -r stamp a/second; rm stamp");
        var report = await Push();
        Assert.Equal((0, 1_800_000), (report.ExitCode, report.Statistics.LiteralBytes));
        Assert.Empty(Difference(delete: false));
    }

    [Fact]
    public async Task WhatIsNotInItsPlaceAnyMoreIsSentAgain()
    {
        MakeTwins(isNew: true);
        var calls = new FaultySystemCalls(LinuxSystemCalls.Instance);
        calls.Fail(call => call is { Kind: SystemCall.OpenAt, Name: "first" }, Errno.ENOENT);
        var report = await Push(there: new SyncEnvironment(calls, TimeProvider.System));
        Assert.Equal((0, 2_200_000), (report.ExitCode, report.Statistics.LiteralBytes));
        Assert.Empty(Difference(delete: false));
        Assert.Equal(0, calls.OpenHandles);
    }

    [Fact]
    public async Task WhatCannotBePutInItsPlaceIsSentForTheOthers()
    {
        MakeTwins(isNew: false);
        var calls = new FaultySystemCalls(LinuxSystemCalls.Instance);
        calls.Fail(call => call is { Kind: SystemCall.RenameAt or SystemCall.LinkAt, Name: "first" }, Errno.EACCES);
        var report = await Push(there: new SyncEnvironment(calls, TimeProvider.System));
        Assert.Equal((ExitCodes.Partial, 1), (report.ExitCode, report.Statistics.Failed));
        SyncTree.Shell($"rm {At("src/a/first")}; touch -r {At("dst/a")} {At("src/a")}");
        Assert.Empty(Difference(delete: false));
        Assert.Equal((0, 0), (calls.OpenHandles, calls.BadCloses));
    }

    /// <summary>Before it is read, or after, when what was read is about to be copied.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatSomebodyElseWritesIntoTheFirstDoesNotGetIntoTheOthers(bool later)
    {
        MakeTwins(isNew: true);
        var report = await Push(there: new SyncEnvironment(new Meddler(At("dst/a/first"), later), TimeProvider.System));
        Assert.Equal((0, 2_200_000), (report.ExitCode, report.Statistics.LiteralBytes));
        Assert.Equal(400_001, new FileInfo(At("dst/a/first")).Length);
        SyncTree.Shell($"rm {At("src/a/first")} {At("dst/a/first")}; touch -r {At("src/a")} {At("dst/a")}");
        Assert.Empty(Difference(delete: false));
    }

    [Fact]
    public async Task WhatIsThereTwiceKeepsItsHolesAndItsOldFileAndGoesFromTheSource()
    {
        MakeTwins(isNew: false);
        SyncTree.Shell($"cd {At("src")}; for n in a b; do truncate -s 9M a/holes-$n; printf x | dd of=a/holes-$n bs=1 seek=5000000 conv=notrunc status=none; done; mkdir -p ../dst/z; echo old >../dst/z/third; cp -a . ../kept");
        var report = await Push(JobFlags.Backup | JobFlags.RemoveSourceFiles | JobFlags.WholeFile);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(1_400_000, report.Statistics.LiteralBytes - (report.Statistics.LiteralBytes % 100_000));
        Assert.Empty(SyncTree.Shell($"find {At("src")} -type f"));
        Assert.Empty(SyncTree.Shell($"rsync -naHi --checksum --omit-dir-times {At("kept/")} {At("dst/")}"));
        Assert.Equal("old\n", File.ReadAllText(At("dst/z/third~")));
        Assert.InRange(int.Parse(SyncTree.Shell($"du -k {At("dst/a/holes-b")} | cut -f 1"), System.Globalization.CultureInfo.InvariantCulture), 1, 1024);
    }

    /// <summary>Size and time are those of the source already: nothing but the content changes, and that is told.</summary>
    [Fact]
    public async Task WhatDiffersInContentAloneIsToldAsChanged()
    {
        MakeTwins(isNew: true);
        SyncTree.Shell($"cd {_tree.Root}; cp -a src dst; for n in a/first a/second z/third; do printf other | dd of=dst/$n bs=1 seek=300000 conv=notrunc status=none; touch -r src/$n dst/$n; done");
        var told = new Contents();
        var report = await Push(JobFlags.Checksum | JobFlags.WholeFile, observer: told);
        Assert.Equal((0, 400_000), (report.ExitCode, report.Statistics.LiteralBytes));
        Assert.Equal(["a/first", "a/second", "z/third"], told.Paths.Order(StringComparer.Ordinal));
        Assert.Empty(Difference(delete: false));
    }

    /// <summary>Three of one content, and two that begin as they do.</summary>
    private void MakeTwins(bool isNew)
    {
        var content = new byte[400_000];
        new Random(5).NextBytes(content);
        Directory.CreateDirectory(At("src/a"));
        Directory.CreateDirectory(At("src/z"));
        Directory.CreateDirectory(At(isNew ? "src" : "dst/old"));
        File.WriteAllBytes(At("src/a/first"), content);
        File.WriteAllBytes(At("src/a/second"), content);
        File.WriteAllBytes(At("src/z/third"), content);
        content[399_999]++;
        File.WriteAllBytes(At("src/z/other"), content);
        File.WriteAllBytes(At("src/a/longer"), [.. content, .. content.AsSpan(0, 200_000)]);
        if (!isNew)
        {
            File.WriteAllBytes(At("dst/old/unlike"), content.AsSpan(0, 100_000).ToArray());
        }

        SyncTree.Shell($"touch -d @1000000000 {At("src/a/second")}; chmod -R go-w {At("src")}");
    }

    private string At(string path) => Path.Combine(_tree.Root, path);

    private void Write(string path, string content, DateTime time)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), content);
        File.SetLastWriteTimeUtc(At(path), time);
    }

    private void Link(string from, string to) => SyncTree.Shell($"ln {At(from)} {At(to)}");

    private string Inode(string path) => SyncTree.Shell($"stat -c %i {At(path)}");

    private string Difference(bool delete) => delete ? _tree.Difference("src/", "dst/") : SyncTree.Shell($"rsync -naHi --checksum {At("src/")} {At("dst/")}");

    private Task<SyncReport> Push(JobFlags more = 0, Func<SyncOptions, SyncOptions>? change = null, string[]? rules = null, ISyncObserver? observer = null, SyncEnvironment? there = null) =>
        Push(_tree, more, observer, change, rules ?? [], there);

    private static async Task<SyncReport> Push(SyncTree tree, JobFlags more, ISyncObserver? observer, Func<SyncOptions, SyncOptions>? change, string[] rules, SyncEnvironment? there = null)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, there ?? SyncEnvironment.Default, ct));
        var request = tree.Request("src/", "dst", more);
        var options = request.Options with { DetectRenamed = true, Rules = [.. rules.Select(ByteText.FromArgument)] };
        request = request with { Options = change?.Invoke(options) ?? options };
        return await Synchronizer.PushAsync(connection, request, observer).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>Files of few sizes and times, moved about, swapped, changed and doubled.</summary>
    private sealed class Shuffle(string root, int seed, bool distinct)
    {
        private readonly Random _random = new(seed);
        private readonly string _source = Path.Combine(root, "src");

        public void Fill()
        {
            for (var i = 0; i < 80; i++)
            {
                Make(Name());
            }
        }

        public void Change()
        {
            for (var i = 0; i < 60; i++)
            {
                var files = Directory.GetFiles(_source, "*", SearchOption.AllDirectories);
                var one = files[_random.Next(files.Length)];
                var other = files[_random.Next(files.Length)];
                switch (_random.Next(6))
                {
                    case 0: Make(Name()); break;
                    case 1: File.Delete(one); break;
                    case 2: Swap(one, other); break;
                    case 3: Copy(one, Name()); break;
                    case 4: MoveDirectory(Path.GetDirectoryName(one)!); break;
                    default: Move(one, Name()); break;
                }
            }
        }

        private string Name() => Path.Combine(_source, $"d{_random.Next(4)}", $"e{_random.Next(4)}", $"f{_random.Next(30)}");

        private void Make(string path)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            // One time for one content, where nothing but size and time tells what is to be looked at.
            var letter = _random.Next(26);
            File.WriteAllText(path, new string((char)('a' + letter), new[] { 10, 300, 70_000 }[_random.Next(3)]));
            File.SetLastWriteTimeUtc(path, When.AddHours(distinct ? letter : _random.Next(3)));
        }

        private static void Copy(string from, string to)
        {
            if (from != to)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(from, to, overwrite: true);
                File.SetLastWriteTimeUtc(to, File.GetLastWriteTimeUtc(from));
            }
        }

        private static void Move(string from, string to)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Move(from, to, overwrite: true);
        }

        private static void Swap(string one, string other)
        {
            if (one != other)
            {
                File.Move(one, one + ".swap");
                File.Move(other, one);
                File.Move(one + ".swap", other);
            }
        }

        private void MoveDirectory(string path)
        {
            var to = Path.Combine(_source, $"moved{_random.Next(1000)}");
            if (path != _source && !Directory.Exists(to))
            {
                Directory.Move(path, to);
            }
        }
    }

    /// <summary>Gives a file another content when something is about to be made for a name.</summary>
    private sealed class InPlaceWriter(string name, string path) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override int OpenAt(int dirfd, ReadOnlySpan<byte> entry, OpenFlags flags, uint mode = 0)
        {
            if ((flags & OpenFlags.Create) != 0 && entry.StartsWith(FaultGround.Bytes($".{name}.")))
            {
                File.WriteAllText(path, "another content");
            }

            return base.OpenAt(dirfd, entry, flags, mode);
        }
    }

    /// <summary>Somebody who appends to a file once it is opened to be read, or has been read.</summary>
    private sealed class Meddler(string path, bool later) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private int _fd = -1;

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
        {
            var isIt = name.SequenceEqual("first"u8) && (flags & (OpenFlags.Create | OpenFlags.ReadWrite)) == 0 && File.Exists(path);
            if (isIt && !later)
            {
                Meddle();
            }

            var fd = base.OpenAt(dirfd, name, flags, mode);
            Volatile.Write(ref _fd, isIt ? fd : Volatile.Read(ref _fd));
            return fd;
        }

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            var count = base.ReadAt(fd, buffer, offset);
            if (later && fd == Volatile.Read(ref _fd) && offset + count == 400_000)
            {
                Meddle();
            }

            return count;
        }

        public override int Close(int fd)
        {
            Interlocked.CompareExchange(ref _fd, -1, fd);
            return base.Close(fd);
        }

        private void Meddle()
        {
            if (new FileInfo(path).Length == 400_000)
            {
                File.AppendAllText(path, "!");
            }
        }
    }

    private sealed class Contents : ISyncObserver
    {
        public System.Collections.Concurrent.ConcurrentBag<string> Paths { get; } = [];

        public void OnEntry(in EntryEvent entry)
        {
            if ((entry.Changes & Changes.Content) != 0 && entry.Kind is OutcomeKind.Updated or OutcomeKind.Copied)
            {
                Paths.Add(ByteText.Escape(entry.Path));
            }
        }

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
