using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// A manifest from the other end of a connection. Packs wait in a queue that the lane's credit bounds; credit is granted again as
/// they are consumed.
/// </summary>
internal sealed class RemoteManifest : IRecordSource
{
    private readonly SessionAbort _abort = new();
    private readonly PackReader _unpacker = new();
    private readonly Channel<InboundPack> _packs = Channel.CreateUnbounded<InboundPack>(new UnboundedChannelOptions { SingleReader = true });
    private readonly FrameLane _lane;
    private CancellationTokenRegistration _aborted;
    private InboundPack? _current;

    private RemoteManifest(ILane lane, TimeProvider clock) => _lane = new FrameLane(lane, _abort, clock);

    /// <summary>Asks the agent for it.</summary>
    /// <exception cref="SessionException">The agent refuses.</exception>
    /// <exception cref="TransportException">The connection fails.</exception>
    public static async ValueTask<IRecordSource> OpenAsync(IConnection connection, byte[] path, VerifyOptions options, CancellationToken ct)
    {
        RemoteManifest manifest = new(await connection.OpenLaneAsync(ct).ConfigureAwait(false), TimeProvider.System);
        try
        {
            await manifest.StartAsync(path, options, ct).ConfigureAwait(false);
            return manifest;
        }
        catch
        {
            await manifest.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken ct)
    {
        _current?.Release();
        _current = null;
        try
        {
            _current = await _packs.Reader.ReadAsync(ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException) when (_abort.Reason is { } reason)
        {
            ExceptionDispatchInfo.Throw(reason);
        }

        _current!.Unpack(_unpacker);
        return _current.Records;
    }

    /// <summary>Says goodbye when the other end has, and breaks off when not.</summary>
    public async ValueTask DisposeAsync()
    {
        _current?.Release();
        _current = null;
        if (_lane.Goodbye.IsCompletedSuccessfully)
        {
            _lane.Outbox.Dispatch.CompleteWith(ControlFrames.Goodbye());
            await _lane.FinishSendingAsync().ConfigureAwait(false);
        }
        else
        {
            _abort.Abort(new OperationCanceledException());
        }

        await _aborted.DisposeAsync().ConfigureAwait(false);
        await _lane.DisposeAsync().ConfigureAwait(false);
        while (_packs.Reader.TryRead(out InboundPack? left))
        {
            left.Release();
        }

        _unpacker.Dispose();
        _abort.Dispose();
    }

    /// <summary>Lets the other end finish in order: its last frame follows the last record.</summary>
    public async ValueTask FinishAsync(CancellationToken ct)
    {
        TaskCompletionSource ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = _abort.Token.Register(() => ending.TrySetResult());
        await Task.WhenAny(_lane.Goodbye, ending.Task).WaitAsync(ct).ConfigureAwait(false);
    }

    private async Task StartAsync(byte[] path, VerifyOptions options, CancellationToken ct)
    {
        JobFrame job = new()
        {
            Kind = JobKind.Manifest,
            Flags = options.Flags,
            Numbers = options.TimeoutSeconds == 0
                ? [new(JobNumber.CompressLevel, 1)]
                : [new(JobNumber.CompressLevel, 1), new(JobNumber.TimeoutSeconds, options.TimeoutSeconds)],
            Texts = options.ChecksumIndex is { Length: > 0 } index ? [new(JobText.ChecksumIndex, index)] : [],
            Sources = [path],
            Rules = options.Rules,
            Secret = new byte[ProtocolLimits.SecretLength], // no further lane joins a manifest
        };
        HelloFrame hello = await Handshake.AskAsync(_lane, job, default, ct).ConfigureAwait(false);
        await Handshake.HearAnswerAsync(_lane, job, ct).ConfigureAwait(false);
        _aborted = _abort.Token.Register(() => _packs.Writer.TryComplete());
        _lane.Start(new LaneSettings { Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds) }, hello.Credit, Take);
    }

    private void Take(InboundPack pack)
    {
        if (!_packs.Writer.TryWrite(pack))
        {
            pack.Release();
        }
    }
}
