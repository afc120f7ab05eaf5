using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

/// <summary>
/// A line that dies without a word after any number of bytes, in whatever is done before the session begins: the agent is looked for, uploaded,
/// and started. By a clock that the test turns.
/// </summary>
public sealed class DeadLineTests : IDisposable
{
    private const int Size = 300_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Only keeps what stands still from being endless.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _directory = Directory.CreateTempSubdirectory("nativesync-dead-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task WhereverTheLineDiesTheStartIsGivenUpInTimeAndNothingIsLeftOpen()
    {
        AgentImage image = FakeAgent.Image(_directory, Size);
        var whole = new Line(long.MaxValue);
        await using (await StartAsync(whole, image, new FakeTimeProvider()))
        {
        }

        // Each byte of what is said, and samples of what is uploaded.
        long said = Encoding.ASCII.GetByteCount(BootstrapScripts.Ready);
        foreach (long dies in Enumerable.Range(0, (int)whole.Moved).Select(static i => (long)i).Where(i => i <= said + 10 || i % 30_011 == 0 || i >= whole.Moved - 60))
        {
            var clock = new FakeTimeProvider();
            var line = new Line(dies);
            Task<IConnection> starting = StartAsync(line, image, clock);
            await Task.WhenAny(starting, line.Dead).WaitAsync(Patience);
            clock.Advance(Limit * 0.75);
            Assert.False(starting.IsCompleted, $"dead after {dies} bytes: given up early");
            for (int i = 0; i < 3; i++)
            {
                clock.Advance(Limit / 4);
            }

            TransportException e = await Assert.ThrowsAsync<TransportException>(() => starting.WaitAsync(Patience));
            Assert.True(e.ExitCode == 30, $"dead after {dies} bytes: {e.Message}");
            Assert.All(line.Lanes, lane => Assert.True(lane.Disposed, $"dead after {dies} bytes: a lane is left open"));
        }
    }

    /// <summary>A slow line is none that died: while anything moves, however little, the upload goes on.</summary>
    [Fact]
    public async Task AnUploadThatIsSlowIsNotGivenUp()
    {
        var clock = new FakeTimeProvider();
        var line = new Line(0);
        Task<IConnection> starting = StartAsync(line, FakeAgent.Image(_directory, 20_000), clock);
        for (int i = 0; i < 400 && !starting.IsCompleted; i++)
        {
            await Task.WhenAny(starting, line.Dead).WaitAsync(Patience);
            clock.Advance(Limit * 0.7);
            line.Allow(100);
        }

        await using IConnection connection = await starting.WaitAsync(Patience);
        Assert.True(clock.GetUtcNow() - clock.Start > Limit * 100);
    }

    [Fact]
    public async Task WhatTheAgentIsToldOfItsPatienceIsWhatTheLineIsGiven()
    {
        var line = new Line(long.MaxValue);
        await using (await StartAsync(line, FakeAgent.Image(_directory, 10), new FakeTimeProvider()))
        {
        }

        Assert.Contains(" serve --wait=20", line.Commands[0].Text, StringComparison.Ordinal);
        Assert.Contains(" serve --wait=20", line.Commands[^1].Text, StringComparison.Ordinal);
    }

    /// <summary>Whatever the near end takes at once may be under way for minutes: that it arrives is told by the far end, whose script this is.</summary>
    [Fact]
    public async Task AnUploadThatWasHandedOverLongAgoIsNotGivenUpWhileItArrives()
    {
        var clock = new FakeTimeProvider();
        AgentImage image = FakeAgent.Image(_directory, 20_000);
        byte[] bytes = await File.ReadAllBytesAsync(image.Path);
        var line = new Line(long.MaxValue, lane => ArriveAsync(lane, bytes, () => clock.Advance(Limit * 0.7)));
        await using IConnection connection = await StartAsync(line, image, clock).WaitAsync(Patience);
        Assert.True(clock.GetUtcNow() - clock.Start > Limit * 6);
    }

    /// <summary>The server may not know for hours that its line is dead: the far end of an upload looks by itself.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    public async Task TheFarEndOfAnUploadThatGrowsNoMoreEndsAndLeavesNothing(int arrived)
    {
        using Remote remote = Begin();
        await remote.SendAsync(new byte[arrived], arrived);
        remote.LetLook(20);
        await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit());
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Equal(1, remote.Process.ExitCode);
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));
    }

    [Fact]
    public async Task TheFarEndOfAnUploadThatGrowsBetweenTheLooksTakesAllOfItAndSaysThatItGrows()
    {
        string agent = "#!/bin/sh\necho nativesync\nexit\n" + new string('#', 50_000) + "\n";
        using Remote remote = Begin(agent);
        byte[] bytes = Encoding.ASCII.GetBytes(agent);
        for (int done = 0; done < bytes.Length; done += 5000)
        {
            int now = Math.Min(bytes.Length, done + 5000);
            await remote.SendAsync(bytes.AsMemory(done..now), now);
            remote.LetLook(1);
            Assert.Equal("", await remote.Process.StandardOutput.ReadLineAsync(TestContext.Limit()));
        }

        remote.Process.StandardInput.Close();
        string said = await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit());
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Contains(BootstrapScripts.Installed, said, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(remote.Cache, "agent")], Directory.GetFileSystemEntries(remote.Cache));
    }

    /// <summary>What comes for a place that is full is taken, for the connection's sake, and nobody takes it for ever.</summary>
    [Fact]
    public async Task TheFarEndOfAnUploadThatHasNoRoomIsWatchedAsWell()
    {
        using Remote remote = Begin(full: true);
        await remote.TakerAsync();
        remote.LetLook(20);
        string said = await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit());
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Contains(BootstrapScripts.Failed, said, StringComparison.Ordinal);
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));
    }

    [Fact]
    public async Task AnUploadThatHasNoRoomIsTakenWhileItComesAndSaysSo()
    {
        using Remote remote = Begin(full: true);
        string status = $"/proc/{await remote.TakerAsync()}/status";
        for (int i = 0; i < 12; i++)
        {
            // Counted behind the look that was answered last: what changes from here on is new to the next one.
            string before = Waits();
            await remote.Process.StandardInput.BaseStream.WriteAsync(new byte[500], TestContext.Limit());
            await remote.Process.StandardInput.BaseStream.FlushAsync(TestContext.Limit());
            while (Waits() == before)
            {
                await Task.Yield();
            }

            remote.LetLook(1);
            Assert.Equal("", await remote.Process.StandardOutput.ReadLineAsync(TestContext.Limit()));
        }

        remote.Process.StandardInput.Close();
        while (File.Exists(status))
        {
            await Task.Yield();
        }

        remote.LetLook(1);
        Assert.Contains("cannot be written (full", await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit()), StringComparison.Ordinal);
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));

        string Waits() => File.ReadAllLines(status).Single(l => l.StartsWith("voluntary_ctxt", StringComparison.Ordinal));
    }

    /// <summary>A shell that was killed removes nothing: the one that looks does. The end of the output is that of all that holds it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFarEndThatIsKilledLeavesNothing(bool taker)
    {
        using Remote remote = Begin();
        await remote.SendAsync(new byte[1000], 1000);
        Stream input = remote.Process.StandardInput.BaseStream;
        int id = int.Parse(await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(remote.Cache, ".*.p"))), System.Globalization.CultureInfo.InvariantCulture);
        using var cat = System.Diagnostics.Process.GetProcessById(id);
        remote.Process.Kill();
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        if (taker)
        {
            cat.Kill();
        }

        remote.LetLook(20);
        await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit());
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true)
            {
                await input.WriteAsync(new byte[1], TestContext.Limit());
                await input.FlushAsync(TestContext.Limit());
            }
        });
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));
    }

    /// <summary>Its first word is its death when nobody is there to hear it.</summary>
    [Fact]
    public async Task AFarEndWhoseCallerWentBeforeItsFirstWordLeavesNothing()
    {
        using Remote remote = Begin(waits: true);
        remote.Process.StandardOutput.Close();
        remote.LetLook(40);
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));
    }

    private static Task<IConnection> StartAsync(Line line, AgentImage image, TimeProvider clock) => AgentBootstrap.StartOverAsync(
        line, image, new AgentOptions { StartTimeout = Limit, Silence = Limit, Patience = Limit, Clock = clock }, ownsShell: false, CancellationToken.None);

    /// <summary>Takes all of an upload at once and lets it arrive bit by bit, at a real script, time passing between.</summary>
    private async Task ArriveAsync(Lane lane, byte[] bytes, Action pass)
    {
        using Remote remote = Begin(Encoding.UTF8.GetString(bytes));
        await lane.SayAsync(BootstrapScripts.Ready + "\n");
        await lane.TakeAllAsync();
        for (int done = 0; done < bytes.Length; done += 2000)
        {
            int now = Math.Min(bytes.Length, done + 2000);
            await remote.SendAsync(bytes.AsMemory(done..now), now);
            remote.LetLook(1);
            await lane.SayAsync(await remote.Process.StandardOutput.ReadLineAsync(TestContext.Limit()) + "\n");
            pass();
        }

        remote.Process.StandardInput.Close();
        await lane.SayAsync(await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit()));
    }

    /// <summary>
    /// Runs the far end's script here, with a <c>sleep</c> that waits for the test; with an <c>id</c>, which comes first, that does when asked to; with
    /// a <c>cat</c> that has no room anywhere when asked to.
    /// </summary>
    private Remote Begin(string agent = "", bool waits = false, bool full = false)
    {
        string bin = Directory.CreateDirectory(Path.Combine(_directory, "bin")).FullName, cache = Path.Combine(_directory, "cache"), gate = Path.Combine(_directory, "gate");
        Run.WithInput("mkfifo", null, null, gate);
        foreach (string name in waits ? (string[])["sleep", "id"] : ["sleep"])
        {
            File.WriteAllText(Path.Combine(bin, name), $"#!/bin/sh\nread -r x <'{gate}'\n");
            File.SetUnixFileMode(Path.Combine(bin, name), (UnixFileMode)0x1ED);
        }

        foreach ((string name, string body) in full
            ? (ReadOnlySpan<(string, string)>)[("timeout", $"read -r x <'{gate}'; exit 124"), ("cat", $"[ \"$(readlink /proc/$$/fd/1)\" = /dev/null ] || exit 1; echo $$ >'{cache}.taker'; exec /bin/cat")]
            : [])
        {
            File.WriteAllText(Path.Combine(bin, name), $"#!/bin/sh\n{body}\n");
            File.SetUnixFileMode(Path.Combine(bin, name), (UnixFileMode)0x1ED);
        }

        string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(agent)));
        RemoteCommand command = BootstrapScripts.Install(BootstrapScripts.Places[0], "agent", agent.Length, digest, 0, Limit);
        var start = new System.Diagnostics.ProcessStartInfo("sh", ["-c", command.Script!]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = bin + ":/usr/bin:/bin";
        start.Environment["XDG_CACHE_HOME"] = cache;

        // With both ends in one hand opening it waits for nobody, and nothing in it is lost.
        FileStream looks = new(gate, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        var process = System.Diagnostics.Process.Start(start)!;
        if (!waits)
        {
            Assert.Equal(BootstrapScripts.Ready, process.StandardOutput.ReadLine());
        }

        return new Remote(process, Path.Combine(cache, "nativesync"), looks);
    }

    private sealed record Remote(System.Diagnostics.Process Process, string Cache, FileStream Looks) : IDisposable
    {
        /// <summary>Sends a piece and waits until so much has arrived in all.</summary>
        public async Task SendAsync(ReadOnlyMemory<byte> piece, int arrived)
        {
            await Process.StandardInput.BaseStream.WriteAsync(piece, TestContext.Limit());
            await Process.StandardInput.BaseStream.FlushAsync(TestContext.Limit());
            while (!Directory.GetFiles(Cache).Any(f => f.EndsWith(Process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal) && new FileInfo(f).Length == arrived))
            {
                Assert.False(Process.HasExited);
                await Task.Yield();
            }
        }

        /// <summary>The process that takes what there is no room for, once it does.</summary>
        public async Task<int> TakerAsync()
        {
            int id;
            while (!File.Exists(Path.GetDirectoryName(Cache) + ".taker") || !int.TryParse(await File.ReadAllTextAsync(Path.GetDirectoryName(Cache) + ".taker"), out id))
            {
                Assert.False(Process.HasExited);
                await Task.Yield();
            }

            return id;
        }

        public void LetLook(int times) => Looks.Write(Encoding.ASCII.GetBytes(new string('\n', times)));

        public void Dispose()
        {
            Process.Dispose();
            Looks.Dispose();
        }
    }

    /// <summary>A machine behind a line that carries so many bytes, both directions and all commands together, and then no more.</summary>
    private sealed class Line(long budget, Func<Lane, Task>? takes = null) : IRemoteShell
    {
        private readonly Lock _gate = new();
        private long _budget = budget;
        private long _moved;
        private bool _installed;
        private TaskCompletionSource _dead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Peer => "the test";

        public List<Lane> Lanes { get; } = [];

        public List<RemoteCommand> Commands { get; } = [];

        public long Moved => Volatile.Read(ref _moved);

        /// <summary>Somebody has more to say than it carries.</summary>
        public Task Dead
        {
            get { lock (_gate) { return _dead.Task; } }
        }

        public void Allow(long more)
        {
            lock (_gate)
            {
                _budget += more;
                _dead = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _more.TrySetResult();
                _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        /// <summary>How many of so many bytes it carries, 1 at least; waits while there are none.</summary>
        public async Task<int> CarryAsync(int count)
        {
            while (true)
            {
                Task more;
                lock (_gate)
                {
                    if (_budget > 0)
                    {
                        int carried = (int)Math.Min(count, _budget);
                        _budget -= carried;
                        _moved += carried;
                        return carried;
                    }

                    _dead.TrySetResult();
                    more = _more.Task;
                }

                await more;
            }
        }

        public ValueTask<IExecLane> StartAsync(RemoteCommand command, bool statusIsFault, CancellationToken ct)
        {
            Commands.Add(command);
            Func<Lane, Task> program = command.Text.Contains(BootstrapScripts.Ready, StringComparison.Ordinal) ? InstallAsync
                : !_installed ? MissAsync : lane => lane.SayAsync("\0NSYNC\r\n");
            var lane = new Lane(this, program, statusIsFault);
            Lanes.Add(lane);
            return ValueTask.FromResult<IExecLane>(lane);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static async Task MissAsync(Lane lane)
        {
            await lane.SayAsync("?"); // What tells that it ended takes a byte, too.
            lane.RawDiagnostics = BootstrapScripts.Missing + " Linux x86_64\n";
            lane.End(127);
        }

        private static async Task TakeAsync(Lane lane)
        {
            await lane.SayAsync(BootstrapScripts.Ready + "\n");
            await lane.TakeAllAsync();
            await lane.SayAsync(BootstrapScripts.Installed + " /there\n");
        }

        private async Task InstallAsync(Lane lane)
        {
            await (takes ?? TakeAsync)(lane);
            _installed = true;
            lane.End(0);
        }
    }

    /// <summary>A command, which begins when somebody listens.</summary>
    private sealed class Lane(Line line, Func<Lane, Task> program, bool statusIsFault) : IExecLane
    {
        private readonly Pipe _up = new();
        private readonly Pipe _down = new();
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _moved;
        private int _begun;

        public int? ExitCode { get; private set; }

        public string? DiagnosticText => null;

        public string RawDiagnostics { get; set; } = "";

        public long BytesMoved => Volatile.Read(ref _moved);

        public bool Disposed { get; private set; }

        public Task Ended => _ended.Task;

        public PipeReader Input
        {
            get
            {
                if (Interlocked.Exchange(ref _begun, 1) == 0)
                {
                    _ = Task.Run(() => program(this));
                }

                return _down.Reader;
            }
        }

        public PipeWriter Output => _up.Writer;

        public async Task SayAsync(string text)
        {
            for (ReadOnlyMemory<byte> rest = Encoding.ASCII.GetBytes(text); !rest.IsEmpty;)
            {
                int count = await line.CarryAsync(rest.Length);
                Interlocked.Add(ref _moved, count);
                await _down.Writer.WriteAsync(rest[..count]);
                rest = rest[count..];
            }
        }

        public async Task TakeAllAsync()
        {
            while (true)
            {
                ReadResult result = await _up.Reader.ReadAsync();
                for (long left = result.Buffer.Length; left > 0;)
                {
                    int count = await line.CarryAsync((int)Math.Min(left, 4096));
                    Interlocked.Add(ref _moved, count);
                    left -= count;
                }

                _up.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }

        public void End(int status)
        {
            ExitCode = status;
            _down.Writer.Complete(statusIsFault && status != 0 ? new TransportException(status, "it is not there") : null);
            _ended.TrySetResult();
        }

        public ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
