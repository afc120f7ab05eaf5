using NativeSync.Engine.Session;
using NativeSync.Engine.Session.Batch;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>
/// Synchronises trees: from here to an agent, from an agent to here, or on this machine. Files appear complete or not at all
/// (unless in place), what fails for one entry is reported and the rest goes on, and running again continues.
/// </summary>
public static class Synchronizer
{
    /// <summary>Sends local sources to the destination at the other end.</summary>
    /// <param name="connection">A way to an agent; stays the caller's.</param>
    /// <param name="request">What and how; <see cref="SyncRequest.Sources"/> are local, <see cref="SyncRequest.Destination"/> is at the agent.</param>
    /// <param name="observer">Told what happens; may be null.</param>
    /// <param name="ct">Ends the session; what is not complete is abandoned.</param>
    /// <exception cref="SessionException">The session failed as a whole.</exception>
    /// <exception cref="TransportException">The connection failed.</exception>
    /// <exception cref="ProtocolException">The other end sent nonsense.</exception>
    public static Task<SyncReport> PushAsync(IConnection connection, SyncRequest request, ISyncObserver? observer = null, CancellationToken ct = default) =>
        RunAsync(connection, JobKind.Push, request, observer, SyncEnvironment.Default, ct);

    /// <summary>Fetches sources at the other end to a local destination.</summary>
    /// <inheritdoc cref="PushAsync"/>
    public static Task<SyncReport> PullAsync(IConnection connection, SyncRequest request, ISyncObserver? observer = null, CancellationToken ct = default) =>
        RunAsync(connection, JobKind.Pull, request, observer, SyncEnvironment.Default, ct);

    /// <summary>Synchronises two places of this machine, in this process.</summary>
    /// <inheritdoc cref="PushAsync"/>
    public static async Task<SyncReport> LocalAsync(SyncRequest request, ISyncObserver? observer = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var environment = SyncEnvironment.Default with { Changes = request.Options.Changes };
        var connection = new InProcessConnection(async (lane, token) => await Agent.ServeAsync(lane, environment, token).ConfigureAwait(false));
        await using (connection.ConfigureAwait(false))
        {
            // As in rsync: between two places of one machine a delta costs more than it saves.
            var whole = request.Options.LocalDelta ? JobFlags.None : JobFlags.WholeFile;
            // Said of the other side, --fake-super means the receiver here; said of this one, both.
            var fake = request.Options.FakeSuper ? JobFlags.FakeSuper : JobFlags.None;
            var options = request.Options with
            {
                Flags = (request.Options.Flags & ~JobFlags.FakeSuper) | whole | fake | JobFlags.NoCompress,
                FakeSuper = request.Options.FakeSuper || request.Options.Has(JobFlags.FakeSuper),
                SourceOptions = request.Options.SourceOptions | SourceOptions.OneMachine,
            };
            return await RunAsync(connection, JobKind.Pull, request with { Options = options }, observer, SyncEnvironment.Default, ct).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Does to a destination on this machine what another run, with <see cref="SyncRequest.WriteBatch"/>, did to one that was equal.
    /// The batch is verified to its last byte before anything is done; it decides what of the entries is preserved.
    /// </summary>
    /// <param name="batch">The batch file; <c>-</c> for standard input.</param>
    /// <param name="request">Where to and how; its sources have no meaning.</param>
    /// <param name="observer">Told what happens; may be null.</param>
    /// <param name="ct">Ends the session.</param>
    /// <exception cref="SessionException">The batch cannot be read (11), is none (2) or is damaged (12), or the session failed.</exception>
    public static async Task<SyncReport> ApplyBatchAsync(byte[] batch, SyncRequest request, ISyncObserver? observer = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var file = await Task.Run(() => BatchFile.Open(SyncEnvironment.Default.Io, batch), ct).ConfigureAwait(false);
        var connection = new InProcessConnection(async (lane, token) => await Agent.ServeAsync(lane, SyncEnvironment.Default, token, file).ConfigureAwait(false));
        await using (connection.ConfigureAwait(false))
        {
            var options = request.Options with
            {
                Flags = (request.Options.Flags & ~(BatchFormat.Bound | JobFlags.RemoveSourceFiles)) | (file.Job.Flags & BatchFormat.Bound) | JobFlags.NoCompress,
                XattrLevel = (int)Math.Clamp(file.Job.Number(JobNumber.XattrLevel), 0, 2),
            };
            return await RunAsync(connection, JobKind.Pull, request with { Sources = ["."u8.ToArray()], FilesFrom = null, Options = options }, observer, SyncEnvironment.Default, ct).ConfigureAwait(false);
        }
    }

    internal static Task<SyncReport> RunAsync(
        IConnection connection, JobKind kind, SyncRequest request, ISyncObserver? observer, SyncEnvironment environment, CancellationToken ct) =>
        RunAsync(_ => Task.FromResult(connection), looksAhead: false, kind, request, observer, environment, ct);

    /// <summary>The same with a connection that is still to be made, by a function whose result stays the caller's; what is to be sent may be looked at meanwhile.</summary>
    internal static async Task<SyncReport> RunAsync(
        Func<CancellationToken, Task<IConnection>> connect, bool looksAhead, JobKind kind, SyncRequest request, ISyncObserver? observer, SyncEnvironment environment, CancellationToken ct)
    {
        observer ??= NoObserver.Instance;
        if (request.FilesFrom is not null && (kind == JobKind.Pull) != request.FilesFromIsRemote)
        {
            // The list is at the end that receives.
            request = request with { Options = request.Options with { SourceOptions = request.Options.SourceOptions | SourceOptions.ListFollows } };
        }

        var writesBatch = request is { WriteBatch: not null, Options: var o } && (!o.Has(JobFlags.DryRun) || o.BatchOnly) && !o.Has(JobFlags.ListOnly);
        if (writesBatch)
        {
            // One lane: a batch is written in the order of its packs. What only this destination has, under another name or of a run that broke off, is of no use to the others.
            request = request with { Options = request.Options with { ResumeFrom = 0, DetectRenamed = false, Lanes = 1 } };
        }

        if (request.Options.ChangeMode.Length > 0)
        {
            // The umask that counts is that of the caller, wherever the sender is.
            var changes = FileSystem.ModeChanges.ToWire(request.Options.ChangeMode, ProcessUmask.Value);
            request = request with { Options = request.Options with { ChangeMode = changes } };
        }

        CallerSession session = new(kind, request, writesBatch, observer, environment);
        return await session.RunAsync(connect, looksAhead, ct).ConfigureAwait(false);
    }

    private sealed class NoObserver : ISyncObserver
    {
        public static readonly NoObserver Instance = new();

        public bool HearsEntries => false;

        public void OnEntry(in EntryEvent entry)
        {
        }

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
