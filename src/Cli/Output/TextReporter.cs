using NativeSync.Cli.Options;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Tells a person, or a script made for rsync, what a transfer does.</summary>
internal sealed class TextReporter : ISyncReporter
{
    private readonly Screen _screen;
    private readonly SyncArguments _arguments;
    private readonly TransferPlan _plan;
    private readonly int? _statusWidth;
    private readonly Lock _gate = new();
    private readonly ProgressEstimate _estimate;
    private ProgressView _view;
    private long _transferred;
    private long _transferredSize;

    /// <summary>Reports to <paramref name="screen"/>; <paramref name="statusWidth"/> is the width of the terminal, null for none.</summary>
    public TextReporter(Screen screen, SyncArguments arguments, TransferPlan plan, int? statusWidth, TimeProvider clock)
    {
        _screen = screen;
        _arguments = arguments;
        _plan = plan;
        _statusWidth = arguments.Output.Quiet ? null : statusWidth;
        _estimate = new ProgressEstimate(clock);
    }

    private OutputArguments Output => _arguments.Output;

    /// <inheritdoc/>
    public void Start()
    {
        if (Output.Verbosity > 0 || (Output.Progress && !Output.Quiet))
        {
            _screen.WriteLine(_plan.Direction == Direction.Pull ? "receiving incremental file list" : "sending incremental file list");
        }
    }

    /// <inheritdoc/>
    public void OnEntry(in EntryEvent entry)
    {
        if (entry.Metadata.Type == EntryType.Regular && entry.Kind is OutcomeKind.Created or OutcomeKind.Updated)
        {
            Interlocked.Increment(ref _transferred);
            Interlocked.Add(ref _transferredSize, entry.Metadata.Size);
        }

        if (entry.Path is [] or [(byte)'.'] && entry.Kind == OutcomeKind.Created && entry.Metadata.Type == EntryType.Directory && (Output.Verbosity > 0 || Output.Itemize > 0))
        {
            ReadOnlySpan<byte> path = _plan.Destination;
            _screen.WriteLine("created directory " + ByteText.Escape(path.Length > 1 ? path.TrimEnd((byte)'/') : path));
        }

        if (EntryText.Line(entry, Output, _arguments.Options.Flags, push: _plan.Direction == Direction.Push) is { } line)
        {
            _screen.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void OnProblem(in SyncProblem problem) => _screen.WriteError("nativesync: " + problem.Message);

    /// <inheritdoc/>
    public void OnProgress(in SyncProgress progress)
    {
        if (!Output.Progress && _statusWidth is null)
        {
            return;
        }

        lock (_gate)
        {
            _view = _estimate.Update(progress);
            _screen.SetStatus(Output.Progress
                ? ProgressText.LikeRsync(_view, _estimate.Elapsed, Interlocked.Read(ref _transferred), last: false, Output.HumanReadable)
                : ProgressText.ForTerminal(_view, _statusWidth ?? 80));
        }
    }

    /// <inheritdoc/>
    public void Finish(SyncReport report)
    {
        if (_plan.Direction == Direction.Local)
        {
            // Between two places of one machine this process receives; rsync's process sends.
            report = report with { BytesSent = report.BytesReceived, BytesReceived = report.BytesSent };
        }

        if (_arguments.Has(JobFlags.DryRun))
        {
            // Nothing was transferred; rsync counts what would have been.
            report.Statistics.FilesTransferred = _transferred;
            report.Statistics.TransferredSize = _transferredSize;
        }

        if (Output.Progress)
        {
            lock (_gate)
            {
                _screen.SetStatus(ProgressText.LikeRsync(_view, report.Elapsed, report.Statistics.FilesTransferred, last: true, Output.HumanReadable));
            }
        }

        _screen.EndStatus(keep: Output.Progress);
        if (Output.Stats)
        {
            _screen.Write("\n" + StatisticsText.Block(report, Output.HumanReadable));
        }

        if (Output.Stats || Output.Verbosity > 0)
        {
            _screen.Write("\n" + StatisticsText.Summary(report, Output.HumanReadable, _arguments.Has(JobFlags.DryRun)));
        }

        if (report.Statistics.DeletionsSkipped > 0)
        {
            _screen.WriteError($"nativesync: deletions stopped due to the --max-delete limit ({report.Statistics.DeletionsSkipped} skipped)");
        }

        if (report.ExitCode != 0)
        {
            _screen.WriteError("nativesync: " + ExitText.OfReport(report));
        }

        _screen.Flush();
    }

    /// <inheritdoc/>
    public void Fail(string message, int exitCode)
    {
        _screen.EndStatus(keep: false);
        _screen.WriteError("nativesync: " + message);
    }
}
