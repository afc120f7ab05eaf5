using System.Globalization;
using NativeSync.Cli.Options;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Tells a person, or a script made for rsync, what a transfer does.</summary>
internal sealed class TextReporter : ISyncReporter
{
    /// <summary>ENOTEMPTY.</summary>
    private const int DirectoryNotEmpty = 39;

    private readonly Screen _screen;
    private readonly SyncArguments _arguments;
    private readonly TransferPlan _plan;
    private readonly LogFile? _log;
    private readonly EntryText _entries;
    private readonly int? _statusWidth;
    private readonly Lock _gate = new();
    private readonly ProgressEstimate _estimate;
    private readonly TimeZoneInfo _zone;
    private Func<SyncProgress>? _progress;
    private ProgressView _view;
    private long _transferred, _transferredSize, _told;

    /// <summary>Reports to <paramref name="screen"/>; <paramref name="statusWidth"/> is the width of the terminal, null for none.</summary>
    public TextReporter(Screen screen, SyncArguments arguments, TransferPlan plan, int? statusWidth, LogFile? log, TimeProvider clock)
    {
        _screen = screen;
        _arguments = arguments;
        _plan = plan;
        _log = log;
        _entries = new EntryText(Output, arguments.Options.Flags, new EntryValues(arguments.Options.Flags, plan, Output.Names, clock, (arguments.Options.SourceOptions & SourceOptions.Relative) != 0));
        _statusWidth = Output.Quiet || Progress > 1 ? null : statusWidth;
        _estimate = new ProgressEstimate(clock);
        _zone = clock.LocalTimeZone;
    }

    /// <summary>Silent where rsync is, about what an ordinary user may not do.</summary>
    public bool LikeRsync { get; init; }

    /// <inheritdoc/>
    public bool HearsEntries =>
        _log is not null || Output.Format is not null || Progress > 0 || Output.Info[InfoItem.Name] > 0 || Output.Info[InfoItem.Del] > 0 || IsDry;

    private OutputArguments Output => _arguments.Output;

    private int Progress => Output.Info[InfoItem.Progress];

    private bool IsDry => _arguments.Has(JobFlags.DryRun);

    private ProgramVoice Voice => Output.Voice;

    /// <inheritdoc/>
    public void Start()
    {
        bool pull = _plan.Direction == Direction.Pull;
        TellChoices();
        _log?.WriteLine(pull ? "receiving file list" : "building file list");
        if (Output.Info[InfoItem.FileList] > 0 && (_arguments.Options.Flags & (JobFlags.Recursive | JobFlags.Dirs)) != 0)
        {
            Print(_arguments.IsIncremental
                ? (pull ? "receiving incremental file list" : "sending incremental file list")
                : (pull ? "receiving file list ... done" : "building file list ... done"));
        }

        if (Output.Info.TellsDelta)
        {
            bool whole = _arguments.Has(JobFlags.WholeFile) || (_plan.Direction == Direction.Local && !_arguments.Options.LocalDelta);
            Say(whole ? "delta-transmission disabled for local transfer or --whole-file" : "delta-transmission enabled");
        }
    }

    /// <inheritdoc/>
    public void OnStart(Func<SyncProgress> progress) => _progress = progress;

    /// <inheritdoc/>
    public void OnEntry(in EntryEvent entry)
    {
        if (entry.Kind == OutcomeKind.Listed)
        {
            if (!Output.Quiet)
            {
                _screen.WriteLine(ListingText.Line(entry, Output.HumanReadable, _arguments.Has(JobFlags.Links), Output.Names, _zone));
            }

            return;
        }

        bool isTransfer = entry.Metadata.Type == EntryType.Regular && entry.Kind is OutcomeKind.Created or OutcomeKind.Updated;
        if (isTransfer)
        {
            Interlocked.Increment(ref _transferred);
            Interlocked.Add(ref _transferredSize, entry.Metadata.Size);
        }

        bool itemizes = Output.Format?.Has('i') == true;
        string? line = _entries.Line(entry, Output.Format, itemizes);
        if (_log is not null && (line is null || Output.LogFormat != Output.Format ? _entries.Line(entry, Output.LogFormat, itemizes) : line) is { } logged)
        {
            _log.WriteLine(logged);
        }

        if (Output.Quiet)
        {
            return;
        }

        if (isTransfer && !IsDry && Progress == 1)
        {
            lock (_gate)
            {
                _screen.Write((line is null ? "" : line + "\n") + FileProgress(entry, ++_told));
            }
        }
        else if (line is not null)
        {
            _screen.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void OnNote(byte[] text)
    {
        if (Output.Info[InfoItem.Name] > 0 || Output.Format?.Has('i') == true)
        {
            Say(NameText.Of(text, Output.Names));
        }
    }

    /// <inheritdoc/>
    public void OnProblem(in SyncProblem problem)
    {
        if (problem.Operation == Operation.SkipDirectory)
        {
            Say(problem.Message);
            return;
        }

        if (problem is { Operation: Operation.Remove, Errno: 0, Warning: true, OnSource: false })
        {
            Say("IO error encountered -- skipping file deletion");
            return;
        }

        // What is protected from deletion keeps its directory: to rsync that is news, and trouble only where something else should take the place.
        bool isNotEmpty = problem is { Operation: Operation.Remove, Errno: DirectoryNotEmpty };
        if (isNotEmpty)
        {
            Say("cannot delete non-empty directory: " + NameText.Of(problem.Path, Output.Names));
        }

        bool isSilent = problem.Operation == Operation.NotPermitted && LikeRsync;
        if (!isSilent && (!isNotEmpty || !problem.Warning))
        {
            Error(Voice.IsRsync && problem is { OnSource: true, Operation: Operation.Stat } ? LinkStat(problem) : problem.Message);
        }
    }

    /// <summary>A source that is not there, in rsync's words, which scripts look for.</summary>
    private string LinkStat(in SyncProblem problem)
    {
        string name = NameText.Of(problem.Path, Output.Names);
        string path = name.StartsWith('/') || _plan.Direction == Direction.Pull ? name : $"{Environment.CurrentDirectory}/{name}";
        return string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"[sender] link_stat \"{path}\" failed: {Engine.FileSystem.Errno.Describe(problem.Errno)} ({problem.Errno})");
    }

    /// <inheritdoc/>
    public void OnProgress(in SyncProgress progress)
    {
        if (Progress < 2 && _statusWidth is null)
        {
            return;
        }

        lock (_gate)
        {
            _view = _estimate.Update(progress);
            _screen.SetStatus(Progress > 1
                ? ProgressText.LikeRsync(_view, _estimate.Elapsed, Interlocked.Read(ref _transferred), last: false, Output.HumanReadable)
                : ProgressText.ForTerminal(_view, _statusWidth ?? 80));
        }
    }

    /// <inheritdoc/>
    public void Remark(string text) => _screen.WriteError(text);

    /// <inheritdoc/>
    public void Lost(in LineLoss loss) =>
        Error(string.Create(CultureInfo.InvariantCulture, $"{loss.Reason}; connecting again in {loss.Wait.TotalSeconds:0} s (attempt {loss.Attempt})"));

    /// <inheritdoc/>
    public void Resumed() => Error("connected again, going on");

    /// <inheritdoc/>
    public void Passed(int number, SyncReport report) =>
        Say(string.Create(CultureInfo.InvariantCulture, $"pass {number}: {report.Statistics.LiteralBytes} bytes of content sent in {report.Elapsed.TotalSeconds:0.0} s"));

    /// <inheritdoc/>
    public void Followed(string account) => Say(account);

    /// <inheritdoc/>
    public void BeginsLast(int number, TimeSpan forecast) => Say(forecast == TimeSpan.Zero
        ? string.Create(CultureInfo.InvariantCulture, $"pass {number} is the last")
        : string.Create(CultureInfo.InvariantCulture, $"pass {number} is the last, and will take about {Math.Max(1, Math.Ceiling(forecast.TotalSeconds)):0} s"));

    /// <inheritdoc/>
    public void Finish(SyncReport report)
    {
        if (_plan.Direction == Direction.Local)
        {
            // Between two places of one machine this process receives; rsync's process sends.
            report = report with { BytesSent = report.BytesReceived, BytesReceived = report.BytesSent };
        }

        if (IsDry)
        {
            // Nothing was transferred; rsync counts what would have been.
            report.Statistics.FilesTransferred = _transferred;
            report.Statistics.TransferredSize = _transferredSize;
        }

        bool keep = Progress > 1 && !Output.Quiet;
        if (keep)
        {
            lock (_gate)
            {
                _view = _progress is { } now ? _estimate.Update(now()) : _view;
                _screen.SetStatus(ProgressText.LikeRsync(_view, report.Elapsed, report.Statistics.FilesTransferred, last: true, Output.HumanReadable));
            }
        }

        _screen.EndStatus(keep);
        int level = Output.Info[InfoItem.Stats];
        if (level > 1)
        {
            Block(StatisticsText.Block(report, Output.HumanReadable));
        }

        if (level > 0)
        {
            Block(StatisticsText.Summary(report, Output.HumanReadable, _arguments.Options.BatchOnly ? " (BATCH ONLY)" : IsDry ? " (DRY RUN)" : ""));
        }
        else
        {
            _log?.WriteLine(StatisticsText.LogSummary(report));
        }

        if (report.Statistics.DeletionsSkipped > 0)
        {
            Error($"Deletions stopped due to --max-delete limit ({report.Statistics.DeletionsSkipped} skipped)");
        }

        if (report.ExitCode != 0)
        {
            End(Voice.IsRsync ? ExitText.OfCode(report.ExitCode) : ExitText.OfReport(report), report.ExitCode);
        }

        _screen.Flush();
    }

    /// <inheritdoc/>
    public void Fail(string message, int exitCode)
    {
        _screen.EndStatus(keep: false);
        if (Voice.IsRsync)
        {
            Error(message);
            End(ExitText.OfCode(exitCode), exitCode);
        }
        else
        {
            Error(message);
        }
    }

    /// <summary>What rsync's ends negotiate is settled here; who asked for something else hears of it.</summary>
    private void TellChoices()
    {
        if (Output.Info.TellsChoices)
        {
            Print("Client negotiated checksum: xxh128");
        }

        if (_arguments.Options.CompressLevel is { } level && (Output.Info.TellsChoices || (Output.Info.Verbosity > 1 && _arguments.CodecAsked is not null)))
        {
            string asked = _arguments.CodecAsked is { } name ? $", in place of {name}" : "";
            Print(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Client negotiated compress: zstd (level {level}){asked}"));
        }
    }

    /// <summary>Under the gate, so that numbers come in their order.</summary>
    private string FileProgress(in EntryEvent entry, long number)
    {
        // The file that is told now is done, too.
        SyncProgress progress = _progress?.Invoke() ?? default;
        progress = progress with { Entries = progress.Entries + 1 };
        return ProgressText.OfFile(entry.Metadata.Size, _estimate.Update(progress), number, Output.HumanReadable);
    }

    private void Block(string text)
    {
        if (!Output.Quiet)
        {
            _screen.Write("\n" + text);
        }

        foreach (string line in _log is null ? [] : text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _log!.WriteLine(line);
        }
    }

    private void Print(string line)
    {
        if (!Output.Quiet)
        {
            _screen.WriteLine(line);
        }
    }

    private void Say(string line)
    {
        Print(line);
        _log?.WriteLine(line);
    }

    private void Error(string message)
    {
        _screen.WriteError(Voice.Error(message));
        _log?.WriteLine(Voice.Error(message));
    }

    private void End(string message, int exitCode)
    {
        _screen.WriteError(Voice.End(message, exitCode));
        _log?.WriteLine(Voice.End(message, exitCode));
    }
}
