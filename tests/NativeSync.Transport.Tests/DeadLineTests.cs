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

    /// <summary>The server may not know for hours that its line is dead: the far end of an upload looks by itself.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    public async Task TheFarEndOfAnUploadThatGrowsNoMoreEndsAndLeavesNothing(int arrived)
    {
        using Remote remote = Begin(looks: "exit 0");
        await remote.Process.StandardInput.BaseStream.WriteAsync(new byte[arrived], TestContext.Limit());
        await remote.Process.StandardInput.BaseStream.FlushAsync(TestContext.Limit());
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Equal(1, remote.Process.ExitCode);
        Assert.Equal([], Directory.GetFileSystemEntries(remote.Cache));
    }

    [Fact]
    public async Task TheFarEndOfAnUploadThatGrowsBetweenTheLooksTakesAllOfIt()
    {
        string agent = "#!/bin/sh\necho nativesync\nexit\n" + new string('#', 50_000) + "\n";
        string gate = Path.Combine(_directory, "gate"), seen = Path.Combine(_directory, "seen");
        Run.WithInput("mkfifo", null, null, gate);
        await File.WriteAllTextAsync(seen, "");

        // With both ends in one hand opening it waits for nobody, and nothing in it is lost.
        using FileStream looks = new(gate, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using Remote remote = Begin(looks: $"read -r x <'{gate}'; echo >>'{seen}'", agent);
        Stream input = remote.Process.StandardInput.BaseStream;
        byte[] bytes = Encoding.ASCII.GetBytes(agent);
        for (int done = 0; done < bytes.Length; done += 5000)
        {
            await input.WriteAsync(bytes.AsMemory(done, Math.Min(5000, bytes.Length - done)), TestContext.Limit());
            await input.FlushAsync(TestContext.Limit());
            while (Directory.GetFiles(remote.Cache).Where(static f => !f.EndsWith(".p", StringComparison.Ordinal)).Sum(static f => new FileInfo(f).Length) < Math.Min(bytes.Length, done + 5000))
            {
                Assert.False(remote.Process.HasExited);
                await Task.Yield();
            }

            long before = new FileInfo(seen).Length;
            looks.Write("look\n"u8);
            while (new FileInfo(seen).Length == before)
            {
                await Task.Yield();
            }
        }

        input.Close();
        string said = await remote.Process.StandardOutput.ReadToEndAsync(TestContext.Limit());
        await remote.Process.WaitForExitAsync(TestContext.Limit());
        Assert.Contains(BootstrapScripts.Installed, said, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(remote.Cache, "agent")], Directory.GetFileSystemEntries(remote.Cache));
    }

    private static Task<IConnection> StartAsync(Line line, AgentImage image, TimeProvider clock) => AgentBootstrap.StartOverAsync(
        line, image, new AgentOptions { StartTimeout = Limit, Silence = Limit, Patience = Limit, Clock = clock }, ownsShell: false, CancellationToken.None);

    /// <summary>Runs the far end's script here, with a <c>sleep</c> of the test's.</summary>
    private Remote Begin(string looks, string agent = "")
    {
        string bin = Directory.CreateDirectory(Path.Combine(_directory, "bin")).FullName, cache = Path.Combine(_directory, "cache");
        File.WriteAllText(Path.Combine(bin, "sleep"), $"#!/bin/sh\n{looks}\n");
        File.SetUnixFileMode(Path.Combine(bin, "sleep"), (UnixFileMode)0x1ED);
        string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(agent)));
        RemoteCommand command = BootstrapScripts.Install(BootstrapScripts.Places[0], "agent", agent.Length, digest, 0, Limit);
        var start = new System.Diagnostics.ProcessStartInfo("sh", ["-c", command.Script!]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = bin + ":/usr/bin:/bin";
        start.Environment["XDG_CACHE_HOME"] = cache;
        var process = System.Diagnostics.Process.Start(start)!;
        Assert.Equal(BootstrapScripts.Ready, process.StandardOutput.ReadLine());
        return new Remote(process, Path.Combine(cache, "nativesync"));
    }

    private sealed record Remote(System.Diagnostics.Process Process, string Cache) : IDisposable
    {
        public void Dispose() => Process.Dispose();
    }

    /// <summary>A machine behind a line that carries so many bytes, both directions and all commands together, and then no more.</summary>
    private sealed class Line(long budget) : IRemoteShell
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

        private async Task InstallAsync(Lane lane)
        {
            await lane.SayAsync(BootstrapScripts.Ready + "\n");
            await lane.TakeAllAsync();
            _installed = true;
            await lane.SayAsync(BootstrapScripts.Installed + " /there\n");
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
