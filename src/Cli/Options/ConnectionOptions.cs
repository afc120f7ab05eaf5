using NativeSync.Transport;

namespace NativeSync.Cli.Options;

/// <summary>The options about reaching the other side.</summary>
internal sealed class ConnectionOptions
{
    private readonly List<string> _identities = [];
    private readonly List<string> _knownHosts = [];
    private int _connectTimeout, _ipVersion;
    private string? _rsh, _rsyncPath, _sshConfig;
    private int? _port;
    private HostKeyCheck? _hostKeyCheck;
    private bool _isBuiltIn;

    /// <summary>Takes an option; false when it is about something else.</summary>
    public bool Apply(GivenOption given)
    {
        bool on = !given.Negated;
        switch (given.Option.Id)
        {
            case OptionId.Rsh: _rsh = given.Text; break;
            case OptionId.RsyncPath: _rsyncPath = given.Text; break;
            case OptionId.Port: _port = SyncArgumentsBuilder.Number(given, 1, 65535); _isBuiltIn = true; break;
            case OptionId.Identity: _identities.Add(given.Text); _isBuiltIn = true; break;
            case OptionId.KnownHosts: _knownHosts.Add(given.Text); _isBuiltIn = true; break;
            case OptionId.SshConfig: _sshConfig = given.Text; _isBuiltIn = true; break;
            case OptionId.HostKeyCheck: _hostKeyCheck = ReadHostKeyCheck(given); _isBuiltIn = true; break;
            case OptionId.Ipv4: _ipVersion = 4; break;
            case OptionId.Ipv6: _ipVersion = 6; break;
            case OptionId.ConnectTimeout: _connectTimeout = on ? Math.Min(SyncArgumentsBuilder.Number(given, 0, int.MaxValue), SyncArgumentsBuilder.LongestWait) : 0; break;
            default: return false;
        }

        return true;
    }

    /// <summary>What they say together.</summary>
    /// <param name="timeoutSeconds"><c>--timeout</c>.</param>
    public RemoteArguments Build(int timeoutSeconds) => new()
    {
        IpVersion = _ipVersion,
        ConnectSeconds = _connectTimeout,
        Rsh = _rsh,
        RsyncPath = _rsyncPath,
        Port = _port,
        Identities = _identities,
        KnownHosts = _knownHosts,
        HostKeyCheck = _hostKeyCheck,
        SshConfig = _sshConfig,
        TimeoutSeconds = timeoutSeconds,
    };

    /// <exception cref="UsageException">Some are for the built-in SSH, and another one is used.</exception>
    public void RefuseContradictions()
    {
        if (_rsh is not null && _isBuiltIn)
        {
            throw new UsageException("--port, --identity, --known-hosts, --host-key-check and --ssh-config are for the built-in SSH (put them into the command of --rsh)");
        }
    }

    private static HostKeyCheck ReadHostKeyCheck(GivenOption given) => given.Text switch
    {
        "yes" => HostKeyCheck.Yes,
        "accept-new" => HostKeyCheck.AcceptNew,
        "no" => HostKeyCheck.No,
        _ => throw new UsageException($"{UsageException.Quote(given.Given)}: yes, accept-new or no is expected"),
    };
}
