using System.Text;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>Reaches the remote side by running a remote shell program, as rsync's <c>-e</c> does: <c>COMMAND [-l user] host remote-command</c>.</summary>
public static class ShellCommandTransport
{
    /// <summary>Starts the agent through a remote shell program; every lane is another run of it.</summary>
    /// <param name="rshArgv">The program and its arguments; see <see cref="CommandSplitter"/>.</param>
    /// <param name="user">Passed as <c>-l user</c>; null for none.</param>
    /// <param name="host">Passed as it is; brackets of an IPv6 address must be off.</param>
    /// <param name="image">What to upload if need be.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="ct">Abandons the start.</param>
    /// <exception cref="TransportException">14 the program cannot be run, 255 it could not connect, 126 and 127 the agent could not be run there.</exception>
    public static Task<IConnection> StartAsync(IReadOnlyList<string> rshArgv, string? user, string host, AgentImage image,
        AgentOptions? options = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(rshArgv);
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (host.StartsWith('-') || user is ['-', ..])
        {
            throw new TransportException(1, $"'{Printable.Line(host.StartsWith('-') ? host : user!)}' is no name of a host or user", "It would be taken for an option.");
        }

        var shell = new CommandShell([.. rshArgv, .. (user is null ? (string[])[] : ["-l", user]), host],
            Printable.Line(user is null ? host : $"{user}@{host}"));
        return AgentBootstrap.StartOverAsync(shell, image, options ?? new AgentOptions(), ownsShell: true, ct);
    }

    private sealed class CommandShell(IReadOnlyList<string> argv, string peer) : IRemoteShell
    {
        private volatile bool _scriptsAsInput;

        public string Peer => peer;

        /// <summary>
        /// Programs like ssh hand one text to a login shell; others (a wrapper, <c>docker exec -i</c>) run the words as they
        /// are. The second kind finds no program of our text's name: then it is asked for a bare <c>sh</c>, which suits both,
        /// and reads the script as its input. Nothing follows the script before it has answered, since some shells read ahead.
        /// </summary>
        public async ValueTask<IExecLane> StartAsync(RemoteCommand command, bool statusIsFault, CancellationToken ct)
        {
            ct.ThrowIfCancellationRequested();
            if (command.Script is not { } script || !_scriptsAsInput)
            {
                IReadOnlyList<string> words = command.Script is null ? command.Words : [command.Text];
                return ChildProcessLane.Launch([.. argv, .. words], peer, statusIsFault);
            }

            var lane = ChildProcessLane.Launch([.. argv, "sh"], peer, statusIsFault);
            try
            {
                await lane.Output.WriteAsync(Encoding.UTF8.GetBytes(script + "\n"), ct).ConfigureAwait(false);
                return lane;
            }
            catch
            {
                await lane.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        public bool TryAnotherWay()
        {
            bool first = !_scriptsAsInput;
            _scriptsAsInput = true;
            return first;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
