using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Engine;
using NativeSync.Transport;

namespace NativeSync.Cli.Commands;

/// <summary><c>nativesync serve</c>: the remote end. It speaks on standard input and output, and is started by NativeSync itself.</summary>
internal static class ServeCommand
{
    /// <summary>Serves one session; with the word join it is the far end of a further lane.</summary>
    public static async Task<int> RunAsync(string[] args, Streams streams, CancellationToken ct)
    {
        if (args is ["--help" or "-h", ..])
        {
            streams.Write(HelpText.ForCommand("serve"));
            return 0;
        }

        if (args is ["join"])
        {
            return LaneJoiner.Run();
        }

        if (args.Length > 0)
        {
            throw new UsageException($"serve takes no arguments: {UsageException.Quote(args[0])}");
        }

        StdioLane lane = StdioLane.Open();
        int exitCode = await Agent.ServeAsync(lane, new SocketDoor(), ct);
        await lane.Output.CompleteAsync();
        await lane.DisposeAsync();
        return exitCode;
    }
}
