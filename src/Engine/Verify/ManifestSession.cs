using System.Runtime.ExceptionServices;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>The agent's side of a manifest, after the handshake: streams it, says goodbye, waits for the same.</summary>
internal static class ManifestSession
{
    /// <returns>The exit code: 0, since what could not be read is told in the manifest.</returns>
    public static async Task<int> ServeAsync(FrameLane lane, SessionAbort abort, HelloFrame hello, JobFrame job, CancellationToken ct)
    {
        using CancellationTokenRegistration cancellation = ct.Register(() => abort.Abort(new OperationCanceledException(ct)));
        SyncOptions options = JobTranslation.ToRequest(job).Options;
        LaneSettings settings = new()
        {
            CompressLevel = options.CompressLevel,
            BandwidthLimit = options.BandwidthLimit,
            Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
        };
        lane.Start(settings, hello.Credit, pack =>
        {
            pack.Release();
            abort.Abort(new ProtocolException(ProtocolError.UnexpectedRecord, "who asks for a manifest has no records to send"));
        });
        try
        {
            await ManifestServer.RunAsync(job, new OutboxSink(lane.Outbox), abort.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            abort.Abort(e);
            await lane.FinishSendingAsync().ConfigureAwait(false); // the send loop tells the peer why
            ExceptionDispatchInfo.Throw(abort.Reason!);
        }

        lane.Outbox.Dispatch.CompleteWith(ControlFrames.Goodbye());
        await lane.FinishSendingAsync().ConfigureAwait(false);
        TaskCompletionSource ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration ended = abort.Token.Register(() => ending.TrySetResult());
        await Task.WhenAny(lane.Goodbye, ending.Task).ConfigureAwait(false);
        return 0;
    }

    /// <summary>Packs into the lane's outbox, which waits while the line is behind.</summary>
    private sealed class OutboxSink(RecordOutbox outbox) : IRecordSink
    {
        public ValueTask SendAsync(ReadOnlyMemory<byte> records, CancellationToken ct)
        {
            using RecordOutbox.Scope scope = outbox.Enter(records.Length);
            records.Span.CopyTo(scope.Room);
            scope.Commit(records.Length);
            return ValueTask.CompletedTask;
        }
    }
}
