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
            shown += AssertTheOldContentIsKept(backups, $"write {n}: {result}");
            Assert.True(faulty.OpenHandles == 0 && !_ground.Temporaries().Any(), $"write {n}: {result}\nleft: {string.Join(' ', _ground.Temporaries())}");
        }

        Assert.True(shown > 0, "no write left a part under the name of its file");
    }

    [Theory]
    [InlineData("suffix")]
    [InlineData("directory")]
    [InlineData("other file system")]
    public async Task WhereverTheLineBreaksTheOldContentIsThereOrInItsBackup(string backups)
    {
        var shown = 0;
        CuttingLane? whole = null;
        _ground.Reset();
        await _ground.RunAsync(Options(backups), line: lane => whole = new CuttingLane(lane, long.MaxValue));
        var total = whole!.BytesRead;
        for (var i = 1; i < (TestRun.IsQuick ? 8 : 32); i++)
        {
            _ground.Reset();
            var result = await _ground.RunAsync(Options(backups), line: lane => new CuttingLane(lane, total * i / 32));
            shown += AssertTheOldContentIsKept(backups, $"cut after {total * i / 32} of {total}: {result}");
            Assert.False(_ground.Temporaries().Any(), $"left: {string.Join(' ', _ground.Temporaries())}");
        }

        Assert.True(TestRun.IsQuick || shown > 0, "no cut left a part under the name of its file");
    }

    [Fact]
    public async Task WhatCannotBeKeptIsNotReplacedByAPart()
    {
        _ground.Reset();
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).FailAll(SystemCall.LinkAt, Errno.EPERM);
        faulty.Fail(c => c.Kind == SystemCall.RenameAt && c.Name == "big~", Errno.EIO);
        faulty.Fail(c => c.Kind is SystemCall.Write or SystemCall.WriteAt && c.IndexOfKind > 0, Errno.EIO);
        var result = await _ground.RunAsync(Options("suffix"), receiver: faulty);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(_ground.Look("old")["d1/big"], _ground.Look("dst")["d1/big"]);
        Assert.Empty(_ground.Temporaries());
    }

    [Theory]
    [InlineData("d1")]
    [InlineData(".~tmp~")]
    public async Task ALinkThatCouldNotTakeItsPlaceIsNotLeftAside(string unopened)
    {
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.DelayUpdates, Rules = [FaultGround.Bytes("-p .~tmp~/")] };
        var failed = 1;
        var leftAside = 0;
        for (var n = 0; failed > 0; n++)
        {
            _ground.Reset();
            var seen = 0;
            var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
                call => call.Kind is SystemCall.OpenAt or SystemCall.OpenBeneath && call.Name == unopened && seen++ == n, Errno.EMFILE);
            var result = await _ground.RunAsync(options, receiver: faulty);
            failed = faulty.Failures;
            leftAside += _ground.Look("dst").ContainsKey("d1/.~tmp~/hard") ? 1 : 0;
            var again = await _ground.RunAsync(options);
            Assert.True(again.ExitCode == 0, $"opening {n}: {result}\nand then {again}");
            Assert.True(!_ground.Look("dst").Keys.Any(p => Path.GetFileName(p) == ".~tmp~"), $"opening {n}: {result}\na place for delayed files is left");
            Assert.Empty(_ground.Difference(delete: false));
        }

        Assert.True(leftAside > 0, "no failure left a name aside");
    }

    private SyncOptions Options(string backups) => FaultGround.Base with
    {
        Flags = FaultGround.Base.Flags | JobFlags.Partial | JobFlags.Backup,
        BackupDirectory = backups switch { "directory" => FaultGround.Bytes(_ground["bak"]), "suffix" => null, _ => FaultGround.Bytes(_ground.Other) },
    };

    /// <summary>1 when there is a part under the file's name.</summary>
    private int AssertTheOldContentIsKept(string backups, string story)
    {
        var (old, model, here) = (_ground.Look("old")["d1/big"], _ground.Look("model")["d1/big"], _ground.Look("dst"));
        var kept = backups switch { "directory" => _ground.Look("bak").GetValueOrDefault("d1/big"), "suffix" => here.GetValueOrDefault("d1/big~"), _ => _ground.Look(_ground.Other).GetValueOrDefault("d1/big") };
        Assert.True(here["d1/big"] == old || kept == old, story + "\nthe old content is gone");
        return here["d1/big"] != old && here["d1/big"] != model ? 1 : 0;
    }
}
