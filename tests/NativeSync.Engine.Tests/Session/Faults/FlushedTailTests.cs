using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>A file that ends in a hole is on the disk before it gets its time, however it is brought about: docs/journal.md. What a power cut leaves else is in <see cref="PowerCutTests"/>.</summary>
public sealed class FlushedTailTests : IDisposable
{
    private const string Hole = "truncate -s 351000 src/file; touch -d @1600000000 src/file";

    private readonly SyncTree _tree = new();

    public FlushedTailTests() => Shell("mkdir src dst");

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData("new", $"head -c 87000 /dev/urandom >src/file; {Hole}")]
    [InlineData("new and small", "head -c 5000 /dev/urandom >src/file; truncate -s 20001 src/file")]
    [InlineData("changed in part", $"head -c 87000 /dev/urandom >dst/file; truncate -s 351000 dst/file; head -c 87000 /dev/urandom >src/file; {Hole}")]
    [InlineData("found beside it", $"head -c 87000 /dev/urandom >src/file; {Hole}; cp -a src/file src/other; cp -a src/file dst/other")]
    [InlineData("found in another hierarchy", $"head -c 87000 /dev/urandom >src/file; {Hole}; mkdir more; cp -a src/file more")]
    [InlineData("put together on another file system", $"head -c 87000 /dev/urandom >src/file; {Hole}")]
    public async Task AFileThatEndsInAHoleIsFlushedBeforeItGetsItsTime(string way, string made)
    {
        Shell(made);
        using TemporaryTree elsewhere = new("/dev/shm");
        var request = _tree.Request("src/", "dst", JobFlags.None);
        request = request with
        {
            Options = request.Options with
            {
                Durable = true,
                DetectRenamed = true,
                AlternateUse = AlternateUse.Copy,
                AlternateDirectories = way.Contains("hierarchy", StringComparison.Ordinal) ? ["../more"u8.ToArray()] : [],
                TempDirectory = way.Contains("file system", StringComparison.Ordinal) ? ByteText.FromArgument(elsewhere.Path) : null,
            },
        };
        List<SystemCall> calls = [];
        FaultySystemCalls watched = new(LinuxSystemCalls.Instance);
        watched.Fail(call => Note(calls, call.Kind), Errno.EIO);
        await using (InProcessConnection connection = new(async (lane, ct) => await Agent.ServeAsync(lane, SyncEnvironment.Default with { Io = watched }, ct)))
        {
            var report = await Synchronizer.PushAsync(connection, request);
            Assert.Equal(0, report.ExitCode);
            Assert.Equal(way == "changed in part", report.Statistics.MatchedBytes > 0);
        }

        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Equal("sparse\n", Shell("test $(($(stat -c '%b * 512' dst/file))) -lt $(stat -c %s dst/file) && echo sparse"));
        Assert.Equal(way.Contains("found", StringComparison.Ordinal) || way.Contains("file system", StringComparison.Ordinal), calls.Contains(SystemCall.CopyRange) || (way != "changed in part" && calls.Contains(SystemCall.Clone)));
        var changed = calls.FindLastIndex(kind => kind is SystemCall.Write or SystemCall.WriteAt or SystemCall.Truncate || IsCopy(kind));
        Assert.Contains(SystemCall.Sync, calls[changed..calls.IndexOf(SystemCall.SetTimes, changed)]);
    }

    private static bool IsCopy(SystemCall kind) => kind is SystemCall.CopyRange or SystemCall.Clone;

    private static bool Note(List<SystemCall> calls, SystemCall kind)
    {
        calls.Add(kind);
        return false;
    }

    private string Shell(string script) => SyncTree.Shell($"cd {_tree.Root}; {script}");
}
