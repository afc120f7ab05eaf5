using NativeSync.Cli.Options;

namespace NativeSync.Cli.Remote;

/// <summary>Which way a transfer goes.</summary>
internal enum Direction
{
    /// <summary>Both ends are on this machine.</summary>
    Local,

    /// <summary>From here to a host.</summary>
    Push,

    /// <summary>From a host to here.</summary>
    Pull,
}

/// <summary>The operands of a transfer, made sense of.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="Remote">The host and user, for what is not local.</param>
/// <param name="Sources">Source paths as raw bytes.</param>
/// <param name="Destination">Destination path as raw bytes.</param>
internal sealed record TransferPlan(Direction Direction, Endpoint? Remote, IReadOnlyList<byte[]> Sources, byte[] Destination)
{
    /// <summary>Reads <c>SRC… DEST</c>, or a lone <c>SRC</c> that is to be listed.</summary>
    /// <exception cref="UsageException">Too few operands, two remote ends, sources on several machines, or a daemon.</exception>
    public static TransferPlan Parse(IReadOnlyList<byte[]> operands)
    {
        if (operands.Count == 0)
        {
            throw new UsageException("no source and no destination given (try: nativesync sync --help)");
        }

        if (operands.Any(static operand => operand.Length == 0))
        {
            throw new UsageException("an empty name is neither a source nor a destination (use . for the working directory)");
        }

        List<Endpoint> ends = [.. operands.Select(Endpoint.Parse)];
        if (ends.Count == 1)
        {
            ends.Add(new Endpoint(null, null, "."u8.ToArray()));
        }

        Endpoint destination = ends[^1];
        List<Endpoint> sources = ends[..^1];
        byte[][] paths = [.. sources.Select(static source => source.Path)];
        if (sources[0].IsRemote)
        {
            if (destination.IsRemote)
            {
                throw new UsageException("the source and destination cannot both be remote");
            }

            RequireOneMachine(sources, operands);
            return new TransferPlan(Direction.Pull, sources[0], paths, destination.Path);
        }

        int stray = sources.FindIndex(static source => source.IsRemote);
        if (stray >= 0)
        {
            throw new UsageException($"unexpected remote argument: {UsageException.Quote(operands[stray])} (all sources must be on one machine)");
        }

        if (!destination.IsRemote)
        {
            return new TransferPlan(Direction.Local, null, paths, destination.Path);
        }

        return destination.Host is { Length: > 0 }
            ? new TransferPlan(Direction.Push, destination, paths, destination.Path)
            : throw new UsageException($"{UsageException.Quote(operands[^1])} names no host");
    }

    /// <summary>Reads the destination of a batch. Sources that are named, too, are passed over, as rsync does it.</summary>
    /// <exception cref="UsageException">None, or a remote one.</exception>
    public static TransferPlan ForBatch(IReadOnlyList<byte[]> operands)
    {
        if (operands.Count == 0 || operands[^1].Length == 0)
        {
            throw new UsageException("--read-batch needs a destination");
        }

        return Endpoint.Parse(operands[^1]).IsRemote
            ? throw new UsageException("remote destination is not allowed with --read-batch (run it there: ssh HOST nativesync sync --read-batch=- DEST <FILE)")
            : new TransferPlan(Direction.Pull, null, [], operands[^1]);
    }

    private static void RequireOneMachine(List<Endpoint> sources, IReadOnlyList<byte[]> operands)
    {
        if (sources[0].Host is not { Length: > 0 })
        {
            throw new UsageException($"{UsageException.Quote(operands[0])} names no host");
        }

        for (int i = 1; i < sources.Count; i++)
        {
            if (!sources[i].IsRemote)
            {
                throw new UsageException($"unexpected local argument: {UsageException.Quote(operands[i])} (if it is remote, put a colon in front of it)");
            }

            if (sources[i].Host is { Length: > 0 } && (sources[i].Host != sources[0].Host || sources[i].User != sources[0].User))
            {
                throw new UsageException("all source arguments must come from the same machine");
            }
        }
    }
}
