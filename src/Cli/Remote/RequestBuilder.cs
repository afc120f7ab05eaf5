using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Cli.Remote;

/// <summary>What is asked of the engine: the options, as far as which end is where decides what they mean.</summary>
internal static class RequestBuilder
{
    /// <summary>Builds the request. A listing of what is here needs no other side: the plan becomes a local one.</summary>
    /// <exception cref="UsageException">Options that do not go with this direction.</exception>
    public static SyncRequest Build(SyncArguments arguments, ref TransferPlan plan)
    {
        byte[]? list = null;
        bool remoteList = false;
        if (arguments.FilesFrom is { } given)
        {
            if (plan.Sources.Count != 1 || arguments.Operands.Count == 1)
            {
                throw new UsageException("--files-from takes exactly one source, the directory that its names are relative to, and a destination");
            }

            (list, remoteList) = FindList(given, plan);
        }

        SyncOptions options = arguments.Options;
        if (arguments.Has(JobFlags.ListOnly) && plan.Direction == Direction.Push && !remoteList)
        {
            plan = plan with { Direction = Direction.Local, Remote = null };
        }

        bool pull = plan.Direction == Direction.Pull;
        if (arguments.MungeLinks)
        {
            RefuseUnsafeMunging();

            // This side's: what comes in is munged, what goes out is not.
            options = pull
                ? options with { Flags = options.Flags | JobFlags.MungeLinks }
                : options with { SourceOptions = options.SourceOptions | SourceOptions.UnmungeLinks };
        }

        if (pull)
        {
            // Here the shell has expanded them already.
            options = options with { SourceOptions = options.SourceOptions | SourceOptions.Wildcards };
        }

        return new SyncRequest
        {
            Sources = plan.Sources,
            Destination = plan.Destination,
            FilesFrom = list,
            FilesFromIsRemote = remoteList,
            RemoteBandwidthLimit = arguments.RemoteBandwidthLimit,
            WriteBatch = arguments.Batch is { Reads: false } batch ? batch.Path : null,
            Options = options,
        };
    }

    private static (byte[] List, bool Remote) FindList(byte[] given, TransferPlan plan)
    {
        Endpoint list = Endpoint.Parse(given);
        if (!list.IsRemote)
        {
            return (given, false);
        }

        if (plan.Remote is not { } remote)
        {
            throw new UsageException("--files-from cannot be remote when the transfer is local");
        }

        return list.Host is { Length: > 0 } host && host != remote.Host
            ? throw new UsageException("--files-from hostname is not the same as the transfer hostname")
            : (list.Path, true);
    }

    private static void RefuseUnsafeMunging()
    {
        ReadOnlySpan<byte> directory = LinkSafety.MungePrefix.TrimEnd((byte)'/');
        if (LinuxSystemCalls.Instance.StatPath(directory, follow: true, out FileStatus status) >= 0 && status.IsDirectory)
        {
            throw new UsageException("symlink munging is unsafe when a /rsyncd-munged directory exists (rename it)", UsageException.Unsupported);
        }
    }
}
