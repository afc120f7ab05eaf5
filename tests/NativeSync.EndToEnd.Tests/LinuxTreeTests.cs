using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>The Linux 6.1 source: 84,000 entries, 1.3 GB (a made tree of the same shape in quick runs).</summary>
public sealed class LinuxTreeTests(LinuxTreeTests.Source source, SharedServer server) : IClassFixture<LinuxTreeTests.Source>, IClassFixture<SharedServer>
{
    private const long MostMemory = 150L << 20;

    /// <summary>The tree, unpacked or made once.</summary>
    public sealed class Source : IAsyncLifetime
    {
        private readonly Scratch _scratch = new();

        public string Path { get; private set; } = "";

        public async Task InitializeAsync()
        {
            if (TestRun.IsQuick)
            {
                Path = _scratch["made"];
                RandomTree.Build(Path, 61, new RandomTreeOptions { Entries = 2_500 });
            }
            else
            {
                Path = await LinuxSource.UnpackAsync(_scratch.Root);
            }
        }

        public Task DisposeAsync()
        {
            _scratch.Dispose();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task ItGoesOverSshAndComesBackWithinTheMemoryAllowed()
    {
        using var scratch = new Scratch();
        string there = Tool.Remote(scratch["there"] + "/");
        await WithinMemoryAsync("-aH", source.Path + "/", there);
        await TreeJudge.MustHaveSameManifestAsync(source.Path, scratch["there"], ["sparse", "xattr:*"]);

        Manifest before = await Manifest.ReadAsync(scratch["there"], content: false, identity: true);
        CommandResult again = await WithinMemoryAsync("-aHi", "--delete", source.Path + "/", there);
        Assert.True(again.Output.Length == 0, again.ToString());
        Manifest after = await Manifest.ReadAsync(scratch["there"], content: false, identity: true);
        Assert.Empty(before.Differences(after));

        await WithinMemoryAsync("-aH", there, scratch["back"] + "/");
        await TreeJudge.MustHaveSameManifestAsync(source.Path, scratch["back"], ["sparse", "xattr:*"]);
    }

    private async Task<CommandResult> WithinMemoryAsync(params string[] words)
    {
        await using var watch = new ProcessWatch(Environment.ProcessId);
        CommandResult result = (await Tool.SyncAsync(server.Ssh, words)).MustExit(0);
        await watch.StopAsync();
        // The private server is a child of the tests, so that one watch sees both ends.
        long client = watch.PeakOf(" sync ");
        long agent = watch.PeakOf(" serve");
        Assert.True(client is > 0 and <= MostMemory && agent is > 0 and <= MostMemory, $"peak memory {client >> 20} MiB here, {agent >> 20} MiB there\n{result}");
        return result;
    }
}
