using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Bench;

/// <summary>A fresh directory below one of another machine, which the first transfer makes and which is removed at the end.</summary>
internal sealed class RemotePlace(RemoteConnector connector, Endpoint remote, Action<string> warn)
{
    /// <summary>By then the line is dead.</summary>
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(30);

    private readonly string _name = ".nativesync-bench-" + Guid.NewGuid().ToString("N");

    /// <summary>Where it is.</summary>
    public byte[] Path => [.. remote.Path, (byte)'/', .. ByteText.FromArgument(_name)];

    /// <summary>
    /// Removes what was made, and that alone, as a name that the source does not have. The way to DIR leads through it: where it is not there,
    /// nothing is found, and so nothing is made.
    /// </summary>
    /// <param name="empty">A directory here without that name.</param>
    /// <param name="mustBeThere">Otherwise it is no news that it is not.</param>
    public async Task RemoveAsync(string empty, bool mustBeThere)
    {
        SyncRequest request = new()
        {
            Sources = [ByteText.FromArgument($"{empty}/./{_name}")],
            Destination = [.. Path, .. "/.."u8],
            Options = new SyncOptions
            {
                Flags = JobFlags.Recursive | JobFlags.Force | JobFlags.NoCompress,
                SourceOptions = SourceOptions.Relative | SourceOptions.DeleteMissing,
            },
        };
        using CancellationTokenSource stop = new(RemovalLimit);
        string why;
        try
        {
            await using IConnection connection = await connector.ConnectAsync(remote, stop.Token);
            SyncReport report = await Synchronizer.PushAsync(connection, request, null, stop.Token);
            if (report.ExitCode == 0)
            {
                return;
            }

            why = report.Problems is [var first, ..] ? first.Message : "it is not empty";
        }
        catch (SessionException e) when (!mustBeThere && e.ExitCode is ExitCodes.FileIo or ExitCodes.FileSelection)
        {
            return;
        }
        catch (Exception e) when (e is SessionException or TransportException or OperationCanceledException or ProtocolException)
        {
            why = e.Message;
        }

        warn($"{ByteText.Escape(Path)} on {remote.Machine} could not be removed: {why} (remove it by hand)");
    }
}
