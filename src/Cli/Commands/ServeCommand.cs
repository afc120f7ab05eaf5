using System.Globalization;
using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Engine;
using NativeSync.Transport;

namespace NativeSync.Cli.Commands;

/// <summary><c>nativesync serve</c>: the remote end. It speaks on standard input and output, and is started by NativeSync itself.</summary>
internal static class ServeCommand
{
    /// <summary>How many seconds the caller may take to say what it wants.</summary>
    private const string Wait = "--wait=";

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

        TimeSpan? patience = null;
        if (args is [var only] && only.StartsWith(Wait, StringComparison.Ordinal) && int.TryParse(only.AsSpan(Wait.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds))
        {
            patience = TimeSpan.FromSeconds(Math.Min(seconds, SyncArgumentsBuilder.LongestWait));
        }
        else if (args.Length > 0)
        {
            throw new UsageException($"serve takes no other argument than {Wait}SECONDS: {UsageException.Quote(args[0])}");
        }

        StdioLane lane = StdioLane.Open();
        int exitCode = await Agent.ServeAsync(lane, new SocketDoor(), patience, ct);
        await lane.Output.CompleteAsync();
        await lane.DisposeAsync();
        return exitCode;
    }
}
