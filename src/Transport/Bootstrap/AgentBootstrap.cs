using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Transport;

/// <summary>
/// Starts the remote end, and puts it there first when it is missing.
/// </summary>
/// <remarks>
/// 1. One command tries the places where an agent of exactly our content may lie and becomes it. Usually that is all.
/// 2. If none does, it names the system and the machine; ours must fit.
/// 3. For each place in turn one command takes the upload, checks it, tries it and renames it.
/// 4. The agent is started from the place that worked.
/// </remarks>
public static class AgentBootstrap
{
    /// <summary>rsync's code for an other end that says something else than the protocol.</summary>
    private const int NotUnderstood = 2;

    /// <inheritdoc cref="StartAsync(SshSession, AgentImage, AgentOptions?, bool, CancellationToken)"/>
    public static Task<IConnection> StartAsync(SshSession session, AgentImage image, CancellationToken ct = default) =>
        StartAsync(session, image, null, ownsSession: false, ct);

    /// <summary>Starts the agent over an SSH session.</summary>
    /// <param name="session">The session; further lanes are further channels of it, and of <see cref="AgentOptions.AnotherSession"/>.</param>
    /// <param name="image">What to upload if need be.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="ownsSession">Disposing the connection disposes the session.</param>
    /// <param name="ct">Abandons the start.</param>
    /// <exception cref="TransportException">The agent could not be started; 126 it cannot be run there, 127 it was not found, 255 or 12 the connection.</exception>
    public static Task<IConnection> StartAsync(SshSession session, AgentImage image, AgentOptions? options, bool ownsSession, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return StartOverAsync(session, image, options ?? new AgentOptions(), ownsSession, ct);
    }

    internal static async Task<IConnection> StartOverAsync(IRemoteShell shell, AgentImage image, AgentOptions options, bool ownsShell, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(image);
        string serve = options.Patience is { } patience ? string.Create(CultureInfo.InvariantCulture, $"serve --wait={Math.Ceiling(patience.TotalSeconds):0}") : "serve";
        if (options.RemotePath is { } path)
        {
            string[] words = [path, .. serve.Split(' ')];
            return await ConnectAsync(new RemoteCommand($"{path} {serve}", words), new RemoteCommand(path + " serve join", [path, "serve", "join"])).ConfigureAwait(false);
        }

        string name = await image.RemoteNameAsync().WaitAsync(ct).ConfigureAwait(false);
        try
        {
            AgentMissingException missing;
            do
            {
                try
                {
                    return await ConnectAsync(BootstrapScripts.Start(name, serve), BootstrapScripts.Start(name, "serve join")).ConfigureAwait(false);
                }
                catch (AgentMissingException e)
                {
                    missing = e;
                }
            }
            while (missing.Report is null && shell.TryAnotherWay());

            RequireMachine(shell.Peer, image, missing);
            string place = await InstallAsync(shell, image, name, options, ct).ConfigureAwait(false);
            return await ConnectAsync(BootstrapScripts.StartAt(place, name, serve), BootstrapScripts.StartAt(place, name, "serve join")).ConfigureAwait(false);
        }
        catch (AgentMissingException e)
        {
            throw e.Reason;
        }

        async Task<IConnection> ConnectAsync(RemoteCommand command, RemoteCommand join) => new AgentConnection(shell, join,
            await StartCommandAsync(shell, command, options, ct).ConfigureAwait(false), ownsShell,
            options.AnotherSession is { } another ? async token => await another(token).ConfigureAwait(false) : null);
    }

    /// <summary>Starts a command and waits for the magic bytes, which stay unread, with whatever the shell printed before them.</summary>
    /// <exception cref="AgentMissingException">The command ended with 126 or 127 before that.</exception>
    private static async Task<IExecLane> StartCommandAsync(IRemoteShell shell, RemoteCommand command, AgentOptions options, CancellationToken ct)
    {
        IExecLane lane = await shell.StartAsync(command, statusIsFault: true, ct).ConfigureAwait(false);
        try
        {
            using var limit = new CancellationTokenSource(options.StartTimeout, options.Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
            string? noise = await FindMagicAsync(lane.Input, either.Token).ConfigureAwait(false);
            if (noise is null)
            {
                return lane;
            }

            throw new TransportException(noise.Length > 0 ? NotUnderstood : SshErrors.StreamBroken, $"{shell.Peer} answers, but not as NativeSync: \"{noise}\"",
                "Does its login shell or a forced command stand in the way?");
        }
        catch (Exception e)
        {
            string raw = lane.RawDiagnostics;
            await lane.DisposeAsync().ConfigureAwait(false);
            throw e switch
            {
                TransportException { ExitCode: 126 or 127 } reason when options.RemotePath is null => new AgentMissingException(reason, raw),
                ProtocolException => new TransportException(NotUnderstood, $"{shell.Peer}: {e.Message}", "Does its shell start-up file print without end?", e),
                OperationCanceledException when !ct.IsCancellationRequested =>
                    new TransportException(30, $"the agent on {shell.Peer} does not answer within {options.StartTimeout.TotalSeconds:0} s", "Does a start-up file of its shell wait for something?", e),
                _ => e,
            };
        }
    }

    /// <summary>Null when the magic came; else the beginning of what came instead, before a clean end.</summary>
    private static async Task<string?> FindMagicAsync(PipeReader input, CancellationToken ct)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync(ct).ConfigureAwait(false);
            if (HoldsMagic(result.Buffer))
            {
                input.AdvanceTo(result.Buffer.Start);
                return null;
            }

            if (result.IsCompleted)
            {
                string text = System.Text.Encoding.UTF8.GetString(result.Buffer.Slice(0, Math.Min(result.Buffer.Length, 400)).ToArray());
                return Printable.LastLine(text) ?? "";
            }

            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static bool HoldsMagic(in ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        int skipped = 0;
        return Magic.TryFind(ref reader, ref skipped);
    }

    /// <summary>Our executable must run there. What the start command reported is looked for among what a start-up file may have printed.</summary>
    private static void RequireMachine(string peer, AgentImage image, AgentMissingException missing)
    {
        if (missing.Report is not { } report)
        {
            // 126: it is there and cannot be run; another place may do. Else there is no usable sh.
            if (missing.Reason.ExitCode == 126)
            {
                return;
            }

            throw missing.Reason;
        }

        string[] words = report.Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string system = words.Length > 1 ? words[1] : "";
        string machine = words.Length > 2 ? words[2] : "";
        if (system != "Linux" || (image.Machine != "any" && machine != image.Machine))
        {
            throw new TransportException(126, $"{peer} is a {Printable.Line(system)} {Printable.Line(machine)} machine, and this executable is for Linux {image.Machine}",
                "Install an executable for that machine there, and give its path with --rsync-path.");
        }
    }

    /// <summary>The place where the upload worked.</summary>
    private static async Task<string> InstallAsync(IRemoteShell shell, AgentImage image, string name, AgentOptions options, CancellationToken ct)
    {
        string digest = await image.Sha256Async().ConfigureAwait(false);
        var reasons = new List<string>();
        foreach (string place in BootstrapScripts.Places)
        {
            RemoteCommand command = BootstrapScripts.Install(place, name, image.Size, digest, options.RemoveAgentsOlderThanDays, options.Silence);
            using FileStream file = new PacedFile(image.Path, options.Pace);
            CommandResult result = await shell.RunAsync(command, file, BootstrapScripts.Ready, options.Silence, options.Clock, ct).ConfigureAwait(false);
            string[] lines = result.OutputText.Split('\n');
            if (result.ExitCode == 0 && lines.Any(static l => l.StartsWith(BootstrapScripts.Installed, StringComparison.Ordinal)))
            {
                return place;
            }

            string? failed = lines.LastOrDefault(static l => l.StartsWith(BootstrapScripts.Failed, StringComparison.Ordinal));
            reasons.Add(failed is not null
                ? Printable.Line(failed[BootstrapScripts.Failed.Length..].Trim())
                : $"{Printable.LastLine(result.Error) ?? "no answer"} (status {result.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "unknown"})");
        }

        throw new TransportException(126, $"the agent cannot be put on {shell.Peer}: {string.Join("; ", reasons)}",
            $"It needs {(image.Size >> 20) + 1} MiB in one of these places, or an installed executable given with --rsync-path.");
    }

    /// <summary>The command ended with 126 or 127 before it spoke.</summary>
    private sealed class AgentMissingException(TransportException reason, string diagnostics) : Exception(reason.Message, reason)
    {
        public TransportException Reason => reason;

        /// <summary>The line of the start script; null when none was run. A start-up file may have printed before it.</summary>
        public string? Report { get; } =
            diagnostics.Split('\n').LastOrDefault(static l => l.StartsWith(BootstrapScripts.Missing, StringComparison.Ordinal));
    }
}
