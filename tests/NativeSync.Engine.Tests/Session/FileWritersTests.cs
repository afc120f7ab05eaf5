using System.Collections.Concurrent;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>How new small files are written.</summary>
public sealed class FileWritersTests : IDisposable
{
    private const int DirectoryCount = 16;
    private const int FilesEach = 50;

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public async Task DirectoriesAreWrittenInParallelAndEachByOneThread()
    {
        Make();
        var calls = new Writers();
        await Push(calls);
        Assert.Equal(DirectoryCount, calls.OfDirectory.Count);
        Assert.All(calls.OfDirectory, threads => Assert.Single(threads.Value));
        var all = calls.OfDirectory.SelectMany(threads => threads.Value.Keys).ToHashSet();
        Assert.Equal(Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, 1, 4)).Select(i => $"write-{i}"), all.Order(StringComparer.Ordinal));
    }

    /// <summary>Open, write, mode or owner, times, close; what the directories and the session need is small beside it.</summary>
    [Fact]
    public async Task ANewSmallFileIsNotRenamedAndTakesFewSystemCalls()
    {
        Make();
        var calls = new FaultySystemCalls(LinuxSystemCalls.Instance);
        await Push(calls);
        Assert.Equal(0, calls.CallsOf(SystemCall.RenameAt));
        Assert.Equal(0, calls.CallsOf(SystemCall.UnlinkAt));
        Assert.Equal(0, calls.CallsOf(SystemCall.ChangeModeAt) + calls.CallsOf(SystemCall.ChangeOwnerAt));
        Assert.InRange(calls.Calls / (double)(DirectoryCount * FilesEach), 4, 6.5);
    }

    private void Make()
    {
        for (var d = 0; d < DirectoryCount; d++)
        {
            Directory.CreateDirectory(Path.Combine(_tree.Root, $"src/d{d}"));
            for (var f = 0; f < FilesEach; f++)
            {
                File.WriteAllText(Path.Combine(_tree.Root, $"src/d{d}/d{d}-{f}"), $"{d} {f}");
            }
        }
    }

    private async Task Push(ISystemCalls there)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, new SyncEnvironment(there, TimeProvider.System), ct));
        var request = _tree.Request("src/", "dst", 0);
        request = request with { Options = request.Options with { Flags = SyncOptions.ArchiveFlags } };
        var report = await Synchronizer.PushAsync(connection, request, null).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal((0, DirectoryCount * FilesEach), (report.ExitCode, report.Statistics.FilesTransferred));
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    /// <summary>Which threads make the files of a directory, which the files are named after.</summary>
    private sealed class Writers() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public ConcurrentDictionary<string, ConcurrentDictionary<string, bool>> OfDirectory { get; } = new();

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
        {
            if ((flags & OpenFlags.Create) != 0)
            {
                var directory = ByteText.Escape(name.ToArray()).Split('-')[0];
                OfDirectory.GetOrAdd(directory, _ => new()).TryAdd(Thread.CurrentThread.Name!, true);
            }

            return base.OpenAt(dirfd, name, flags, mode);
        }
    }
}
