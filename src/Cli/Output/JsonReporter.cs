using System.Text.Json;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Tells a program: one JSON object a line, described in docs/cli.md.</summary>
internal sealed class JsonReporter(Screen screen, JobFlags flags, Direction direction, TimeProvider clock) : ISyncReporter
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ProgressEstimate _estimate = new(clock);
    private long? _lastProgress;

    /// <inheritdoc/>
    public void Start() => Send(writer =>
    {
        writer.WriteString("event", "start");
        writer.WriteString("version", VersionText.Version);
        writer.WriteString("direction", direction switch { Direction.Push => "push", Direction.Pull => "pull", _ => "local" });
        writer.WriteBoolean("dryRun", (flags & JobFlags.DryRun) != 0);
    });

    /// <inheritdoc/>
    public void OnEntry(in EntryEvent entry)
    {
        EntryEvent e = entry;
        Send(writer =>
        {
            writer.WriteString("event", "entry");
            writer.WriteString("action", Name(e.Kind));
            writer.WriteString("type", Name(e.Metadata.Type));
            JsonLine.WriteName(writer, "path", e.Path);
            if (e.LinkTarget is { } target)
            {
                JsonLine.WriteName(writer, e.Kind == OutcomeKind.Linked ? "linkedTo" : "target", target);
            }

            writer.WriteString("itemize", Itemizer.Of(e, flags, direction == Direction.Push));
            writer.WriteStartArray("changes");
            foreach (Changes change in (Changes[])[Changes.New, Changes.Content, Changes.Checksum, Changes.Size, Changes.Time, Changes.Permissions, Changes.Owner,
                Changes.Group, Changes.Acl, Changes.Xattr, Changes.LinkTarget, Changes.Device, Changes.FileFlags, Changes.AccessTime, Changes.HardLink])
            {
                if ((e.Changes & change) != 0)
                {
                    writer.WriteStringValue(Name(change));
                }
            }

            writer.WriteEndArray();
            if (e.Kind != OutcomeKind.Deleted)
            {
                writer.WriteNumber("size", e.Metadata.Size);
                writer.WriteNumber("mode", e.Metadata.Mode);
                writer.WriteNumber("uid", e.Metadata.Uid);
                writer.WriteNumber("gid", e.Metadata.Gid);
                writer.WriteNumber("mtime", e.Metadata.Modified.Seconds);
                writer.WriteNumber("mtimeNs", e.Metadata.Modified.Nanoseconds);
            }
        });
    }

    /// <inheritdoc/>
    public void OnProblem(in SyncProblem problem)
    {
        SyncProblem p = problem;
        Send(writer => WriteProblem(writer, p));
    }

    /// <inheritdoc/>
    public void OnProgress(in SyncProgress progress)
    {
        ProgressView view;
        lock (_gate)
        {
            view = _estimate.Update(progress);
            long now = clock.GetTimestamp();
            if (_lastProgress is { } last && clock.GetElapsedTime(last, now) < ProgressInterval)
            {
                return;
            }

            _lastProgress = now;
        }

        Send(writer =>
        {
            writer.WriteString("event", "progress");
            writer.WriteNumber("entries", view.Progress.Entries);
            writer.WriteNumber("totalEntries", view.Progress.TotalEntries);
            writer.WriteNumber("bytes", view.Progress.Bytes);
            writer.WriteNumber("totalBytes", view.Progress.TotalBytes);
            writer.WriteNumber("wireBytes", view.Progress.WireBytes);
            writer.WriteBoolean("totalsFinal", view.Progress.TotalsFinal);
            writer.WriteNumber("bytesPerSecond", Math.Round(view.BytesPerSecond));
            if (view.Remaining is { } remaining)
            {
                writer.WriteNumber("remainingSeconds", Math.Round(remaining.TotalSeconds, 1));
            }
        });
    }

    /// <inheritdoc/>
    public void Remark(string text) => screen.WriteError(text);

    /// <inheritdoc/>
    public void Lost(in LineLoss loss)
    {
        LineLoss l = loss;
        Send(writer =>
        {
            writer.WriteString("event", "lost");
            writer.WriteString("message", l.Reason);
            writer.WriteNumber("attempt", l.Attempt);
            writer.WriteNumber("waitSeconds", l.Wait.TotalSeconds);
        }, flush: true);
    }

    /// <inheritdoc/>
    public void Resumed() => Send(static writer => writer.WriteString("event", "resumed"), flush: true);

    /// <inheritdoc/>
    public void Passed(int number, SyncReport report) => Send(writer =>
    {
        writer.WriteString("event", "pass");
        writer.WriteNumber("number", number);
        writer.WriteNumber("exitCode", report.ExitCode);
        writer.WriteNumber("literalBytes", report.Statistics.LiteralBytes);
        writer.WriteNumber("seconds", Math.Round(report.Elapsed.TotalSeconds, 3));
    }, flush: true);

    /// <inheritdoc/>
    public void Followed(string account) => Send(writer =>
    {
        writer.WriteString("event", "followed");
        writer.WriteString("account", account);
    }, flush: true);

    /// <inheritdoc/>
    public void BeginsLast(int number, TimeSpan forecast) => Send(writer =>
    {
        writer.WriteString("event", "lastPass");
        writer.WriteNumber("number", number);
        writer.WriteNumber("forecastSeconds", Math.Round(forecast.TotalSeconds, 1));
    }, flush: true);

    /// <inheritdoc/>
    public void Finish(SyncReport report) => Send(writer =>
    {
        Statistics s = report.Statistics;
        writer.WriteString("event", "report");
        writer.WriteNumber("exitCode", report.ExitCode);
        writer.WriteNumber("seconds", Math.Round(report.Elapsed.TotalSeconds, 6));
        writer.WriteNumber("bytesSent", report.BytesSent);
        writer.WriteNumber("bytesReceived", report.BytesReceived);
        writer.WriteNumber("problems", report.ProblemCount);
        foreach ((string name, long value) in (ReadOnlySpan<(string, long)>)
        [
            ("entries", s.Entries), ("files", s.Files), ("directories", s.Directories), ("symbolicLinks", s.SymbolicLinks), ("devices", s.Devices),
            ("specials", s.Specials), ("created", s.Created), ("deleted", s.Deleted), ("updated", s.Updated), ("metadataOnly", s.MetadataOnly),
            ("linked", s.Linked), ("skipped", s.Skipped), ("failed", s.Failed), ("vanished", s.Vanished), ("unstable", s.Unstable),
            ("filesTransferred", s.FilesTransferred), ("deltaFiles", s.DeltaFiles), ("totalSize", s.TotalSize), ("transferredSize", s.TransferredSize),
            ("literalBytes", s.LiteralBytes), ("matchedBytes", s.MatchedBytes), ("holeBytes", s.HoleBytes), ("listBytes", s.ListBytes),
        ])
        {
            writer.WriteNumber(name, value);
        }
    }, flush: true);

    /// <inheritdoc/>
    public void Fail(string message, int exitCode) => Send(writer =>
    {
        writer.WriteString("event", "failure");
        writer.WriteNumber("exitCode", exitCode);
        writer.WriteString("message", message);
    }, flush: true);

    private static void WriteProblem(Utf8JsonWriter writer, SyncProblem problem)
    {
        writer.WriteString("event", "problem");
        writer.WriteBoolean("warning", problem.Warning);
        writer.WriteString("side", problem.OnSource ? "source" : "destination");
        writer.WriteString("operation", JsonNamingPolicy.CamelCase.ConvertName(problem.Operation.ToString()));
        writer.WriteNumber("errno", problem.Errno);
        JsonLine.WriteName(writer, "path", problem.Path);
        if (problem.Detail is { Length: > 0 } attribute)
        {
            JsonLine.WriteName(writer, "attribute", attribute);
        }

        writer.WriteString("message", problem.Message);
    }

    private void Send(Action<Utf8JsonWriter> write, bool flush = false)
    {
        screen.WriteLine(JsonLine.Of(write));
        if (flush)
        {
            screen.Flush();
        }
    }

    private static string Name(OutcomeKind kind) => kind switch
    {
        OutcomeKind.Unchanged => "unchanged",
        OutcomeKind.Created => "created",
        OutcomeKind.Updated => "updated",
        OutcomeKind.MetadataOnly => "metadata",
        OutcomeKind.Linked => "linked",
        OutcomeKind.Copied => "copied",
        OutcomeKind.Deleted => "deleted",
        OutcomeKind.Listed => "listed",
        OutcomeKind.Skipped or OutcomeKind.NotRegular => "skipped",
        _ => "failed",
    };

    private static string Name(EntryType type) => type switch
    {
        EntryType.Directory => "directory",
        EntryType.SymbolicLink => "symbolicLink",
        EntryType.BlockDevice => "blockDevice",
        EntryType.CharacterDevice => "characterDevice",
        EntryType.Fifo => "fifo",
        EntryType.Socket => "socket",
        _ => "file",
    };

    private static string Name(Changes change) => JsonNamingPolicy.CamelCase.ConvertName(change.ToString());
}
