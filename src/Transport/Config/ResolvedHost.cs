using System.Text;
using Microsoft.Extensions.Logging;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>Everything that is needed to connect to one host: command line first, then ssh_config, then OpenSSH's defaults.</summary>
internal sealed record ResolvedHost
{
    private const int DefaultPort = 22;
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    private static readonly string[] DefaultIdentities = ["id_ed25519", "id_ecdsa", "id_rsa"];

    /// <summary>What to connect to.</summary>
    public required string HostName { get; init; }

    public required int Port { get; init; }

    public required string User { get; init; }

    /// <summary>What known_hosts calls it.</summary>
    public required string HostKeyName { get; init; }

    /// <summary>Keys that were asked for, in order.</summary>
    public required IReadOnlyList<string> Identities { get; init; }

    /// <summary>Keys to try when none was asked for.</summary>
    public required IReadOnlyList<string> FallbackIdentities { get; init; }

    public required IReadOnlyList<string> Certificates { get; init; }

    public required bool IdentitiesOnly { get; init; }

    /// <summary>Null for none.</summary>
    public required string? AgentSocket { get; init; }

    public required HostKeyCheck HostKeyCheck { get; init; }

    public required IReadOnlyList<string> UserKnownHosts { get; init; }

    public required IReadOnlyList<string> SystemKnownHosts { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>Hosts to go through, nearest first.</summary>
    public required IReadOnlyList<SshTarget> Jumps { get; init; }

    /// <summary>For messages: <c>user@host:port</c>, escaped.</summary>
    public string Peer => Printable.Line($"{User}@{(HostName.Contains(':', StringComparison.Ordinal) ? $"[{HostName}]" : HostName)}:{Port}");

    /// <exception cref="TransportException">A configuration file cannot be read, or says something that cannot be meant.</exception>
    public static ResolvedHost Resolve(SshTarget target, SshOptions options)
    {
        string home = options.HomeDirectory ?? Environment.GetEnvironmentVariable("HOME")
            ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        SshConfigValues config = ReadConfig(target.Host, options, home);

        string user = target.User ?? config.User ?? Environment.UserName;
        string hostName = (config.HostName ?? target.Host).Replace("%h", target.Host, StringComparison.Ordinal).Replace("%%", "%", StringComparison.Ordinal);
        int port = target.Port ?? config.Port ?? DefaultPort;
        string Expand(string path) => ExpandTokens(path, home, hostName, target.Host, user, port);
        List<string> FilesOf(IEnumerable<string> paths) =>
            [.. paths.Select(Expand).Where(static p => !p.Equals("none", StringComparison.OrdinalIgnoreCase))];

        List<string> identities = [.. options.IdentityFiles, .. FilesOf(config.IdentityFiles)];
        string? agent = options.AgentSocket ?? config.IdentityAgent switch
        {
            null or "SSH_AUTH_SOCK" => Environment.GetEnvironmentVariable("SSH_AUTH_SOCK"),
            "none" => null,
            ['$', .. string variable] => Environment.GetEnvironmentVariable(variable),
            { } path => Expand(path),
        };

        return new ResolvedHost
        {
            HostName = hostName,
            Port = port,
            User = user,
            HostKeyName = config.HostKeyAlias ?? hostName,
            Identities = identities,
            FallbackIdentities = identities.Count > 0 ? [] : [.. DefaultIdentities.Select(n => Path.Combine(home, ".ssh", n)).Where(File.Exists)],
            Certificates = FilesOf(config.CertificateFiles),
            IdentitiesOnly = options.IdentitiesOnly ?? config.IdentitiesOnly ?? false,
            AgentSocket = string.IsNullOrEmpty(agent) ? null : agent,
            HostKeyCheck = options.HostKeyCheck ?? CheckOf(config.StrictHostKeyChecking),
            UserKnownHosts = options.KnownHostsFiles.Count > 0 ? options.KnownHostsFiles
                : FilesOf(config.UserKnownHostsFiles ?? [Path.Combine(home, ".ssh", "known_hosts"), Path.Combine(home, ".ssh", "known_hosts2")]),
            SystemKnownHosts = !options.UseSystemKnownHosts ? [] : FilesOf(config.GlobalKnownHostsFiles ?? ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]),
            Timeout = options.ConnectTimeout ?? (config.ConnectTimeoutSeconds is { } s ? TimeSpan.FromSeconds(Math.Min(s, int.MaxValue / 1000)) : DefaultTimeout),
            Jumps = JumpsOf(options.ProxyJump ?? config.ProxyJump),
        };
    }

    private static SshConfigValues ReadConfig(string host, SshOptions options, string home)
    {
        var reader = new SshConfigReader(home, options.Logger);
        string[] files = options.ConfigFile switch
        {
            null => [Path.Combine(home, ".ssh", "config"), "/etc/ssh/ssh_config"],
            "" or "none" => [],
            { } file when !File.Exists(file) => throw new TransportException(1, $"SSH configuration file {Printable.Line(file)} does not exist", "Name an existing file, or 'none'."),
            { } file => [file],
        };
        foreach (string file in files)
        {
            try
            {
                reader.Read(file, host);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TransportException(255, $"SSH configuration file {Printable.Line(file)} cannot be read: {Printable.Line(e.Message)}",
                    "Make it readable, or name another one.", e);
            }
        }

        return reader.Values;
    }

    private static HostKeyCheck CheckOf(string? strict) => strict switch
    {
        "no" or "off" or "false" => HostKeyCheck.No,
        "accept-new" => HostKeyCheck.AcceptNew,
        _ => HostKeyCheck.Yes,
    };

    private static List<SshTarget> JumpsOf(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Equals("none", StringComparison.OrdinalIgnoreCase))
        {
            return [];
        }

        return [.. text.Split(',').Select(part => SshTarget.Parse(part)
            ?? throw new TransportException(1, $"'{Printable.Line(part)}' is no host to jump through", "Write [user@]host[:port], several with commas between."))];
    }

    /// <summary>ssh_config(5), TOKENS, as far as paths use them.</summary>
    private static string ExpandTokens(string path, string home, string host, string original, string user, int port)
    {
        if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal))
        {
            path = home + path[1..];
        }

        var result = new StringBuilder();
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] != '%' || i + 1 == path.Length)
            {
                result.Append(path[i]);
                continue;
            }

            result.Append(path[++i] switch
            {
                '%' => "%",
                'd' => home,
                'h' => host,
                'n' => original,
                'p' => port.ToString(System.Globalization.CultureInfo.InvariantCulture),
                'r' => user,
                'u' => Environment.UserName,
                'i' => LibC.geteuid().ToString(System.Globalization.CultureInfo.InvariantCulture),
                char other => "%" + other,
            });
        }

        return result.ToString();
    }
}
