using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>
/// A tree that is sent in passes, its changes followed, and what these tests have in common. They run by themselves: what others do to the same
/// file system is followed, too, and a file whose names come and go elsewhere is a reason to look at everything.
/// </summary>
[Collection("Following")]
public abstract class FollowedTree : IDisposable
{
    /// <summary>Root of the machine itself: in a container following is not possible, and each pass has to say so and be right all the same.</summary>
    protected static readonly bool Possible = new FileInfo("/proc/self/ns/pid").LinkTarget == "pid:[4026531836]" && LinuxSystemCalls.Instance.EffectiveUserId() == 0;

    protected Scratch Tree { get; } = new();

    protected ChangeFollower Follower { get; } = Follow();

    protected string Source => Tree["src"];

    public void Dispose()
    {
        Follower.Dispose();
        Tree.Dispose();
    }

    protected static ChangeFollower Follow() => new(new WithoutTheFirstProcess());

    protected static bool IsFollowed(ChangeFollower follower) => follower.Account.StartsWith("changes were followed", StringComparison.Ordinal);

    protected void MustBeFollowed() => Assert.True(!Possible || IsFollowed(Follower), Follower.Account);

    /// <summary>A pass, which looks at everything unless <see cref="ChangeFollower.Narrow"/> was called.</summary>
    protected Task<SyncReport> PassAsync() => PassAsync(Tree, Follower);

    /// <summary>A pass that looks at what changed since the one before.</summary>
    protected Task<SyncReport> NarrowPassAsync()
    {
        Follower.Narrow();
        return PassAsync();
    }

    protected static async Task<SyncReport> PassAsync(Scratch scratch, ChangeFollower follower)
    {
        var report = await Synchronizer.LocalAsync(Request(scratch, follower));
        follower.Passed(report.ExitCode);
        return report;
    }

    /// <summary>A pass between two ends with system calls of their own.</summary>
    internal async Task<SyncReport> PassAsync(ISystemCalls sender, ISystemCalls? receiver = null, CancellationToken ct = default)
    {
        var environment = SyncEnvironment.Default with { Io = receiver ?? LinuxSystemCalls.Instance };
        var connection = new InProcessConnection((lane, token) => Agent.ServeAsync(lane, environment, token));
        await using (connection)
        {
            var report = await Synchronizer.RunAsync(connection, JobKind.Push, Request(Tree, Follower), null, SyncEnvironment.Default with { Io = sender }, ct);
            Follower.Passed(report.ExitCode);
            return report;
        }
    }

    protected static SyncRequest Request(Scratch scratch, ChangeFollower follower) => new()
    {
        Sources = [Bytes(scratch["src/"])],
        Destination = Bytes(scratch["dst"]),
        Options = SyncOptions.Archive with
        {
            Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.Sparse | JobFlags.NumericIds | JobFlags.Delete,
            Changes = follower,
            DetectRenamed = true,
        },
    };

    /// <summary>Both trees are the same; what is said when they are not.</summary>
    protected Task MustBeEqualAsync(string what = "") => MustBeEqualAsync(Tree, Follower, what);

    protected static async Task MustBeEqualAsync(Scratch scratch, ChangeFollower follower, string what)
    {
        try
        {
            await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false); // XFS makes them where it likes
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"{what}, {follower.Account}: {e.Message}", e);
        }
    }

    protected void Make(string script) => Command.ShellAsync($"cd '{Tree.Root}'; {script}").GetAwaiter().GetResult();

    protected static byte[] Bytes(string text) => RawFiles.Bytes(text);

    /// <summary>The first process of a virtual machine may be its guard, which shows even root nothing: then nothing is followed, which would leave nothing to test.</summary>
    internal sealed class WithoutTheFirstProcess() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0) =>
            relativePath.StartsWith("1/"u8) ? -Errno.ENOENT : base.OpenBeneath(rootfd, relativePath, flags, mode);

        public List<(ulong Device, ulong Inode)> Asked { get; } = [];

        public override int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status)
        {
            var error = base.StatFollowing(dirfd, path, out status);
            Asked.Add((status.Device, status.Inode));
            return error;
        }
    }

    /// <summary>Counts the directories that are listed, and does something before the first and behind it.</summary>
    internal sealed class ListingCalls(Action? before = null, Action? behind = null) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private Action? _before = before, _behind = behind;

        public int Listings;

        public override int ReadDirectory(int fd, Span<byte> buffer)
        {
            Interlocked.Exchange(ref _before, null)?.Invoke();
            var n = base.ReadDirectory(fd, buffer);
            if (n == 0)
            {
                Interlocked.Increment(ref Listings);
                Interlocked.Exchange(ref _behind, null)?.Invoke();
            }

            return n;
        }
    }
}

/// <summary>Runs beside nothing else.</summary>
[CollectionDefinition("Following", DisableParallelization = true)]
public sealed class FollowingCollection;
