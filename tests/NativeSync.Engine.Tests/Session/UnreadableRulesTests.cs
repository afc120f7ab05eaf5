using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Nobody knows what a rule file protects that cannot be read: nothing is deleted for it.</summary>
public sealed class UnreadableRulesTests
{
    [Theory]
    [InlineData("src")]
    [InlineData("dst")]
    public async Task NothingIsDeletedWhereARuleFileCannotBeRead(string side)
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/d dst/d/gone; echo new > src/d/new; touch dst/d/kept dst/d/gone/kept dst/other; echo '- x' > rules; ln -s ../../rules {side}/d/.f; chown -h 65534 {side}/d/.f");
        SyncRequest request = new()
        {
            Sources = [RawFiles.Bytes(scratch["src/"])],
            Destination = RawFiles.Bytes(scratch["dst/"]),
            Options = SyncOptions.Archive with { Flags = SyncOptions.ArchiveFlags | JobFlags.Delete, Rules = [": .f"u8.ToArray(), "- .f"u8.ToArray()] },
        };
        SyncReport report = await Synchronizer.LocalAsync(request);
        Assert.Equal(ExitCodes.Partial, report.ExitCode);
        Assert.True(File.Exists(scratch["dst/d/new"]) && File.Exists(scratch["dst/d/kept"]) && File.Exists(scratch["dst/d/gone/kept"]));
    }
}
