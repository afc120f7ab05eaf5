using System.Globalization;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Migration.Stages;

/// <summary>Moves and compares with the engine, each job over an agent of its own.</summary>
public sealed class EngineDataMover : IDataMover
{
    /// <summary>rsync's -aHAXS --numeric-ids --delete: what a server is made of, with the numbers that it has.</summary>
    private const JobFlags Flags = SyncOptions.ArchiveFlags
        | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.Sparse | JobFlags.NumericIds | JobFlags.Delete;

    /// <summary>Bytes of the smallest file that goes on within itself after an interruption.</summary>
    private const long ResumeFrom = 1 << 20;

    /// <inheritdoc/>
    public async Task<TransferResult> PushAsync(IRescueSystem system, TransferJob job, Action<TransferProgress>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(job);
        SyncOptions options = new()
        {
            Flags = Flags | (job.Checksum ? JobFlags.Checksum : 0),
            CompressLevel = job.Compress == false ? null : SyncOptions.AdaptLevel,
            BandwidthLimit = job.Bandwidth(),
            BandwidthNow = job.Bandwidth,
            TimeoutSeconds = job.TimeoutSeconds,
            Lanes = job.Lanes,
            ResumeFrom = ResumeFrom,

            // The state says of a pass that it is done: then it is.
            Durable = true,
            Rules = job.Rules,
            DetectRenamed = true,
            Changes = job.Changes,
        };
        try
        {
            SyncRequest request = new() { Sources = [job.Source], Destination = job.Destination, Options = options };
            ReconnectOptions reconnect = LastingCall.Options(job.Reconnect, job.Label, job.Tell);
            bool again = false;
            async Task<IConnection> ConnectAsync(CancellationToken stop)
            {
                if (again)
                {
                    await system.ReconnectAsync(stop).ConfigureAwait(false);
                }

                again = true;
                return await system.StartAgentAsync(stop).ConfigureAwait(false);
            }

            SyncReport report = await LastingTransfer.RunAsync(ConnectAsync, push: true, request, new Observer(progress), reconnect, ct).ConfigureAwait(false);
            return ResultOf(report);
        }
        catch (SessionException e) when (e.ExitCode == ExitCodes.FileIo)
        {
            return new TransferResult { ExitCode = e.ExitCode, DestinationTrouble = e.Message, ProblemCount = 1, Problems = [e.Message] };
        }
        catch (SessionException e)
        {
            throw new TransportException(e.ExitCode, $"{job.Label}: {e.Message}", "run the tool again: it goes on where it stopped", e);
        }
        catch (ProtocolException e)
        {
            throw new TransportException(ExitCodes.Protocol, $"{job.Label}: the rescue system does not speak as it should: {e.Message}", "run the tool again", e);
        }
    }

    /// <inheritdoc/>
    public async Task<VerifyResult> VerifyAsync(IRescueSystem system, TransferJob job, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(job);
        try
        {
            return await LastingCall.RunAsync(system, LastingCall.Options(job.Reconnect, job.Label, job.Tell), CompareAsync, ct).ConfigureAwait(false);
        }
        catch (SessionException e)
        {
            throw new TransportException(e.ExitCode, $"{job.Label}: {e.Message}", "run the tool again", e);
        }
        catch (ProtocolException e)
        {
            throw new TransportException(ExitCodes.Protocol, $"{job.Label}: the rescue system does not speak as it should: {e.Message}", "run the tool again", e);
        }

        // From the beginning of the file system each time: half a digest compares to nothing.
        async Task<VerifyResult> CompareAsync(CancellationToken stop)
        {
            IConnection connection = await system.StartAgentAsync(stop).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                VerifyOptions options = new() { Flags = Flags, Rules = job.Rules, TimeoutSeconds = job.TimeoutSeconds };
                return ResultOf(await Verifier.CompareAsync(VerifySide.Local(job.Source), VerifySide.Remote(connection, job.Destination), options, null, stop).ConfigureAwait(false));
            }
        }
    }

    private static TransferResult ResultOf(SyncReport report)
    {
        Statistics s = report.Statistics;
        SyncProblem? trouble = null;
        foreach (SyncProblem problem in report.Problems)
        {
            if (!problem.OnSource && IsDiskTrouble(problem.Errno))
            {
                trouble = problem;
                break;
            }
        }

        return new TransferResult
        {
            ExitCode = report.ExitCode,
            Files = s.Files,
            Directories = s.Directories,
            Links = s.SymbolicLinks,
            Others = s.Devices + s.Specials,
            TotalBytes = s.TotalSize,
            FilesSent = s.FilesTransferred,
            LiteralBytes = s.LiteralBytes,
            WireBytes = report.BytesSent + report.BytesReceived,
            Deleted = s.Deleted,
            Elapsed = report.Elapsed,
            Problems = [.. report.Problems.Select(p => p.Message)],
            ProblemCount = report.ProblemCount,
            DestinationTrouble = trouble?.Message,
        };
    }

    private static VerifyResult ResultOf(VerifyReport report)
    {
        List<string> differences = [.. report.Differences.Select(d => $"{(d.Path.Length == 0 ? "." : ByteText.Escape(d.Path))}: {d.Aspects}")];
        differences.AddRange(report.Problems.Select(p => $"{ByteText.Escape(p.Path)}: cannot be read on the {(p.OnDestination ? "destination" : "source")} ({p.Operation}, error {p.Errno})"));
        return new VerifyResult
        {
            SourceDigest = report.SourceDigest.ToString("x32", CultureInfo.InvariantCulture),
            DestinationDigest = report.DestinationDigest.ToString("x32", CultureInfo.InvariantCulture),
            Entries = report.Source.Entries,
            Differences = differences,
            DifferenceCount = report.DifferenceCount + report.ProblemCount + (report.RootMissing ? 1 : 0),
        };
    }

    /// <summary>EIO, ENOSPC, EROFS, EDQUOT: no entry will fare better than this one.</summary>
    private static bool IsDiskTrouble(int errno) => errno is 5 or 28 or 30 or 122;

    private sealed class Observer(Action<TransferProgress>? progress) : ISyncObserver
    {
        public bool HearsEntries => false;

        public void OnEntry(in EntryEvent entry)
        {
        }

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress p)
            => progress?.Invoke(new TransferProgress(p.Entries, p.TotalEntries, p.Bytes, p.TotalBytes, p.TotalsFinal));
    }
}
