using System.Globalization;
using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>What a migration needs from outside; the command line puts it together.</summary>
public sealed record MigrationServices
{
    /// <summary>Reaches the rescue system.</summary>
    public required IRescueConnector Connector { get; init; }

    /// <summary>Moves the data.</summary>
    public required IDataMover Mover { get; init; }

    /// <summary>Told of what a user should see.</summary>
    public required IMigrationObserver Observer { get; init; }

    /// <summary>The log file.</summary>
    public required MigrationLog Log { get; init; }

    /// <summary>The key for the API; asked for only when a stage calls it. Null: the role of this CVM.</summary>
    public required Func<UserSettings, CloudCredentials?> Credentials { get; init; }

    /// <summary>Turns the exclude file into filter rules.</summary>
    public required Func<byte[], IReadOnlyList<byte[]>> ReadExcludes { get; init; }

    /// <summary>Bytes that a planned file system carries, what is excluded left out; null when it cannot be told.</summary>
    public Func<PlannedFileSystem, long?>? Measure { get; init; }

    /// <summary>This machine.</summary>
    public ISourceSystem Source { get; init; } = new LinuxSourceSystem();

    /// <summary>Looks whether the instance answers in the end.</summary>
    public IReachability Reachability { get; init; } = new SshReachability();

    /// <summary>The address that this machine would have on the way to the instance; null on a gateway, which is not the one that sends the data.</summary>
    internal System.Net.IPAddress? AddressTowards(Instance instance, ClientSettings client)
        => client.Mode == NetworkMode.Gateway || Preflight.AddressOf(instance, client) is not { } host ? null : Reachability.LocalAddress(host, client.SshPort);

    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>A client that signs with the key, or with the role's credentials; none of them ever reaches the log.</summary>
    internal TencentApiClient OpenApi(MigrationConfiguration configuration, ToolDirectory tool)
    {
        CloudCredentials? key = Credentials(configuration.User);
        if (key is not null)
        {
            Hide(key);
        }

        CredentialProvider provider = key is not null ? new(key) : new(configuration.Client.MetadataEndpoint, Time, Hide);
        return new TencentApiClient(provider, configuration.User.Region, configuration.Client, tool.Path, Time, Log);

        void Hide(CloudCredentials credentials)
        {
            Log.Hide(credentials.SecretKey);
            Log.Hide(credentials.Token);
        }
    }
}

/// <summary>What the steps of one run share.</summary>
internal sealed class RunContext : IAsyncDisposable
{
    private TencentApiClient? _api;
    private BandwidthWatch? _bandwidth;

    public required MigrationConfiguration Configuration { get; init; }

    public required ToolDirectory Tool { get; init; }

    public required MigrationServices Services { get; init; }

    public required IMigrationObserver Observer { get; init; }

    public required StateStore Store { get; init; }

    public required MigrationState State { get; init; }

    public UserSettings User => Configuration.User;

    public ClientSettings Client => Configuration.Client;

    public TimeProvider Time => Services.Time;

    public MigrationLog Log => Services.Log;

    /// <summary>The API, signed in when first used: stage 2 of scenario 1 never does.</summary>
    public TencentApiClient Api
    {
        get
        {
            _api ??= Services.OpenApi(Configuration, Tool);
            return _api;
        }
    }

    public CvmClient Cvm => new(Api);

    public VpcClient Vpc => new(Api);

    /// <summary>The limit of the moment, which the user may change meanwhile.</summary>
    public BandwidthWatch Bandwidth => _bandwidth ??= new BandwidthWatch(Tool.File(ClientSettings.FileName), Client.Bandwidth, Time, Log.Info);

    /// <summary>The rescue system, once a step has connected.</summary>
    public IRescueSystem? System { get; set; }

    /// <summary>The file systems of the source, once planned.</summary>
    public IReadOnlyList<PlannedFileSystem>? Plan { get; set; }

    /// <summary>The source's swap files, which are not carried.</summary>
    public IReadOnlyList<SwapFile> SwapFiles { get; set; } = [];

    /// <summary>Where each goes, in the order of the plan.</summary>
    public IReadOnlyList<byte[]>? Places { get; set; }

    public IDestinationLayout Layout => Client.DestinationRoot is { } root ? new DirectoryLayout(root) : new MountedDiskLayout(Client, State.Formatted, Save, State.Began.UtcTicks.ToString(CultureInfo.InvariantCulture));

    /// <summary>The instance as it is now.</summary>
    public async Task<Instance> DescribeAsync(CancellationToken ct)
        => await Cvm.DescribeInstanceAsync(User.InstanceId, ct).ConfigureAwait(false)
            ?? throw new MigrationException($"{User.InstanceId} is not found in {User.Region}", "check InstanceId and Region in user.json, and that the key belongs to the same account");

    public void Save() => Store.Save(State);

    /// <summary>The job for one file system of the plan.</summary>
    public TransferJob JobFor(int i) => new(
        Plan![i].Label, Plan[i].SourcePath, Places![i], Plan[i].Rules, Bandwidth.Now, Client.Checksum, Client.Compress, Client.Lanes)
    {
        Reconnect = Client.Reconnect,
        TimeoutSeconds = Client.TimeoutSeconds,
        Tell = Observer.Warn,
    };

    /// <summary>Asks the rescue system what may be asked twice, again when the line drops.</summary>
    /// <param name="label">For messages.</param>
    /// <param name="ask">Does it.</param>
    /// <param name="limit">A question that takes this much longer than a line may be silent is lost; zero: however long it takes.</param>
    /// <param name="ct">Cancelled by the user.</param>
    public Task<RescueCommandResult> AskAsync(string label, Func<IRescueSystem, CancellationToken, Task<RescueCommandResult>> ask, TimeSpan limit, CancellationToken ct)
    {
        TimeSpan patience = limit > TimeSpan.Zero && Client.TimeoutSeconds > 0 ? limit + TimeSpan.FromSeconds(Client.TimeoutSeconds) : Timeout.InfiniteTimeSpan;
        return LastingCall.RunAsync(System!, LastingCall.Options(Client.Reconnect, label, Observer.Warn) with { Clock = Time }, OnceAsync, ct);

        async Task<RescueCommandResult> OnceAsync(CancellationToken stop)
        {
            try
            {
                return await ask(System!, stop).WaitAsync(patience, Time, stop).ConfigureAwait(false);
            }
            catch (TimeoutException e)
            {
                throw new TransportException(ExitCodes.Timeout, "the rescue system does not answer", "run the tool again: it goes on where it stopped", e);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (System is not null)
        {
            await System.DisposeAsync().ConfigureAwait(false);
            System = null;
        }

        _api?.Dispose();
    }

    /// <summary>A fault of the transport as the user should see it.</summary>
    public static MigrationException Translate(TransportException e) => new(e.Message, e.Hint, e);
}
