using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// Links that stand where a run wants to put something, for instance because an earlier transfer brought them: none inside the
/// destination is followed (rsync CVE-2024-12086, 2026-53785, -53793, -53795, -70460), and it is said what to do.
/// </summary>
public sealed class PlantedLinkTests : IDisposable
{
    private readonly FaultGround _ground = new();

    public void Dispose() => _ground.Dispose();

    [Theory]
    [InlineData("link", "backup-dir")]
    [InlineData("./link/below", "backup-dir")]
    [InlineData("link", "temp-dir")]
    public async Task APlaceBehindALinkInTheDestinationIsRefusedBeforeAnythingIsDone(string place, string option)
    {
        Plant("link");
        var before = _ground.Look("dst");
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.Delete };
        var result = await _ground.RunAsync(option == "temp-dir"
            ? options with { TempDirectory = FaultGround.Bytes(place) }
            : options with { BackupDirectory = FaultGround.Bytes(place), Flags = options.Flags | JobFlags.Backup });

        Assert.Equal(ExitCodes.Syntax, result.ExitCode);
        Assert.Contains($"the {option} is not a directory, or is reached through a symbolic link", result.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains(place, result.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, _ground.Look("dst"));
        AssertOutsideIsUntouched();
    }

    [Theory]
    [InlineData(AlternateUse.Copy)]
    [InlineData(AlternateUse.Link)]
    [InlineData(AlternateUse.Compare)]
    public async Task AnotherHierarchyBehindALinkInTheDestinationIsNotLookedAt(AlternateUse use)
    {
        Plant("link");
        // By size and time it is the source's file; whoever may read the destination must not get to read it so.
        FaultGround.Shell($"cd {_ground.Root}; rm -rf outside/*; cp -a src/. outside/; tr 'a-z' 'A-Z' < src/d1/f2 > outside/d1/f2; touch -r src/d1/f2 outside/d1/f2; chmod 600 outside/d1/f2");
        var result = await _ground.RunAsync(FaultGround.Base with { AlternateUse = use, AlternateDirectories = ["link"u8.ToArray()] });

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("link", ByteText.Escape(Assert.Single(result.Report!.Problems).Path));
        Assert.Equal(_ground.Look("src")["d1/f2"], _ground.Look("dst")["d1/f2"]);
        Assert.Equal("600", FaultGround.Shell($"stat -c %a {_ground["outside/d1/f2"]}").Trim());
    }

    [Theory]
    [InlineData(null, ".~tmp~")]
    [InlineData(".part", ".part")]
    public async Task ALinkInThePlaceForDelayedFilesMakesWay(string? given, string name)
    {
        Plant("d1/" + name);
        var result = await _ground.RunAsync(Delayed(given, name));

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Empty(_ground.Difference(delete: false));
        Assert.DoesNotContain("d1/" + name, _ground.Look("dst").Keys);
        AssertOutsideIsUntouched();
    }

    /// <summary>A place of several parts: its last one is the run's to make, what leads there is the operator's.</summary>
    [Fact]
    public async Task ALinkOnTheWayToThePlaceForDelayedFilesIsNotFollowedAndOneUnderItsNameMakesWay()
    {
        _ground.Reset();
        FaultGround.Shell($"cd {_ground.Root}; find src dst -depth -type d -exec mkdir {{}}/.in \\; ; rmdir src/d0/.in dst/d0/.in; ln -s {_ground["outside"]} dst/d0/.in; ln -s {_ground["outside"]} dst/d1/.in/part");
        var result = await _ground.RunAsync(Delayed(".in/part", ".in/part"));

        Assert.Equal(ExitCodes.Partial, result.ExitCode);
        Assert.Contains(result.Report!.Problems, p => p.Message == "destination: creating the directory \"d0/.in/part\" failed: Not a directory (20)");
        var (there, old, wanted) = (_ground.Look("dst"), _ground.Look("old"), _ground.Look("src"));
        Assert.Equal(old["d0/f1"], there["d0/f1"]);
        Assert.Equal(wanted["d1/f1"], there["d1/f1"]);
        Assert.DoesNotContain("d1/.in/part", there.Keys);
        AssertOutsideIsUntouched();
    }

    [Fact]
    public async Task AFileInThePlaceForDelayedFilesStaysAndIsNamed()
    {
        _ground.Reset();
        File.WriteAllText(_ground["dst/d1/.~tmp~"], "somebody's");
        var result = await _ground.RunAsync(Delayed(null, ".~tmp~"));

        Assert.Equal(ExitCodes.Partial, result.ExitCode);
        Assert.Contains(result.Report!.Problems, p => p.Message == "destination: creating the directory \"d1/.~tmp~\" failed: Not a directory (20)");
        Assert.Equal("somebody's", File.ReadAllText(_ground["dst/d1/.~tmp~"]));
        Assert.Equal(_ground.Look("old")["d1/f1"], _ground.Look("dst")["d1/f1"]);
    }

    [Fact]
    public async Task ALinkThatLeadsOutOfTheDestinationIsNotKeptForADirectoryAndIsNamed()
    {
        Plant("d1");
        var result = await _ground.RunAsync(FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.KeepDirLinks });

        Assert.Equal(ExitCodes.Partial, result.ExitCode);
        Assert.Contains(
            result.Report!.Problems,
            p => p.Message == "destination: \"d1\" is, or lies behind, a symbolic link that leads out of the destination, and is not followed");
        AssertOutsideIsUntouched();
    }

    [Theory]
    [InlineData("backup")]
    [InlineData("partial")]
    [InlineData("delay")]
    public async Task ALinkThatTheSourceBringsDuringTheRunIsNotFollowedEither(string place)
    {
        _ground.Reset();
        FaultGround.Shell($"cd {_ground.Root}; ln -s ../outside src/place; ln -s ../../outside src/d1/place");
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.Delete };
        var result = await _ground.RunAsync(place switch
        {
            "backup" => options with { BackupDirectory = "place"u8.ToArray(), Flags = options.Flags | JobFlags.Backup },
            "partial" => options with { PartialDirectory = "place"u8.ToArray(), Flags = options.Flags | JobFlags.Partial },
            _ => options with { PartialDirectory = "place"u8.ToArray(), Flags = options.Flags | JobFlags.DelayUpdates },
        });

        Assert.True(result.ExitCode >= 0, result.ToString());
        AssertOutsideIsUntouched();
    }

    [Theory]
    [InlineData(SourceOptions.Relative, 0)]
    [InlineData(SourceOptions.Relative | SourceOptions.NoImpliedDirs, ExitCodes.Partial)]
    public async Task AnImpliedDirectoryIsNeverMadeThroughALinkThatLeadsOut(SourceOptions how, int code)
    {
        Plant("d1");
        var result = await _ground.RunAsync(FaultGround.Base with { SourceOptions = how }, source: "src/./d1/big");

        Assert.True(result.ExitCode == code, result.ToString());
        AssertOutsideIsUntouched();
    }

    private static SyncOptions Delayed(string? given, string name) => FaultGround.Base with
    {
        Flags = FaultGround.Base.Flags | JobFlags.DelayUpdates | JobFlags.Force,
        PartialDirectory = given is null ? null : FaultGround.Bytes(given),
        Rules = [FaultGround.Bytes($"-p {name}/")],
    };

    /// <summary>A link to the outside at a path of the destination.</summary>
    private void Plant(string path)
    {
        _ground.Reset();
        FaultGround.Shell($"cd {_ground.Root}; rm -rf dst/{path}; ln -s {_ground["outside"]} dst/{path}");
    }

    private void AssertOutsideIsUntouched() => Assert.Equal("kept", Assert.Single(_ground.Look("outside")).Key);
}
