using System.Buffers;
using System.IO.Pipelines;
using NativeSync.Engine;

namespace NativeSync.Transport;

internal static class RemoteShellExtensions
{
    /// <summary>More output than this is an error: commands whose output is collected are short.</summary>
    private const int MaxOutput = 64 * 1024 * 1024;

    /// <summary>Runs a command to its end.</summary>
    /// <param name="stdin">Written to its standard input, followed by an end of stream; null for none.</param>
    /// <exception cref="TransportException">The connection is lost.</exception>
    public static async Task<CommandResult> RunAsync(this IRemoteShell shell, string command, Stream? stdin, CancellationToken ct)
    {
        IExecLane lane = await shell.StartAsync(command, statusIsFault: false, ct).ConfigureAwait(false);
        await using (lane.ConfigureAwait(false))
        {
            Task sending = SendAsync(lane.Output, stdin, ct);
            byte[] output = await ReadToEndAsync(lane.Input, ct).ConfigureAwait(false);
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
    }

    private static async Task SendAsync(PipeWriter writer, Stream? stdin, CancellationToken ct)
    {
        try
        {
            if (stdin is not null)
            {
                await stdin.CopyToAsync(writer, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            await writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader, CancellationToken ct)
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
