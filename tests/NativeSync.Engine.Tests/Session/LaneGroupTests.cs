using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Two ends, joined by several lanes, with credit and buffers so small that everybody waits for everybody all the time.</summary>
public sealed class LaneGroupTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Notes travel both ways, some answered by whoever reads them before it reads on; lanes are lost on the way. Everything arrives, once, in order,
    /// and nobody waits for ever.
    /// </summary>
    [Trait("Category", "Slow")]
    [Fact]
    public async Task NothingIsLostNorOutOfOrderNorStuckWhateverTheSizes()
    {
        var runs = TestRun.IsQuick ? 400 : 3000;
        for (var seed = 0; seed < runs; seed += 4)
        {
            await Task.WhenAll(Enumerable.Range(seed, Math.Min(4, runs - seed)).Select(one => Task.Run(() => RunAsync(one))));
        }
    }

    /// <summary>What brings nothing goes, and nothing else, however often that is said while the lanes are ending.</summary>
    [Fact]
    public async Task LanesThatAreTooManyEndAndTheOthersStay()
    {
        var limits = new LaneLimits();
        await using var near = new End(limits, 1);
        await using var far = new End(limits, 2);
        var (first, last) = TinyLane.Pair(1 << 20);
        near.Begin(first, limits.InitialCredit);
        far.Begin(last, limits.InitialCredit);
        for (var i = 0; i < 7; i++)
        {
            var (a, b) = TinyLane.Pair(1 << 20);
            near.Add(a);
            far.Add(b);
        }

        near.RetireDownTo(3);
        near.RetireDownTo(3);
        Assert.Equal(3, near.AtWork);
        await Task.WhenAll(near.SendAsync(200), near.HasAsync(0), far.HasAsync(200)).WaitAsync(Patience);
        await Task.WhenAll(near.SayGoodbyeAsync(), far.SayGoodbyeAsync()).WaitAsync(Patience);
        Assert.Equal(3, near.AtWork);
    }

    /// <summary>A peer that never sends the pack which is waited for, and ever so many of the smallest behind it, is stopped by their number.</summary>
    [Fact]
    public void PacksOfAFewBytesAreBoundedByTheirNumber()
    {
        using var abort = new SessionAbort();
        using var group = new LaneGroup(abort, TimeProvider.System, new LaneLimits());
        group.Begin(new LaneSettings(), 0, pack => pack.Release());
        var number = 1;
        var e = Assert.Throws<ProtocolException>(() =>
        {
            for (; number < 2 * LaneGroup.MostEarly; number++)
            {
                group.Receive(new InboundPack(group, group.Frames.Take(3)), number, 3);
            }
        });
        Assert.Equal(ProtocolError.CreditExceeded, e.Kind);
        Assert.Equal(LaneGroup.MostEarly + 1, number);
    }

    /// <summary>Nothing refers to what the other end does not keep, nor to what a batch takes out of a pack.</summary>
    [Theory]
    [InlineData(Capabilities.Zstd, false, false)]
    [InlineData(Capabilities.Zstd | Capabilities.Streams, true, false)]
    [InlineData(Capabilities.Zstd | Capabilities.Streams, false, true)]
    public void OnlyWhereBothKeepPacksDoTheyReferBack(Capabilities peer, bool batchOnly, bool refers)
    {
        using var abort = new SessionAbort();
        using var group = new LaneGroup(abort, TimeProvider.System, new LaneLimits()) { Peer = peer };
        group.Begin(new LaneSettings { CompressLevel = 9, BatchOnly = batchOnly }, 0, pack => pack.Release());
        Assert.Equal(refers, group.Outbox.Dispatch.Streams is not null);
    }

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        var limits = new LaneLimits
        {
            InitialCredit = random.Next(5000, 12000), // a pack that is held, one on its way, and what is not granted yet
            PackSize = random.Next(64, 2000),
            QueuedPacks = random.Next(1, 4),
            FixedCredit = random.Next(2) == 0,
        };
        var lanes = random.Next(1, 7);
        var losses = random.Next(3) == 0 ? 0 : random.Next(lanes);
        int there = random.Next(1, 400), back = random.Next(0, 100), answers = random.Next(0, 3);
        var what = $"seed {seed}: {lanes} lanes, {losses} lost, {there} notes there, {back} back, each answered {answers} times, {limits}";
        await using var near = new End(limits, random.Next());
        await using var far = new End(limits, random.Next()) { Answers = answers };
        var (first, last) = TinyLane.Pair(random.Next(1, 3000));
        near.Begin(first, limits.InitialCredit);
        far.Begin(last, limits.InitialCredit);
        var sending = new[] { near.SendAsync(there), far.SendAsync(back) };
        var further = new List<TinyLane>();
        for (var i = 1; i < lanes; i++)
        {
            var (a, b) = TinyLane.Pair(random.Next(1, 3000));
            near.Add(a);
            far.Add(b);
            further.Add(a);
            if (random.Next(3) == 0)
            {
                await Task.Yield();
            }
        }

        for (var i = 0; i < losses; i++)
        {
            for (var wait = random.Next(200); wait > 0; wait--)
            {
                await Task.Yield();
            }

            further[i].Cut();
        }

        try
        {
            await Task.WhenAll(sending).WaitAsync(Patience);
            await Task.WhenAll(near.HasAsync(back + there * answers), far.HasAsync(there)).WaitAsync(Patience);
            await Task.WhenAll(near.SayGoodbyeAsync(), far.SayGoodbyeAsync()).WaitAsync(Patience);
            Assert.Null(near.Reason);
            Assert.Null(far.Reason);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}; {near}; {far}", near.Reason ?? far.Reason ?? e);
        }
    }

    /// <summary>One end: a thread that reads as a dispatcher does, which may wait for its own lanes, and one that writes.</summary>
    private sealed class End : IAsyncDisposable
    {
        private readonly SessionAbort _abort = new();
        private readonly LaneGroup _group;
        private readonly Random _random;
        private readonly Random _consuming;
        private readonly System.Collections.Concurrent.BlockingCollection<InboundPack> _packs = [];
        private readonly Queue<InboundPack> _held = new();
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Dictionary<int, int> _next = [];
        private FrameLane? _first;
        private Thread? _consumer;
        private int _wanted = -1;
        private int _received;

        public End(LaneLimits limits, int seed)
        {
            _group = new LaneGroup(_abort, TimeProvider.System, limits) { Peer = Capabilities.Streams };
            _random = new Random(seed);
            _consuming = new Random(seed + 1);
        }

        /// <summary>How many notes are written for each that is read, before the next one is.</summary>
        public int Answers { get; init; }

        public Exception? Reason => _abort.Reason;

        public void Begin(ILane lane, int peerCredit)
        {
            _first = new FrameLane(lane, _group, further: false);
            _consumer = new Thread(Consume) { IsBackground = true };
            _consumer.Start();
            _first.Start(new LaneSettings { CompressLevel = _random.Next(4) switch { 0 => null, 1 => 1, 2 => 3, _ => 9 } }, peerCredit, _packs.Add);
        }

        public void Add(ILane lane) => Assert.True(_group.TryAdd(new FrameLane(lane, _group, further: true)));

        public int AtWork => _group.AtWork;

        public void RetireDownTo(int wanted) => _group.RetireDownTo(wanted);

        public Task SendAsync(int count) => Task.Run(() =>
        {
            for (var i = 0; i < count; i++)
            {
                Write(writer: 0, i, _random.Next(0, 500));
            }
        });

        /// <summary>Completes when so many notes have come.</summary>
        public Task HasAsync(int count)
        {
            lock (_next)
            {
                _wanted = count;
                Check();
            }

            return _all.Task;
        }

        public async Task SayGoodbyeAsync()
        {
            _group.Outbox.Dispatch.CompleteWith(ControlFrames.Goodbye());
            await _first!.FinishSendingAsync();
            await _first.Goodbye;
        }

        public async ValueTask DisposeAsync()
        {
            _packs.CompleteAdding();
            _abort.Abort(new OperationCanceledException());
            if (_first is not null)
            {
                await _first.DisposeAsync();
            }

            _consumer?.Join();
        }

        public override string ToString() => $"{_received} of {_wanted} received, {_group.Count} further lanes";

        private void Write(byte writer, int number, int length)
        {
            var text = new byte[length + 9];
            text[0] = (byte)('0' + writer);
            System.Text.Encoding.ASCII.GetBytes(number.ToString("x8", System.Globalization.CultureInfo.InvariantCulture), text.AsSpan(1));
            text.AsSpan(9).Fill((byte)('a' + number % 26));
            using var scope = _group.Outbox.Enter(Records.NoteBound(length + 9));
            var wire = new WireWriter(scope.Room);
            Records.WriteNote(ref wire, NoteLevel.Information, text);
            scope.Commit(wire.Position);
        }

        private void Consume()
        {
            using var reader = new PackReader();
            var answered = 0;
            try
            {
                foreach (var pack in _packs.GetConsumingEnumerable())
                {
                    pack.Unpack(reader);
                    var records = new RecordReader(pack.Records.Span, RecordSide.Sender);
                    while (records.TryNext(out _))
                    {
                        var text = Records.ReadNote(ref records.Wire).Text;
                        Take(text[0], int.Parse(System.Text.Encoding.ASCII.GetString(text.Slice(1, 8)), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture));
                        for (var i = 0; i < Answers; i++)
                        {
                            Write(writer: 1, answered++, 3);
                        }
                    }

                    // Writers may hold some packs for longer, as long as they let go of them in the end.
                    _held.Enqueue(pack);
                    while (_held.Count > _consuming.Next(0, 2))
                    {
                        _held.Dequeue().Release();
                    }
                }
            }
            catch (SessionAbortedException)
            {
            }
            catch (Exception e)
            {
                _abort.Abort(e);
            }
        }

        private void Take(int writer, int number)
        {
            lock (_next)
            {
                var expected = _next.GetValueOrDefault(writer);
                if (number != expected)
                {
                    throw new InvalidOperationException($"note {number} of writer {writer} came where {expected} was due");
                }

                _next[writer] = expected + 1;
                _received++;
                Check();
            }
        }

        private void Check()
        {
            if (_received == _wanted)
            {
                _all.TrySetResult();
            }
        }
    }
}
