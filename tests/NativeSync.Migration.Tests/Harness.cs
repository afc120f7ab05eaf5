using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>A run that was killed: nothing after it is carried out.</summary>
internal sealed class KilledException : Exception;

/// <summary>
/// A migration against the simulator over real HTTP, with doubles for the rescue system, the engine and the machine.
/// Each run is a new <see cref="MigrationRun"/> on the same directory, as a new process would be.
/// </summary>
internal sealed class Harness : IAsyncDisposable
{
    public const string InstanceId = "ins-1a2b3c4d";
    public const string Region = "ap-guangzhou";
    public const string SecretKey = "TopSecretKeyOfTheAccount";
    public const string ProxyPassword = "TopSecretOfTheProxy";

    private readonly string _directory = Directory.CreateTempSubdirectory("ns-migration-").FullName;

    public Harness(int mode = 0, Func<SimulatedCall, SimulatedFault?>? fault = null, int looks = 1, string client = "", string transfer = "", string user = "", TimeProvider? serverTime = null, SimulatedInstance? instance = null, Func<SimulatorOptions, SimulatorOptions>? options = null)
    {
        Instance = instance ?? NewInstance();
        SimulatorOptions cloud = new() { SecretId = "AKIDexample", SecretKey = SecretKey, LooksPerChange = looks, Fault = fault, Time = serverTime ?? TimeProvider.System };
        Simulator = new CloudSimulator(options?.Invoke(cloud) ?? cloud, Instance);
        Tool = new ToolDirectory(Path.Combine(_directory, "tool"));
        Directory.CreateDirectory(Tool.Path);
        Directory.CreateDirectory(Path.Combine(_directory, "source/mnt/disk1"));
        Write(UserSettings.FileName, $$"""{"SecretId":"AKIDexample","SecretKey":"{{SecretKey}}","Region":"{{Region}}","InstanceId":"{{InstanceId}}"{{user}}}""");
        Write(ClientSettings.FileName, $$$"""{"Client":{"Net":{"Mode":{{{mode}}}},"Api":{"Endpoint":"{{{Simulator.Endpoint}}}","PollSeconds":0.01},"Source":{"Root":"{{{_directory}}}/source"},"Transfer":{"DestinationRoot":"{{{_directory}}}/destination","UntilBytes":100{{{transfer}}}}{{{client}}}}}""");
        Write(ExcludesFile.FileName, ConfigSamples.Excludes);
        Connector = new FakeConnector();
        Mover = new FakeMover();
    }

    public ToolDirectory Tool { get; set; }

    public SimulatedInstance Instance { get; }

    public CloudSimulator Simulator { get; }

    public FakeConnector Connector { get; }

    public FakeMover Mover { get; }

    public RecordingObserver Observer { get; } = new();

    public FakeSource Source { get; } = new();

    public IReachability Reachability { get; set; } = new Answering(true);

    /// <summary>What a walk over the source finds to be carried.</summary>
    public long? Measured { get; set; }

    public StringWriter LogText { get; } = new(CultureInfo.InvariantCulture);

    public string StateFile => Path.Combine(Tool.StateDirectory, "state.json");

    public static SimulatedInstance NewInstance(string state = InstanceStates.Running) => new()
    {
        InstanceId = InstanceId,
        Region = Region,
        State = state,
        DataDisks = [new InstanceDisk { DiskId = "disk-sim00001", DiskType = "CLOUD_SSD", DiskSize = 20 }],
    };

    /// <summary>One process: runs until the end, or until it is "killed" after so many state records.</summary>
    public async Task<RunOutcome> RunAsync(int? killAfter = null, Func<MigrationState, bool>? killWhen = null)
    {
        int records = 0;
        using MigrationLog log = NewLog();
        MigrationRun run = new(Tool, Tool.Load(), Services(log))
        {
            Durable = false,
            Saved = state =>
            {
                if (++records == killAfter || killWhen?.Invoke(state) == true)
                {
                    throw new KilledException();
                }
            },
        };
        return await run.RunAsync(CancellationToken.None);
    }

    public async Task CleanAsync()
    {
        using MigrationLog log = NewLog();
        await CleanRun.RunAsync(Tool, Tool.Load(), Services(log), CancellationToken.None);
    }

    public async Task<IReadOnlyList<CheckLine>> CheckAsync()
    {
        using MigrationLog log = NewLog();
        return await CheckRun.RunAsync(Tool, Tool.Load(), Services(log), CancellationToken.None);
    }

    /// <summary>The source has an SSH server, with a port of its own if need be.</summary>
    public void AddSshServer(string configuration = "")
    {
        string directory = Directory.CreateDirectory(Path.Combine(_directory, "source/etc/ssh")).FullName;
        File.WriteAllText(Path.Combine(directory, "sshd_config"), configuration);
    }

    /// <summary>Copies the whole tool directory, as scenario 1 asks for.</summary>
    public ToolDirectory CopyTool(string name)
    {
        string to = Path.Combine(_directory, name);
        foreach (string file in Directory.EnumerateFiles(Tool.Path, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(Tool.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }

        return new ToolDirectory(to);
    }

    public void Write(string name, string content)
    {
        File.WriteAllText(Tool.File(name), content);
        File.SetUnixFileMode(Tool.File(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public async ValueTask DisposeAsync()
    {
        await Simulator.DisposeAsync();
        LogText.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private MigrationLog NewLog() => new(TextWriter.Synchronized(new Undisposed(LogText)), MigrationLogLevel.Debug, TimeProvider.System);

    private MigrationServices Services(MigrationLog log) => new()
    {
        Connector = Connector,
        Mover = Mover,
        Observer = Observer,
        Log = log,
        Credentials = user => CredentialSources.Resolve(user, _ => null, _ => null),
        ReadExcludes = content => [.. Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => Encoding.UTF8.GetBytes("- " + l))],
        Measure = _ => Measured,
        Source = Source,
        Reachability = Reachability,
    };

    private sealed class Undisposed(StringWriter inner) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => inner.Write(value);

        public override void WriteLine(string? value) => inner.WriteLine(value);
    }

    /// <summary>The started instance answers, or does not.</summary>
    internal sealed class Answering(bool answers) : IReachability
    {
        public Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct) => Task.FromResult(answers);
    }

    /// <summary>A proxy that is down, or refuses us.</summary>
    internal sealed class WayThatFails(TransportFault fault) : IReachability
    {
        public int Looks { get; private set; }

        public Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct)
        {
            Looks++;
            throw new TransportException(255, "the proxy http://gate:1 refuses the connection") { Fault = fault, IsOnTheWay = true };
        }
    }
}

/// <summary>A machine that has what the tests need.</summary>
internal sealed class FakeSource : ISourceSystem
{
    public bool IsSuperUser => true;

    public IReadOnlyList<MountEntry> MountList { get; set; } = [];

    public long Used { get; set; } = 1 << 20;

    /// <summary>The directories that there are; null asks the machine.</summary>
    public string[]? Directories { get; set; }

    public IReadOnlyList<MountEntry> Mounts() => MountList;

    public long? UsedBytes(string path) => Used;

    public bool IsDirectory(string path) => Directories?.Contains(path) ?? Directory.Exists(path);

    public SourceFacts SourceFacts { get; set; } = new();

    public (string? Uuid, string? Label) Names(string device) => (null, null);

    public SourceFacts Facts(string root) => SourceFacts;

    public string BootId { get; set; } = "boot";

    public RunPlace Place(string toolDirectory) => new(BootId, "machine", "host", toolDirectory);
}

/// <summary>A rescue system that takes every command; it remembers the credentials.</summary>
internal sealed class FakeConnector : IRescueConnector
{
    public List<RescueCredentials> Logins { get; } = [];

    public List<string> Commands { get; } = [];

    /// <summary>What the next connections throw.</summary>
    public Queue<Exception> Failures { get; } = new();

    public string HostKey { get; set; } = "SHA256:first";

    /// <summary>What the fix-ups say in the rescue system.</summary>
    public RescueCommandResult Fixups { get; set; } = new(0, """{"Name":"fstab","Outcome":"unchanged"}""", "");

    /// <summary>What the next looks at the fix-ups give instead: results, and exceptions.</summary>
    public Queue<object> Looks { get; set; } = new();

    /// <summary>What the next other commands throw when they are done: the line was cut before their answer came. Null for nothing.</summary>
    public Queue<Exception?> LostAnswers { get; } = new();

    public int Reconnects { get; private set; }

    public Task<IRescueSystem> ConnectAsync(RescueAddress address, RescueCredentials credentials, CancellationToken ct)
    {
        if (Failures.TryDequeue(out Exception? failure))
        {
            throw failure;
        }

        if (credentials.PinnedHostKey is { } pinned && pinned != HostKey)
        {
            throw new TransportException(1, "the host key has changed", "");
        }

        Logins.Add(credentials);
        return Task.FromResult<IRescueSystem>(new FakeRescue(this));
    }

    private sealed class FakeRescue(FakeConnector owner) : IRescueSystem
    {
        public string HostKey => owner.HostKey;

        public string HostKeyFingerprint => owner.HostKey;

        public Task ReconnectAsync(CancellationToken ct)
        {
            owner.Reconnects++;
            return Task.CompletedTask;
        }

        public Task<IConnection> StartAgentAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<string> AgentPathAsync(CancellationToken ct) => Task.FromResult("/root/.cache/nativesync/nativesync-agent");

        public Task<RescueCommandResult> RunAsync(string script, CancellationToken ct)
        {
            owner.Commands.Add(script);
            if (!script.Contains(" fixup ", StringComparison.Ordinal))
            {
                return owner.LostAnswers.TryDequeue(out Exception? lost) && lost is not null
                    ? Task.FromException<RescueCommandResult>(lost) : Task.FromResult(new RescueCommandResult(0, "", ""));
            }

            return owner.Looks.TryDequeue(out object? look)
                ? look is Exception e ? Task.FromException<RescueCommandResult>(e) : Task.FromResult((RescueCommandResult)look)
                : Task.FromResult(owner.Fixups);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>An engine that moves a thousand bytes at first and nothing afterwards.</summary>
internal sealed class FakeMover : IDataMover
{
    public List<TransferJob> Pushes { get; } = [];

    public int Verifications { get; private set; }

    /// <summary>What the first comparisons find different.</summary>
    public int DifferencesLeft { get; set; }

    public Func<int, TransferResult>? Result { get; set; }

    /// <summary>Asked before each comparison, which it may break off.</summary>
    public Func<bool>? Compares { get; set; }

    public Task<TransferResult> PushAsync(IRescueSystem system, TransferJob job, Action<TransferProgress>? progress, CancellationToken ct)
    {
        Pushes.Add(job);
        progress?.Invoke(new TransferProgress(1, 2, 500, 1000, false));
        int before = Pushes.Count(p => p.Label == job.Label) - 1;
        return Task.FromResult(Result?.Invoke(Pushes.Count) ?? new TransferResult { Files = 2, FilesSent = before == 0 ? 2 : 0, TotalBytes = 1000, LiteralBytes = before == 0 ? 1000 : 0, WireBytes = 50 });
    }

    public Task<VerifyResult> VerifyAsync(IRescueSystem system, TransferJob job, CancellationToken ct)
    {
        _ = Compares?.Invoke();
        Verifications++;
        int different = DifferencesLeft > 0 ? DifferencesLeft-- : 0;
        return Task.FromResult(new VerifyResult { SourceDigest = "aa", DestinationDigest = different > 0 ? "bb" : "aa", Entries = 2, DifferenceCount = different > 0 ? 1 : 0, Differences = different > 0 ? ["var/log/x: content"] : [] });
    }
}

/// <summary>Keeps what a user would see.</summary>
internal sealed class RecordingObserver : IMigrationObserver
{
    private readonly Lock _gate = new();

    public List<string> Lines { get; } = [];

    public List<string> Warnings { get; } = [];

    public void StageBegins(int stage, string title) => Add(title);

    public void StepBegins(string title)
    {
    }

    public void StepProgress(string title, double? percent, TimeSpan elapsed, string detail)
    {
        Assert.InRange(percent ?? 0, 0, 100);
    }

    public void StepEnds(string title, TimeSpan elapsed, string outcome, bool earlier)
    {
    }

    public void Say(string line) => Add(line);

    public void Warn(string line)
    {
        lock (_gate)
        {
            Warnings.Add(line);
        }
    }

    private void Add(string line)
    {
        lock (_gate)
        {
            Lines.Add(line);
        }
    }
}
