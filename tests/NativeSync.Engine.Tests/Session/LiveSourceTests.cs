using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Where rsync looks away: files that change while they are read, holes, sets of hard links that outgrow the file system.</summary>
public sealed class LiveSourceTests : IDisposable
{
    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(5)]
    [InlineData(3_000_000)]
    public async Task AFileThatChangesWhileItIsReadIsReadAgain(int size)
    {
        string live = Prepare(size);
        ChangingSystem io = new(live, changes: 1);
        SyncReport report = await RunAsync(io, JobKind.Push, LinuxSystemCalls.Instance);
        Assert.Equal(0, report.ExitCode);
        Assert.Empty(report.Problems);
        Assert.Equal(File.ReadAllBytes(live), File.ReadAllBytes(Path.Combine(_tree.Root, "dst/live")));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(3_000_000)]
    public async Task AFileThatNeverHoldsStillIsListed(int size)
    {
        string live = Prepare(size);
        SyncReport report = await RunAsync(new ChangingSystem(live, changes: int.MaxValue), JobKind.Push, LinuxSystemCalls.Instance);
        SyncProblem problem = Assert.Single(report.Problems);
        Assert.Equal(Operation.Changed, problem.Operation);
        Assert.Equal("live"u8.ToArray(), problem.Path);
        Assert.Contains("changed while it was read", problem.Message, StringComparison.Ordinal);

        // A log that grows all the time: what was there at the start has come whole, and nothing that was never there.
        byte[] came = File.ReadAllBytes(Path.Combine(_tree.Root, "dst/live"));
        Assert.True(came.Length >= size && File.ReadAllBytes(live).AsSpan().StartsWith(came), $"{came.Length} bytes came of {size}");
    }

    [Fact]
    public async Task HolesAreFoundWithoutReadingThem()
    {
        Directory.CreateDirectory(Path.Combine(_tree.Root, "src"));
        _tree.Reset("dst", "src");
        string sparse = Path.Combine(_tree.Root, "src/sparse");
        using (FileStream file = new(sparse, FileMode.Create))
        {
            file.Write("start"u8);
            file.Position = 300_000_000;
            file.Write("end"u8);
        }

        ChangingSystem io = new(sparse, changes: 0);
        SyncReport report = await RunAsync(io, JobKind.Push, LinuxSystemCalls.Instance);
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(io.BytesRead, 8, 4_000_000);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task ASetOfHardLinksThatOutgrowsTheFileSystemGoesOnWithANewLeader()
    {
        string source = Directory.CreateDirectory(Path.Combine(_tree.Root, "src")).FullName;
        _tree.Reset("dst", "src");
        File.WriteAllText(Path.Combine(source, "a"), "one content");
        FaultySystemCalls links = new(LinuxSystemCalls.Instance);
        for (int i = 1; i < 8; i++)
        {
            Assert.Equal(0, LinkBeside(source, "a", "b" + i));
        }

        links.FailNth(SystemCall.LinkAt, 2, Errno.EMLINK).FailNth(SystemCall.LinkAt, 5, Errno.EMLINK);
        SyncReport report = await RunAsync(LinuxSystemCalls.Instance, JobKind.Push, links);
        Assert.Empty(report.Problems.Select(p => p.Message));
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(2, links.Failures);
        HashSet<ulong> inodes = [];
        foreach (string path in Directory.GetFiles(Path.Combine(_tree.Root, "dst")))
        {
            Assert.Equal("one content", File.ReadAllText(path));
            LinuxSystemCalls.Instance.StatPath(ByteText.FromArgument(path), follow: false, out FileStatus status);
            inodes.Add(status.Inode);
        }

        Assert.Equal(3, inodes.Count);
    }

    private string Prepare(int size)
    {
        Directory.CreateDirectory(Path.Combine(_tree.Root, "src"));
        _tree.Reset("dst", "src");
        string live = Path.Combine(_tree.Root, "src/live");
        File.WriteAllBytes(live, new byte[size]);
        return live;
    }

    private static int LinkBeside(string directory, string old, string name)
    {
        int fd = LinuxSystemCalls.Instance.OpenPath(ByteText.FromArgument(directory), OpenFlags.Read | OpenFlags.Directory);
        int error = LinuxSystemCalls.Instance.LinkAt(fd, ByteText.FromArgument(old), fd, ByteText.FromArgument(name));
        LinuxSystemCalls.Instance.Close(fd);
        return error;
    }

    private async Task<SyncReport> RunAsync(ISystemCalls here, JobKind kind, ISystemCalls there)
    {
        InProcessConnection connection = new((lane, ct) => Agent.ServeAsync(lane, new SyncEnvironment(there, TimeProvider.System), ct));
        await using (connection)
        {
            return await Synchronizer.RunAsync(connection, kind, _tree.Request("src/", "dst", JobFlags.None), null, new SyncEnvironment(here, TimeProvider.System), default);
        }
    }

    /// <summary>Lets one file grow behind the back of who reads it, and counts what is read.</summary>
    private sealed class ChangingSystem(string path, int changes) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private int _left = changes;
        private long _read;

        public long BytesRead => Interlocked.Read(ref _read);

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            nint count = base.ReadAt(fd, buffer, offset);
            Interlocked.Add(ref _read, count);
            if (count > 0 && offset == 0 && Interlocked.Decrement(ref _left) >= 0)
            {
                File.AppendAllText(path, "more");
            }

            return count;
        }
    }
}
