using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using NativeSync.Cli.Options;
using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Transport;

namespace NativeSync.Cli.Remote;

/// <summary>Reaches the other side as the options say, and asks the person at the terminal for what is missing.</summary>
internal sealed class RemoteConnector(RemoteArguments arguments, Interruption interruption, Action<string>? tell = null)
{
    /// <summary>rsync's code for --contimeout.</summary>
    private const int ConnectTimedOut = 35;

    /// <summary>Whatever --timeout says, a machine may take so long to start a program.</summary>
    private const int LeastSeconds = 10;

    /// <summary>rsync's variable for the remote shell.</summary>
    private const string RshVariable = "RSYNC_RSH";

    /// <summary>The executable to upload in place of this one, e.g. one for another machine.</summary>
    private const string AgentVariable = "NATIVESYNC_AGENT";

    /// <summary>A proxy to reach the server through. Not an option: a command line is there for all to read.</summary>
    private const string ProxyVariable = "NATIVESYNC_SSH_PROXY";

    /// <summary>A password for logging in, for those who cannot be asked.</summary>
    private const string PasswordVariable = "NATIVESYNC_PASSWORD";

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, string> _answers = [];
    private readonly HashSet<string> _given = [];
    private int _passwordsGiven;

    /// <summary>Bytes per second that may be sent at the moment, 0 for any number; null where there is no limit.</summary>
    public Func<long>? Bandwidth { get; init; }

    /// <summary>A line from which nothing comes for so long is dead, 0 for never; null where the defaults will do.</summary>
    public int? SilenceSeconds { get; init; }

    /// <summary>The agent is told what to do as soon as it runs, and nothing is read or asked before.</summary>
    public bool AsksAtOnce { get; init; }

    /// <summary>Much may be sent, as fast as the line lets it.</summary>
    public bool Sends { get; init; }

    /// <summary>Connects and starts the agent. At a second time passwords are not asked for again.</summary>
    /// <exception cref="TransportException">It did not work.</exception>
    public async Task<IConnection> ConnectAsync(Endpoint remote, CancellationToken ct)
    {
        _given.Clear();
        _passwordsGiven = 0;
        AgentImage image = Environment.GetEnvironmentVariable(AgentVariable) is { Length: > 0 } path ? AgentImage.FromFile(path) : AgentImage.Self();
        AgentOptions agent = new() { RemotePath = arguments.RsyncPath, Pace = Bandwidth is { } bandwidth ? UploadPace.Of(bandwidth) : null };
        if (arguments.TimeoutSeconds > 0)
        {
            agent = agent with { StartTimeout = AtLeast(arguments.TimeoutSeconds) };
        }

        if (SilenceSeconds is { } silence)
        {
            agent = silence == 0 ? agent with { Silence = Timeout.InfiniteTimeSpan } : agent with { Silence = AtLeast(silence), Patience = AsksAtOnce ? AtLeast(silence) : null };
        }

        if (Rsh is { } rsh)
        {
            IReadOnlyList<string> words = CommandSplitter.Split(rsh);

            // rsync, too, passes the version of IP on to ssh, and to nothing else.
            words = arguments.IpVersion != 0 && Path.GetFileName(words[0]) == "ssh" ? [.. words, $"-{arguments.IpVersion}"] : words;
            Tell(string.Join(' ', words));
            return await ShellCommandTransport.StartAsync(words, remote.User, remote.Host!, image, agent, ct);
        }

        Tell("built-in SSH");
        SshTarget target = new(remote.Host!, arguments.Port, remote.User);
        SshSession session = await ConnectAsync(target, ct);
        try
        {
            // What was answered once is answered again, and nobody is asked: a further connection comes about by itself or not at all.
            SshOptions again = Again(SshOptions(), Answered) with { PinnedHostKey = session.HostKey };
            again = again with { Jump = Again(again.Jump!, prompt => _answers.GetValueOrDefault(prompt)) };
            agent = agent with { AnotherSession = token => SshConnector.ConnectAsync(target, again, token) };
            return await AgentBootstrap.StartAsync(session, image, agent, ownsSession: true, ct);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>The command of <c>-e</c>; RSYNC_RSH counts only when no option is about the built-in SSH.</summary>
    private string? Rsh => arguments.Rsh
        ?? (arguments is { Port: null, HostKeyCheck: null, SshConfig: null, Identities: [], KnownHosts: [] }
            && Environment.GetEnvironmentVariable(RshVariable) is { Length: > 0 } rsh ? rsh : null);

    private async Task<SshSession> ConnectAsync(SshTarget target, CancellationToken ct)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            return await SshConnector.ConnectAsync(target, SshOptions() with { PrimesWindow = Sends && (Bandwidth is null || Bandwidth() == 0) }, ct);
        }
        catch (TransportException e) when (arguments.ConnectSeconds > 0 && Stopwatch.GetElapsedTime(started).TotalSeconds >= arguments.ConnectSeconds)
        {
            throw new TransportException(ConnectTimedOut, e.Message, e.Hint, e);
        }
    }

    private static TimeSpan AtLeast(int seconds) => TimeSpan.FromSeconds(Math.Max(seconds, LeastSeconds));

    private void Tell(string command)
    {
        if (tell is not null)
        {
            tell($"opening connection using: {UsageException.Quote(command)}");
        }
    }

    /// <summary>The password of the environment is the server's: a host on the way to it is not told.</summary>
    private SshOptions SshOptions()
    {
        SshOptions onTheWay = OptionsFor(static () => null);
        return OptionsFor(PasswordFromEnvironment) with { Jump = onTheWay };
    }

    private SshOptions OptionsFor(Func<string?> password) => new()
    {
        IpVersion = arguments.IpVersion,
        IdentityFiles = arguments.Identities,
        KnownHostsFiles = arguments.KnownHosts,
        HostKeyCheck = arguments.HostKeyCheck,
        ConfigFile = arguments.SshConfig,
        Proxy = Environment.GetEnvironmentVariable(ProxyVariable) is { Length: > 0 } proxy ? SshProxy.Parse(proxy) : null,
        ConnectTimeout = (arguments.ConnectSeconds > 0 ? arguments.ConnectSeconds : arguments.TimeoutSeconds) is > 0 and int seconds ? TimeSpan.FromSeconds(seconds) : null,
        PasswordProvider = prompt => password() ?? Ask(prompt, shown: false),
        PassphraseProvider = prompt => Ask(prompt, shown: false),
        InteractiveProvider = (prompt, shown) => (shown ? null : password()) ?? Ask(prompt, shown),
        ConfirmHostKey = Confirm,
        Logger = new StandardErrorLogger(),
    };

    /// <summary>Once: a password that was refused is not tried again.</summary>
    private string? PasswordFromEnvironment() =>
        Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password && Interlocked.Exchange(ref _passwordsGiven, 1) == 0 ? password : null;

    private bool Confirm(HostKeyQuestion question)
    {
        string? answer = Ask(string.Create(CultureInfo.InvariantCulture,
            $"The host {UsageException.Quote(question.Host)} is not known. Its {UsageException.Quote(question.KeyType)} key is {UsageException.Quote(question.Fingerprint)}.\nConnect, and remember the key (yes/no)? "), shown: true);
        return answer?.Trim().ToLowerInvariant() == "yes";
    }

    private string? Ask(string prompt, bool shown)
    {
        // An answer that was of use before is given once more; one that was refused is asked for.
        if (_given.Add(prompt) && !shown && _answers.TryGetValue(prompt, out string? known))
        {
            return known;
        }

        string? answer = Terminal.Ask(prompt, shown, interruption);
        if (answer is not null)
        {
            _answers[prompt] = answer;
        }

        return answer;
    }

    private static SshOptions Again(SshOptions options, Func<string, string?> answer) => options with
    {
        PasswordProvider = answer,
        PassphraseProvider = answer,
        InteractiveProvider = (prompt, _) => answer(prompt),
        ConfirmHostKey = null,
        MaxPrompts = 1,
        Logger = null,
    };

    private string? Answered(string prompt) => _answers.GetValueOrDefault(prompt) ?? (Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password ? password : null);

    /// <summary>Warnings of the transport, one line each.</summary>
    private sealed class StandardErrorLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Console.Error.WriteLine("nativesync: " + UsageException.Quote(formatter(state, exception)));
            }
        }
    }
}
