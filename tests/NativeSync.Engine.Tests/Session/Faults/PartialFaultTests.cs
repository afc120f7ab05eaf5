using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// --partial with --backup: what came of a file takes its name as a complete one does, or not at all. --delay-updates with hard links:
/// whatever could not be opened at the end, the next run leaves nothing aside.
/// </summary>
public sealed class PartialFaultTests : IDisposable
{
    private readonly FaultGround _ground = new("/dev/shm/ns-fault-" + Path.GetRandomFileName());

    private bool _begun;

    /// <summary>The large file has grown by what takes many writes.</summary>
    public PartialFaultTests() => FaultGround.Shell($"cd {_ground.Root}; head -c 1000000 /dev/urandom >>model/d1/big; rm -r src; cp -a model src");

    public void Dispose() => _ground.Dispose();

    [Theory]
    [InlineData("suffix")]
    [InlineData("directory")]
    [InlineData("other file system")]
    public async Task WhicheverWriteFailsTheOldContentIsThereOrInItsBackup(string backups)
    {
        var shown = 0;
        var failed = 1;
        for (var n = 0; failed > 0; n++)
        {
            _ground.Reset();
            var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance);
            faulty.Fail(c => c.Kind is SystemCall.Write or SystemCall.WriteAt && c.IndexOfKind == n, Errno.EIO);
            var result = await _ground.RunAsync(Options(backups), receiver: faulty);
            failed = faulty.Failures;
            Assert.True(faulty.OpenHandles == 0 && !_ground.Temporaries().Any(), $"write {n}: {result}\nleft: {string.Join(' ', _ground.Temporaries())}");
            shown += await AssertTheOldContentIsKeptAsync(backups, $"write {n}: {result}");
        }

        Assert.True(shown > 0, "no write left a part under the name of its file");
    }

    [Theory]
    [InlineData("suffix")]
    [InlineData("directory")]
    [InlineData("other file system")]
    public async Task WhereverTheLineBreaksTheOldContentIsThereOrInItsBackup(string backups)
    {
        CuttingLane? whole = null;
        _ground.Reset();
        await _ground.RunAsync(Options(backups), line: lane => whole = new CuttingLane(lane, long.MaxValue));
        var total = whole!.BytesRead;
        var cuts = TestRun.IsQuick ? 8 : 32;
        for (var i = 1; i < cuts; i++)
        {
            _ground.Reset();
            var result = await _ground.RunAsync(Options(backups), line: lane => new CuttingLane(lane, total * i / cuts));
            Assert.False(_ground.Temporaries().Any(), $"left: {string.Join(' ', _ground.Temporaries())}");
            await AssertTheOldContentIsKeptAsync(backups, $"cut after {total * i / cuts} of {total}: {result}");
        }
    }

    [Fact]
    public async Task WhatCannotBeKeptIsNotReplacedByAPart()
    {
        _ground.Reset();
        var refused = 0;
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).FailAll(SystemCall.LinkAt, Errno.EPERM);
        faulty.Fail(c => c.Kind == SystemCall.RenameAt && c.Name == "big~" && ++refused > 0, Errno.EIO);
        faulty.Fail(IsWriteBehindABeginning, Errno.EIO);
        var result = await _ground.RunAsync(Options("suffix"), receiver: faulty);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(1, refused);
        AssertTheOldContentHasItsName();
    }

    [Fact]
    public async Task NothingAtAllDoesNotReplaceTheOldContent()
    {
        _ground.Reset();
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).FailAll(SystemCall.WriteAt, Errno.EIO).FailAll(SystemCall.Write, Errno.EIO).FailAll(SystemCall.Clone, Errno.EOPNOTSUPP);
        var result = await _ground.RunAsync(Unkept, receiver: faulty);
        Assert.Contains(result.Report!.Problems, p => ByteText.Escape(p.Path) == "d1/big");
        AssertTheOldContentHasItsName();
    }

    /// <summary>A run that comes again before the end of the one before was noticed may have brought all of it meanwhile.</summary>
    [Fact]
    public async Task APartDoesNotReplaceWhatGotItsNameMeanwhile()
    {
        _ground.Reset();
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance);
        faulty.Fail(
            c =>
            {
                var before = _begun;
                var fails = IsWriteBehindABeginning(c);
                if (_begun && !before)
                {
                    File.Copy(Path.Combine(_ground["model"], "d1/big"), Path.Combine(_ground["tmp"], "later"));
                    File.Move(Path.Combine(_ground["tmp"], "later"), Path.Combine(_ground["dst"], "d1/big"), overwrite: true);
                }

                return fails;
            },
            Errno.EIO);
        Assert.NotEqual(0, (await _ground.RunAsync(Unkept, receiver: faulty)).ExitCode);
        Assert.Equal(_ground.Look("model")["d1/big"], _ground.Look("dst")["d1/big"]);
        Assert.Empty(_ground.Temporaries());
    }

    /// <summary>It is no older than some sources (all files of an OSTree are of 1970), and is no content that somebody wants to keep.</summary>
    [Fact]
    public async Task APartIsCompletedByUpdateHoweverOldTheSourceAndDeletedWithItsBackupKept()
    {
        FaultGround.Shell($"cd {_ground.Root}; touch -d @0 model/d1/big src/d1/big");
        _ground.Reset();
        var options = Options("suffix");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(IsWriteBehindABeginning, Errno.EIO);
        await _ground.RunAsync(options with { Flags = options.Flags & ~JobFlags.Update }, receiver: faulty);
        Assert.True(_ground.IsBeginning("d1/big"));
        FaultGround.Shell($"cd {_ground.Root}; cp -a dst part/dst");
        Assert.Equal(0, (await _ground.RunAsync(options with { Flags = options.Flags | JobFlags.Update })).ExitCode);
        Assert.Equal(_ground.Look("model")["d1/big"], _ground.Look("dst")["d1/big"]);
        Assert.Equal(_ground.Look("old")["d1/big"], _ground.Look("dst")["d1/big~"]);

        FaultGround.Shell($"cd {_ground.Root}; rm -r dst src/d1/big; mv part/dst dst");
        Assert.Equal(0, (await _ground.RunAsync(options with { Flags = options.Flags | JobFlags.Delete, Rules = [FaultGround.Bytes("P *~")] })).ExitCode);
        Assert.False(File.Exists(Path.Combine(_ground["dst"], "d1/big")));
        Assert.Equal(_ground.Look("old")["d1/big"], _ground.Look("dst")["d1/big~"]);
    }

    /// <summary>The next run would look past it for ever.</summary>
    [Fact]
    public async Task NoPartIsShownToARunThatIgnoresWhatExists()
    {
        _ground.Reset();
        File.Delete(Path.Combine(_ground["dst"], "d1/big"));
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(IsWriteBehindABeginning, Errno.EIO);
        Assert.NotEqual(0, (await _ground.RunAsync(Unkept with { Flags = Unkept.Flags | JobFlags.IgnoreExisting }, receiver: faulty)).ExitCode);
        Assert.False(File.Exists(Path.Combine(_ground["dst"], "d1/big")));
        Assert.Empty(_ground.Temporaries());
    }

    /// <summary>It is kept before a rename that may fail: not where that is bound to, since temporary files are on another file system.</summary>
    [Fact]
    public async Task WhatCannotBeBroughtFromAnotherFileSystemTakesNoBackup()
    {
        _ground.Reset();
        File.WriteAllText(Path.Combine(_ground["dst"], "d1/big~"), "an older one");
        var refused = 0;
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
            c => c.Kind == SystemCall.OpenAt && c.Name.StartsWith(".big.", StringComparison.Ordinal) && ++refused > 0, Errno.EIO);
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.Backup, TempDirectory = FaultGround.Bytes(_ground.Other) };
        Assert.NotEqual(0, (await _ground.RunAsync(options, receiver: faulty)).ExitCode);
        Assert.Equal(2, refused); // new/big, too
        AssertTheOldContentHasItsName();
        Assert.Equal("an older one", File.ReadAllText(Path.Combine(_ground["dst"], "d1/big~")));
    }

    /// <summary>The first of its set is in its place by then, and the next run links to that.</summary>
    [Theory]
    [InlineData("d1")]
    [InlineData(".~tmp~")]
    public async Task ALinkThatCouldNotTakeItsPlaceIsNotLeftAside(string unopened)
    {
        _ground.Reset();
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.DelayUpdates, Rules = [FaultGround.Bytes("-p .~tmp~/")] };
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
            c => c.Kind is SystemCall.OpenAt or SystemCall.OpenBeneath && c.Name == unopened && File.ReadAllText(Path.Combine(_ground["dst"], "d0/f2")).StartsWith("new", StringComparison.Ordinal), Errno.EMFILE);
        var result = await _ground.RunAsync(options, receiver: faulty);
        Assert.Equal(23, result.ExitCode);
        Assert.True(File.Exists(Path.Combine(_ground["dst"], "d1/.~tmp~/hard")), result.ToString());
        var again = await _ground.RunAsync(options);
        Assert.True(again.ExitCode == 0, $"{result}\nand then {again}");
        Assert.True(!_ground.Look("dst").Keys.Any(p => Path.GetFileName(p) == ".~tmp~"), $"{result}\na place for delayed files is left");
        Assert.Empty(_ground.Difference(delete: false));
    }

    private static SyncOptions Unkept { get; } = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.Partial };

    private SyncOptions Options(string backups) => FaultGround.Base with
    {
        Flags = FaultGround.Base.Flags | JobFlags.Partial | JobFlags.Backup,
        BackupDirectory = backups switch { "directory" => FaultGround.Bytes(_ground["bak"]), "suffix" => null, _ => FaultGround.Bytes(_ground.Other) },
    };

    /// <summary>From when some of the large file is there, however the threads took turns until then.</summary>
    private bool IsWriteBehindABeginning(CallInfo call) => call.Kind is SystemCall.Write or SystemCall.WriteAt
        && (_begun = _begun || Directory.GetFiles(Path.Combine(_ground["dst"], "d1"), ".big.*").Any(f => new FileInfo(f).Length > 0));

    private void AssertTheOldContentHasItsName()
    {
        Assert.Equal(_ground.Look("old")["d1/big"], _ground.Look("dst")["d1/big"]);
        Assert.Empty(_ground.Temporaries());
    }

    /// <summary>
    /// As it is, and after as many runs as it takes: what came of one does not take the place of the backup. 1 when there is a part under
    /// the file's name.
    /// </summary>
    private async Task<int> AssertTheOldContentIsKeptAsync(string backups, string story)
    {
        var (old, model, here) = (_ground.Look("old")["d1/big"], _ground.Look("model")["d1/big"], _ground.Look("dst")["d1/big"]);
        Assert.True(here == old || Kept() == old, story + "\nthe old content is gone");
        if (here == old || here == model)
        {
            return 0;
        }

        Assert.True(_ground.IsBeginning("d1/big"), story + "\nwhat has the name is no beginning of the content");
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(Path.Combine(_ground["dst"], "d1/big")).Date);
        var again = await _ground.RunAsync(Options(backups) with { Flags = Options(backups).Flags | JobFlags.Update });
        Assert.True(again.ExitCode == 0 && _ground.Look("dst")["d1/big"] == model, $"{story}\nand then {again}");
        Assert.True(Kept() == old, story + "\nwhat came of it has taken the place of the backup");
        return 1;

        string? Kept() => backups switch
        {
            "directory" => _ground.Look("bak").GetValueOrDefault("d1/big"),
            "suffix" => _ground.Look("dst").GetValueOrDefault("d1/big~"),
            _ => _ground.Look(_ground.Other).GetValueOrDefault("d1/big"),
        };
    }
}
