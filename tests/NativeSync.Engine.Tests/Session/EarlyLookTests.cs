using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A push looks at its sources while the other end is being reached, and nobody notices but by the clock.</summary>
public sealed class EarlyLookTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();
    private readonly Watched _source = new();
    private readonly SettableTime _clock = new();

    public EarlyLookTests() => _tree.Fill("src", 3);

    public void Dispose() => _tree.Dispose();

    /// <summary>The connection stands only after all seven directories have been read.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheSourcesAreReadBeforeTheConnectionStands(bool agentIsRoot)
    {
        var reads = 0L;
        var report = await RunAsync(new Watched { UserId = agentIsRoot ? null : 1000 }, async () =>
        {
            await _source.HasRead(7).WaitAsync(Patience);
            reads = _source.Reads;
        });
        Assert.Equal(0, report.ExitCode);
        Assert.Equal("", _tree.Difference("src/", "dst"));
        Assert.Equal(agentIsRoot || LinuxSystemCalls.Instance.EffectiveUserId() != 0, _source.Reads == reads);
    }

    /// <summary>A password takes its time, and the source does not stand still meanwhile.</summary>
    [Fact]
    public async Task WhatWasSeenTooLongAgoIsLookedAtAnew()
    {
        await RunAsync(new Watched(), async () =>
        {
            await _source.HasRead(7).WaitAsync(Patience);
            File.WriteAllText(Path.Combine(_tree.Root, "src/d0/late"), "x");
            _clock.Advance(TimeSpan.FromSeconds(11));
        });
        Assert.Equal("", _tree.Difference("src/", "dst"));
    }

    /// <summary>Whether or not it is looked at anew: after the start, and once.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public async Task WhatCannotBeReadIsToldOnceAndAfterTheStart(int seconds)
    {
        _source.Denied = "inner"u8.ToArray();
        Listener listener = new();
        var report = await RunAsync(
            new Watched(),
            async () =>
            {
                await _source.HasRead(4).WaitAsync(Patience);
                Assert.Empty(listener.Told);
                _clock.Advance(TimeSpan.FromSeconds(seconds));
            },
            listener,
            _tree.Request("src/", "dst", JobFlags.None));
        Assert.Equal(23, report.ExitCode);
        Assert.Equal(["start", "d0/inner", "d1/inner", "d2/inner"], listener.Told);
    }

    [Fact]
    public async Task WhenTheOtherEndCannotBeReachedNothingGoesOn()
    {
        var failure = await Assert.ThrowsAsync<TransportException>(() => RunAsync(new Watched(), async () =>
        {
            await _source.HasRead(1).WaitAsync(Patience);
            throw new TransportException(255, "no route to host");
        }));
        Assert.Equal("no route to host", failure.Message);
        await _source.HasClosed.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADiskThatDoesNotAnswerHoldsUpNoRefusal(bool opens)
    {
        using ManualResetEventSlim answers = new();
        (_source.Opens, _source.Answers) = (opens, answers);
        try
        {
            await Assert.ThrowsAsync<TransportException>(() => RunAsync(new Watched(), async () =>
            {
                await _source.Asked.Task.WaitAsync(Patience);
                throw new TransportException(255, "no route to host");
            }));
        }
        finally
        {
            answers.Set();
        }

        await _source.HasClosed.WaitAsync(Patience);
    }

    [Fact]
    public async Task ABatchOfAnEarlierRunIsNotLostWhenTheOtherEndCannotBeReached()
    {
        var batch = Path.Combine(_tree.Root, "batch");
        File.WriteAllText(batch, "of last week");
        var request = Request() with { WriteBatch = ByteText.FromArgument(batch) };
        await Assert.ThrowsAsync<TransportException>(() => RunAsync(new Watched(), () => throw new TransportException(255, "no route to host"), request: request));
        Assert.Equal("of last week", File.ReadAllText(batch));
        Assert.Equal(0, (await RunAsync(new Watched(), () => Task.CompletedTask, request: request)).ExitCode);
        Assert.NotEqual("of last week", File.ReadAllText(batch));
    }

    /// <summary>Where nothing can be sent the other end hears of it all the same.</summary>
    [Fact]
    public async Task ASourceThatCannotBeNamedIsRefusedAfterTheConnectionStands()
    {
        var connected = false;
        var request = Request() with { Sources = ["a/../b"u8.ToArray()] };
        request = request with { Options = request.Options with { SourceOptions = SourceOptions.Relative } };
        var refusal = await Assert.ThrowsAsync<SessionException>(() => RunAsync(new Watched(), () => Task.FromResult(connected = true), request: request));
        Assert.Equal((1, true), (refusal.ExitCode, connected));
    }

    private SyncRequest Request() => _tree.Request("src/", "dst", JobFlags.Delete);

    private async Task<SyncReport> RunAsync(ISystemCalls agent, Func<Task> before, ISyncObserver? observer = null, SyncRequest? request = null)
    {
        await using var connection = new InProcessConnection(async (lane, token) => await Agent.ServeAsync(lane, new SyncEnvironment(agent, TimeProvider.System), token));
        return await Synchronizer.RunAsync(
            async _ =>
            {
                await before();
                return connection;
            },
            looksAhead: true,
            JobKind.Push,
            request ?? Request(),
            observer,
            new SyncEnvironment(_source, _clock),
            CancellationToken.None).WaitAsync(Patience);
    }

    /// <summary>Counts the directories that were read to their end and what is open, may refuse a name, and may pass for another user.</summary>
    private sealed class Watched() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private readonly Lock _gate = new();
        private readonly List<(int Count, TaskCompletionSource Done)> _waiting = [];
        private long _reads;
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _open;

        /// <summary>Nothing is open any more; where a place is held until the end, that is the end.</summary>
        public Task HasClosed => _closed.Task;

        public uint? UserId { get; init; }

        public byte[]? Denied { get; set; }

        /// <summary>A directory is to be read.</summary>
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>A directory can be opened without that.</summary>
        public bool Opens { get; set; }

        /// <summary>Until it is set no directory can be read.</summary>
        public ManualResetEventSlim? Answers { get; set; }

        public long Reads => Interlocked.Read(ref _reads);

        public Task HasRead(int count)
        {
            lock (_gate)
            {
                TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add((count, done));
                Tell();
                return done.Task;
            }
        }

        public override uint EffectiveUserId() => UserId ?? Inner.EffectiveUserId();

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0) =>
            Counted(Denied is not null && name.SequenceEqual(Denied) ? -Errno.EACCES : base.OpenAt(dirfd, name, flags, mode));

        public override int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0) =>
            Counted(Denied is not null && relativePath.EndsWith(Denied) ? -Errno.EACCES : base.OpenBeneath(rootfd, relativePath, flags, mode));

        public override int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0) =>
            Counted(Opens ? base.OpenPath(operatorPath, flags, mode) : Awaited(base.OpenPath(operatorPath, flags, mode)));

        public override int Close(int fd)
        {
            var error = base.Close(fd);
            if (Interlocked.Decrement(ref _open) == 0)
            {
                _closed.TrySetResult();
            }

            return error;
        }

        public override int ReadDirectory(int dirfd, Span<byte> buffer)
        {
            Awaited(0);
            var count = base.ReadDirectory(dirfd, buffer);
            if (count == 0)
            {
                lock (_gate)
                {
                    _reads++;
                    Tell();
                }
            }

            return count;
        }

        private int Awaited(int result)
        {
            Asked.TrySetResult();
            Answers?.Wait();
            return result;
        }

        private int Counted(int fd)
        {
            if (fd >= 0)
            {
                Interlocked.Increment(ref _open);
            }

            return fd;
        }

        private void Tell() => _waiting.FindAll(waiting => waiting.Count <= _reads).ForEach(waiting => waiting.Done.TrySetResult());
    }

    private sealed class Listener : ISyncObserver
    {
        public List<string> Told { get; } = [];

        public bool HearsEntries => false;

        public void OnStart(Func<SyncProgress> progress) => Told.Add("start");

        public void OnEntry(in EntryEvent entry)
        {
        }

        public void OnProblem(in SyncProblem problem)
        {
            lock (Told)
            {
                Told.Add(ByteText.Escape(problem.Path));
            }
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }

    /// <summary>Goes only where it is told to; timers are the system's.</summary>
    private sealed class SettableTime : TimeProvider
    {
        private long _ahead;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _ahead);

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);
    }
}
