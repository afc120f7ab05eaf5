using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using NativeSync.Engine;

namespace NativeSync.Transport;

internal static class RemoteShellExtensions
{
    /// <summary>More output than this is an error: commands whose output is collected are short.</summary>
    private const int MaxOutput = 64 * 1024 * 1024;

    /// <summary>Runs a command to its end.</summary>
    /// <param name="shell">Where.</param>
    /// <param name="command">What.</param>
    /// <param name="stdin">Written to its standard input, followed by an end of stream; null for none.</param>
    /// <param name="ready">Nothing is written before the command has printed this; null to write at once.</param>
    /// <param name="silence">While nothing moves for so long the line is dead; infinite: never. For commands that show signs of life.</param>
    /// <param name="clock">Where the time for that comes from.</param>
    /// <param name="ct">Abandons the command.</param>
    /// <exception cref="TransportException">The connection is lost, or dead.</exception>
    public static async Task<CommandResult> RunAsync(this IRemoteShell shell, RemoteCommand command, Stream? stdin, string? ready, TimeSpan silence, TimeProvider clock, CancellationToken ct)
    {
        IExecLane lane = await shell.StartAsync(command, statusIsFault: false, ct).ConfigureAwait(false);
        await using (lane.ConfigureAwait(false))
        {
            using var watch = new SilenceWatch(lane, silence, clock, ct);
            try
            {
                return await RunAsync(lane, stdin, ready, watch.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e)
            {
                ct.ThrowIfCancellationRequested();
                watch.ThrowIfSilent(shell.Peer, e);
                throw;
            }
        }
    }

    private static async Task<CommandResult> RunAsync(IExecLane lane, Stream? stdin, string? ready, CancellationToken ct)
    {
        var mayWrite = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (ready is null)
        {
            mayWrite.SetResult(true);
        }

        Task sending = SendAsync(lane.Output, stdin, mayWrite.Task, ct);
        byte[] output;
        try
        {
            output = await ReadToEndAsync(lane.Input, Encoding.ASCII.GetBytes(ready ?? ""), mayWrite, ct).ConfigureAwait(false);
        }
        finally
        {
            mayWrite.TrySetResult(false);
        }

        await lane.Ended.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            await sending.ConfigureAwait(false);
        }
        catch (Exception e) when (e is TransportException or IOException or InvalidOperationException)
        {
            // A command may end without reading all; its status tells.
        }

        return new CommandResult(lane.ExitCode, output, lane.RawDiagnostics);
    }

    private static async Task SendAsync(PipeWriter writer, Stream? stdin, Task<bool> mayWrite, CancellationToken ct)
    {
        try
        {
            if (await mayWrite.ConfigureAwait(false) && stdin is not null)
            {
                await stdin.CopyToAsync(writer, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            await writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader, byte[] ready, TaskCompletionSource<bool> isReady, CancellationToken ct)
    {
        var collected = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await reader.ReadAsync(ct).ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                collected.Write(part.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (!isReady.Task.IsCompleted && collected.WrittenSpan.IndexOf(ready) >= 0)
            {
                isReady.TrySetResult(true);
            }

            if (collected.WrittenCount > MaxOutput)
            {
                throw new TransportException(SshErrors.StreamBroken, $"a remote command wrote more than {MaxOutput} bytes");
            }

            if (result.IsCompleted)
            {
                return collected.WrittenSpan.ToArray();
            }
        }
    }
}
