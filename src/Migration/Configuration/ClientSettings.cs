using System.Globalization;
using NativeSync.Engine;

namespace NativeSync.Migration.Configuration;

/// <summary>Who calls the API, through what, and which address the data goes to (guide, "Supported migration modes").</summary>
public enum NetworkMode
{
    /// <summary>The source calls the API; data goes to the public address.</summary>
    Default = 0,

    /// <summary>Scenario 1: a gateway runs stages 1 and 3, the source stage 2; data goes to the private address.</summary>
    Gateway = 1,

    /// <summary>Scenario 2: the source calls the API; data goes to the private address.</summary>
    Private = 2,

    /// <summary>Scenario 3: the source calls the API through an HTTP proxy; data goes to the private address.</summary>
    Proxy = 3,
}

/// <summary>The user's consent to make file systems on the destination's disks.</summary>
public enum FormatConsent
{
    /// <summary>None: every disk must hold a file system. The default.</summary>
    Never,

    /// <summary>Data disks without any file system get one.</summary>
    Empty,

    /// <summary>Every file system that takes data is made anew; partitions stay as they are.</summary>
    All,
}

/// <summary>The user's consent to make partition tables on the destination's disks.</summary>
public enum TableConsent
{
    /// <summary>None: partitions stay as they are. The default.</summary>
    Never,

    /// <summary>The system disk gets an MBR with one bootable partition.</summary>
    System,

    /// <summary>Each data disk gets a table with one partition too.</summary>
    All,
}

/// <summary>The HTTP proxy of scenario 3.</summary>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="User">User, when the proxy asks for one.</param>
/// <param name="Password">Its password.</param>
public sealed record ProxySettings(string Host, int Port, string? User, string? Password);

/// <summary>How SSH connections get out of here, when not directly. The text form shows no secret.</summary>
/// <param name="ProxyJump">Hosts to go through, <c>[user@]host[:port][,…]</c>; null for none.</param>
/// <param name="Proxy"><c>http://[user:password@]host:port</c> or <c>socks5://…</c>; null for none.</param>
public sealed record SshWay(string? ProxyJump, string? Proxy)
{
    /// <summary>The key of <see cref="ProxyJump"/>.</summary>
    public const string JumpKey = "Client.Ssh.ProxyJump";

    /// <summary>The key of <see cref="Proxy"/>.</summary>
    public const string ProxyKey = "Client.Ssh.Proxy";

    /// <summary>What to do when it does not lead out.</summary>
    internal const string Advice = $"correct {JumpKey} and {ProxyKey} in {ClientSettings.FileName}, or what they name (as root, \"ssh HOST true\" must work without a question)";

    /// <inheritdoc/>
    public override string ToString() => ProxyJump ?? "";
}

/// <summary>What <c>client.json</c> says. The first group of keys is the guide's, the second NativeSync's own.</summary>
public sealed record ClientSettings
{
    /// <summary>The name of the file, beside the executable.</summary>
    public const string FileName = "client.json";

    private const string FormatKey = "Client.Disks.Format";
    private const long MaxRate = 1L << 40;
    private const string PartitionKey = "Client.Disks.Partition";

    /// <summary><c>Client.Net.Mode</c>.</summary>
    public NetworkMode Mode { get; init; }

    /// <summary><c>Client.Net.Proxy.*</c>; null without.</summary>
    public ProxySettings? Proxy { get; init; }

    /// <summary><c>Client.Net.Proxy.IPv6</c> or <c>Client.Net.IPv6</c>: send the data to an IPv6 address.</summary>
    public bool IPv6 { get; init; }

    /// <summary><c>Client.Extra.IgnoreCheck</c>: skip the checks of the source.</summary>
    public bool IgnoreCheck { get; init; }

    /// <summary><c>Client.Extra.Daemon</c>: run in the background.</summary>
    public bool Daemon { get; init; }

    /// <summary><c>Client.Rsync.BandwidthLimit</c>, in bytes a second; 0 for none. The file has KBytes (1024) a second, or a timetable of such.</summary>
    public BandwidthPlan Bandwidth { get; init; } = BandwidthPlan.Of(0);

    /// <summary><c>Client.Rsync.Checksum</c>: compare contents, not size and time.</summary>
    public bool Checksum { get; init; }

    /// <summary><c>Client.Api.Endpoint</c>: scheme, host and port, with <c>{service}</c> and <c>{region}</c> filled in; null for the public one.</summary>
    public string? ApiEndpoint { get; init; }

    /// <summary><c>Client.Api.CaFile</c>: PEM file of the authorities to trust instead of the system's.</summary>
    public string? ApiCaFile { get; init; }

    /// <summary><c>Client.Api.MetadataEndpoint</c>: where a CVM learns its role's credentials, when there is no key.</summary>
    public Uri MetadataEndpoint { get; init; } = new("http://metadata.tencentyun.com");

    /// <summary><c>Client.Api.PollSeconds</c>: pause between two looks at the state of the instance.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>Client.Api.WaitSeconds</c>: how long one change of state may take.</summary>
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary><c>Client.Api.TimeoutSeconds</c>: how long one call may take.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>Client.Ssh.Port</c> of the rescue system.</summary>
    public int SshPort { get; init; } = 22;

    /// <summary><c>Client.Ssh.User</c> of the rescue system.</summary>
    public string SshUser { get; init; } = "root";

    /// <summary><c>Client.Ssh.IdentityFile</c>: a private key to offer before the password.</summary>
    public string? SshIdentityFile { get; init; }

    /// <summary><c>Client.Ssh.ProxyJump</c> and <c>Client.Ssh.Proxy</c>; null to connect directly.</summary>
    public SshWay? SshWay { get; init; }

    /// <summary><c>Client.Source.Root</c>: the tree to migrate.</summary>
    public string SourceRoot { get; init; } = "/";

    /// <summary><c>Client.Transfer.MaxPasses</c>: the most passes of the transfer.</summary>
    public int MaxPasses { get; init; } = 5;

    /// <summary><c>Client.Transfer.UntilBytes</c>: a pass that moved no more than this is the last.</summary>
    public long UntilBytes { get; init; } = 16L << 20;

    /// <summary><c>Client.Transfer.FollowChanges</c>: each pass behind the first looks only at what has changed, where that can be known.</summary>
    public bool FollowChanges { get; init; } = true;

    /// <summary><c>Client.Transfer.ReconnectSeconds</c>: how long to try to connect again when the line drops; zero for not at all.</summary>
    public TimeSpan Reconnect { get; init; } = TimeSpan.FromHours(1);

    /// <summary><c>Client.Transfer.TimeoutSeconds</c>: a line from which nothing comes for so long is dead.</summary>
    public int TimeoutSeconds { get; init; } = 120;

    /// <summary><c>Client.Transfer.Hooks</c>.</summary>
    public TransferHooks Hooks { get; init; } = new();

    /// <summary><c>Client.Disks.Partition</c>: which disks of the destination get a new partition table.</summary>
    public TableConsent Partition { get; init; }

    /// <summary><c>Client.Disks.SwapMiB</c>: size of a swap partition behind the system, where the table is made anew; 0 for none.</summary>
    public int SwapMebibytes { get; init; }

    /// <summary><c>Client.Disks.Format</c>: which disks of the destination get new file systems, made as the source's are.</summary>
    public FormatConsent Format { get; init; }

    /// <summary><c>Client.Transfer.Lanes</c>: the most lanes; 0 leaves it to the program.</summary>
    public int Lanes { get; init; }

    /// <summary><c>Client.Transfer.Compress</c>: null leaves it to the program.</summary>
    public bool? Compress { get; init; }

    /// <summary><c>Client.Transfer.DestinationRoot</c>: a directory of the rescue system that takes the data instead of its disks.</summary>
    public string? DestinationRoot { get; init; }

    /// <summary><c>Client.Fixups.*</c>: what makes the copied system boot.</summary>
    public FixupSettings Fixups { get; init; } = new();

    /// <summary><c>Client.Check.*</c>: how the started instance is looked at.</summary>
    public StartCheckSettings Check { get; init; } = new();

    /// <summary>Reads the file's content.</summary>
    /// <param name="content">Bytes of the file.</param>
    /// <param name="warnings">Receives what is odd but not wrong.</param>
    /// <param name="checkWay">Judges the form of the way of SSH, which is for those who connect to know: tells keys and what is wrong with them.</param>
    /// <exception cref="ConfigException">Something is wrong; all problems are in it.</exception>
    public static ClientSettings Parse(ReadOnlySpan<byte> content, List<ConfigProblem> warnings, Action<SshWay, Action<string, string>>? checkWay = null)
    {
        List<ConfigProblem> errors = [];
        ConfigReader r = new(FileName, ConfigParser.Parse(FileName, content), errors, warnings);
        ClientSettings defaults = new();
        NetworkMode mode = (NetworkMode)(r.Integer("Client.Net.Mode", 0, 3) ?? 0);
        ProxySettings? proxy = ProxyOf(r, mode, errors);
        bool ipv6 = (r.Boolean("Client.Net.Proxy.IPv6") ?? false) | (r.Boolean("Client.Net.IPv6") ?? false);
        bool toolMode = r.Boolean("Client.ToolMode") ?? true;
        _ = toolMode; // The console mode does not exist here: tool mode is all there is, whatever the key says.
        string? destinationRoot = AbsolutePath(r, "Client.Transfer.DestinationRoot");
        ClientSettings settings = new()
        {
            Mode = mode,
            Proxy = proxy,
            IPv6 = ipv6,
            IgnoreCheck = r.Boolean("Client.Extra.IgnoreCheck") ?? false,
            Daemon = r.Boolean("Client.Extra.Daemon") ?? false,
            Bandwidth = BandwidthOf(r),
            Checksum = r.Boolean("Client.Rsync.Checksum") ?? false,
            ApiEndpoint = EndpointOf(r),
            ApiCaFile = r.Text("Client.Api.CaFile"),
            MetadataEndpoint = MetadataOf(r) ?? defaults.MetadataEndpoint,
            PollInterval = Seconds(r, "Client.Api.PollSeconds", 0.01, 60) ?? defaults.PollInterval,
            WaitLimit = Seconds(r, "Client.Api.WaitSeconds", 1, 86400) ?? defaults.WaitLimit,
            CallTimeout = Seconds(r, "Client.Api.TimeoutSeconds", 0.1, 600) ?? defaults.CallTimeout,
            SshPort = (int)(r.Integer("Client.Ssh.Port", 1, 65535) ?? defaults.SshPort),
            SshUser = UserOf(r) ?? defaults.SshUser,
            SshIdentityFile = r.Text("Client.Ssh.IdentityFile"),
            SshWay = WayOf(r, checkWay),
            SourceRoot = AbsolutePath(r, "Client.Source.Root") ?? defaults.SourceRoot,
            MaxPasses = (int)(r.Integer("Client.Transfer.MaxPasses", 1, 1000) ?? defaults.MaxPasses),
            UntilBytes = r.Integer("Client.Transfer.UntilBytes", 0, long.MaxValue) ?? defaults.UntilBytes,
            FollowChanges = r.Boolean("Client.Transfer.FollowChanges") ?? defaults.FollowChanges,
            Reconnect = r.Integer("Client.Transfer.ReconnectSeconds", 0, 7 * 24 * 3600) is { } seconds ? TimeSpan.FromSeconds(seconds) : defaults.Reconnect,
            TimeoutSeconds = (int)(r.Integer("Client.Transfer.TimeoutSeconds", 10, 86400) ?? defaults.TimeoutSeconds),
            Hooks = TransferHooks.Read(r),
            Format = FormatOf(r),
            Partition = PartitionOf(r),
            SwapMebibytes = (int)(r.Integer("Client.Disks.SwapMiB", 0, 1 << 20) ?? 0),
            Lanes = (int)(r.Integer("Client.Transfer.Lanes", 1, 64) ?? 0),
            Compress = r.Boolean("Client.Transfer.Compress"),
            DestinationRoot = destinationRoot,
            Fixups = FixupSettings.Read(r),
            Check = StartCheckSettings.Read(r),
        };
        if (settings is { DestinationRoot: not null, Format: not FormatConsent.Never })
        {
            r.Error(FormatKey, "nothing can be formatted below Client.Transfer.DestinationRoot; remove one of both keys");
        }

        if (settings is { Partition: not TableConsent.Never, Format: not FormatConsent.All })
        {
            r.Error(PartitionKey, $"a new table takes the file systems with it: set {FormatKey} to \"all\" too, or remove this key");
        }
        else if (settings is { SwapMebibytes: > 0, Partition: TableConsent.Never })
        {
            r.Error("Client.Disks.SwapMiB", $"a swap partition is made with a new table only: set {PartitionKey} to \"system\", or remove this key");
        }

        r.WarnUnread();
        return errors.Count == 0 ? settings : throw new ConfigException(errors);
    }

    /// <summary>Whether a disk gets a new partition table.</summary>
    /// <param name="index">0 for the system disk, else the data disk's index.</param>
    public bool HasNewTable(int index) => Partition == TableConsent.All || (index == 0 && Partition == TableConsent.System);

    private static BandwidthPlan BandwidthOf(ConfigReader r)
    {
        const string key = "Client.Rsync.BandwidthLimit";
        if (!BandwidthPlan.IsTimetable(r.Peek(key)))
        {
            return BandwidthPlan.Of((r.Integer(key, 0, MaxRate) ?? 0) * 1024);
        }

        BandwidthPlan? plan = BandwidthPlan.Parse(r.Text(key)!, RateOf, out string wrong);
        if (plan is null)
        {
            r.Error(key, $"\"{wrong}\" is no [DAY-]HH:MM,KBYTES (for instance \"08:00,512 19:00,off\" or \"Sat-10:00,4096\")");
        }

        return plan ?? BandwidthPlan.Of(0);

        static long? RateOf(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long rate) && rate <= MaxRate ? rate * 1024 : null;
    }

    private static SshWay? WayOf(ConfigReader r, Action<SshWay, Action<string, string>>? check)
    {
        (string? jump, string? proxy) = (r.Text(SshWay.JumpKey)?.Trim(), r.Text(SshWay.ProxyKey)?.Trim());
        if (jump is null && proxy is null)
        {
            return null;
        }

        SshWay way = new(jump, proxy);
        check?.Invoke(way, r.Error);
        return way;
    }

    private static TableConsent PartitionOf(ConfigReader r)
    {
        switch (r.Text(PartitionKey)?.ToLowerInvariant())
        {
            case null or "never":
                return TableConsent.Never;
            case "system":
                return TableConsent.System;
            case "all":
                return TableConsent.All;
            default:
                r.Error(PartitionKey, "expected \"never\", \"system\" (the system disk gets a new partition table) or \"all\" (the data disks too)");
                return TableConsent.Never;
        }
    }

    private static FormatConsent FormatOf(ConfigReader r)
    {
        const string key = FormatKey;
        switch (r.Text(key)?.ToLowerInvariant())
        {
            case null or "never":
                return FormatConsent.Never;
            case "empty":
                return FormatConsent.Empty;
            case "all":
                return FormatConsent.All;
            default:
                r.Error(key, "expected \"never\", \"empty\" (data disks without a file system get one) or \"all\" (every file system that takes data is made anew)");
                return FormatConsent.Never;
        }
    }

    private static Uri? MetadataOf(ConfigReader r)
    {
        const string key = "Client.Api.MetadataEndpoint";
        if (r.Text(key) is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri is { Scheme: "http" or "https", PathAndQuery: "/", UserInfo: "" })
        {
            return uri;
        }

        r.Error(key, "expected scheme, host and port, such as \"http://metadata.tencentyun.com\"");
        return null;
    }

    private static ProxySettings? ProxyOf(ConfigReader r, NetworkMode mode, List<ConfigProblem> errors)
    {
        int before = errors.Count;
        string? host = r.Text("Client.Net.Proxy.Ip")?.Trim();
        int? port = (int?)r.Integer("Client.Net.Proxy.Port", 1, 65535);
        string? user = r.Text("Client.Net.Proxy.User");
        string? password = r.Text("Client.Net.Proxy.Password");
        if (mode != NetworkMode.Proxy)
        {
            if (host is not null)
            {
                r.Warn("Client.Net.Proxy.Ip", $"the proxy is used in mode 3 only, and Client.Net.Mode is {(int)mode}");
            }

            return null;
        }

        if (host is null)
        {
            r.Error("Client.Net.Proxy.Ip", "missing; mode 3 needs the address of the proxy");
        }
        else if (Uri.CheckHostName(host.Trim('[', ']')) == UriHostNameType.Unknown)
        {
            r.Error("Client.Net.Proxy.Ip", "expected an address such as \"10.0.0.5\" without scheme or port");
        }

        if (port is null && errors.Count == before)
        {
            r.Error("Client.Net.Proxy.Port", "missing; mode 3 needs the port of the proxy");
        }

        return errors.Count == before ? new ProxySettings(host!, port!.Value, user, password) : null;
    }

    private static string? EndpointOf(ConfigReader r)
    {
        const string key = "Client.Api.Endpoint";
        if (r.Text(key)?.Trim() is not { } text)
        {
            return null;
        }

        if (text is "intl" or "internal")
        {
            return text;
        }

        string probe = text.Replace("{service}", "cvm", StringComparison.Ordinal).Replace("{region}", "ap-guangzhou", StringComparison.Ordinal);
        if (!probe.Contains("://", StringComparison.Ordinal))
        {
            probe = "https://" + probe;
            text = "https://" + text;
        }

        bool good = Uri.TryCreate(probe, UriKind.Absolute, out Uri? uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            && uri is { PathAndQuery: "/", UserInfo: "", Fragment: "" };
        if (!good)
        {
            r.Error(key, "expected \"intl\", \"internal\", or scheme, host and port such as \"https://cvm.tencentcloudapi.com\" or \"https://{service}.{region}.tencentcloudapi.com\"");
            return null;
        }

        if (uri!.Scheme == Uri.UriSchemeHttp && !uri.IsLoopback)
        {
            r.Warn(key, "http is not encrypted: anyone on the way can read the requests; use https");
        }

        return text.TrimEnd('/');
    }

    private static string? UserOf(ConfigReader r)
    {
        string? user = r.Text("Client.Ssh.User");
        if (user is not null && !NameForms.IsUser(user))
        {
            r.Error("Client.Ssh.User", $"expected a user name such as \"root\"");
        }

        return user;
    }

    private static string? AbsolutePath(ConfigReader r, string key)
    {
        if (r.Text(key) is not { } path)
        {
            return null;
        }

        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path[0] != '/' || path.Contains('\0', StringComparison.Ordinal) || Array.Exists(parts, p => p is "." or ".."))
        {
            r.Error(key, "expected an absolute path without \"..\"");
            return null;
        }

        return "/" + string.Join('/', parts);
    }

    private static TimeSpan? Seconds(ConfigReader r, string key, double min, double max)
        => r.Number(key, min, max) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
}
