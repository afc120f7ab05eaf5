using System.Globalization;
using System.Text;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Migration.Stages;
using NativeSync.Transport;

namespace NativeSync.Cli.Migrate;

/// <summary>Reaches the rescue system over SSH.</summary>
/// <remarks>
/// Nobody's ~/.ssh takes part: the password and the host key are the migration's own. The key of a system that was made a
/// minute ago is known to nobody, so the first one is taken, and kept by the caller. Hosts on the way are the user's own (<see cref="SshWays"/>).
/// </remarks>
internal sealed class SshRescueConnector : IRescueConnector
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public async Task<IRescueSystem> ConnectAsync(RescueAddress address, RescueCredentials credentials, CancellationToken ct)
    {
        SshOptions options = new()
        {
            IdentityFiles = credentials.IdentityFile is { } file ? [file] : [],
            IdentitiesOnly = true,
            AgentSocket = "",
            PasswordProvider = credentials.Password.Length > 0 ? _ => credentials.Password : null,
            MaxPrompts = 1,
            HostKeyCheck = HostKeyCheck.No,
            PinnedHostKey = credentials.PinnedHostKey,
            KnownHostsFiles = ["/dev/null"],
            ConfigFile = "none",
            ConnectTimeout = ConnectTimeout,
        };
        options = SshWays.Apply(options, address.Way);
        SshTarget target = new(address.Host, address.Port, credentials.User);
        SshSession session = await SshConnector.ConnectAsync(target, options, ct);
        SshOptions again = options with { PinnedHostKey = session.HostKey };
        return new SshRescueSystem(session, token => SshConnector.ConnectAsync(target, again, token), address.Bandwidth, address.Silence);
    }

    internal sealed class SshRescueSystem(SshSession first, Func<CancellationToken, Task<SshSession>> another, Func<long> bandwidth, TimeSpan silence) : IRescueSystem
    {
        /// <summary>A script that is silent for long says so often within the time of silence that it lives.</summary>
        private const int SignsPerSilence = 4;

        private readonly TimeSpan _silence = silence > TimeSpan.Zero ? silence : Timeout.InfiniteTimeSpan;
        private SshSession _session = first;
        private readonly AgentImage _image = AgentImage.Self();

        public string HostKey => _session.HostKey;

        public string HostKeyFingerprint => _session.HostKeyFingerprint;

        public async Task ReconnectAsync(CancellationToken ct)
        {
            SshSession old = _session;
            _session = await another(ct);
            await old.DisposeAsync();
        }

        public Task<IConnection> StartAgentAsync(CancellationToken ct)
        {
            AgentOptions options = new() { AnotherSession = another, Pace = UploadPace.Of(bandwidth), StartTimeout = _silence, Silence = _silence, Patience = silence > TimeSpan.Zero ? silence : null };
            return AgentBootstrap.StartAsync(_session, _image, options, ownsSession: false, ct);
        }

        public async Task<string> AgentPathAsync(CancellationToken ct)
        {
            // Usually it is there and this is one round trip; else what starts the agent also brings it.
            string script = BootstrapScripts.Find(await _image.RemoteNameAsync());
            RescueCommandResult found = await RunAsync(script, ct);
            if (found.ExitCode != 0)
            {
                await (await StartAgentAsync(ct)).DisposeAsync();
                found = await RunAsync(script, ct);
            }

            return found.ExitCode == 0 ? found.Output.TrimEnd('\n') : throw new TransportException(127, $"the agent cannot be found on {_session.Peer}", "Does something remove it? Run again.");
        }

        public async Task<RescueCommandResult> RunAsync(string script, CancellationToken ct)
        {
            // By standard input: what a login shell other than sh would make of its quotes and line ends is not our concern then.
            // Read whole before it is run: a script that ends early must not leave input behind (see SshSession.RunAsync).
            // In braces: of one that arrives in part, because the line is cut, nothing is run.
            using MemoryStream input = new(Encoding.UTF8.GetBytes("{\n" + WithSigns(script, silence) + "\n}\n"), writable: false);
            CommandResult result = await _session.RunAsync(RemoteCommand.OfText("/bin/sh -c 'eval \"$(cat)\"'"), input, ready: null, _silence, TimeProvider.System, ct);
            return new RescueCommandResult(result.ExitCode ?? -1, result.OutputText.Replace("\0", "", StringComparison.Ordinal), result.Error);
        }

        public ValueTask DisposeAsync() => _session.DisposeAsync();

        /// <summary>
        /// The same with a NUL now and then while it runs: making a file system is silent for minutes, and who sends nothing does not learn either
        /// that a line has died. What prints them holds neither its output nor its errors when it is ended, and its sleep ends with it: by SIGKILL,
        /// since a process that a shell has just forked for it may still take SIGTERM for the shell's own and lose it.
        /// </summary>
        internal static string WithSigns(string script, TimeSpan silence) => silence <= TimeSpan.Zero ? script : string.Create(CultureInfo.InvariantCulture, $$"""
            (trap 'kill -9 $!; exit' TERM; while sleep {{Math.Max(1, Math.Floor(silence.TotalSeconds / SignsPerSilence)):0}} >/dev/null & wait $!; do printf '\000'; done) 2>/dev/null &
            signs=$!
            (
            {{script}}
            )
            status=$?
            exec 2>/dev/null
            kill $signs && wait $signs
            exit $status
            """);
    }
}
