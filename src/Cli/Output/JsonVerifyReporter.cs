using System.Text.Json;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Tells a program what a comparison finds; docs/cli.md describes the lines.</summary>
internal sealed class JsonVerifyReporter(Screen screen) : IVerifyReporter
{
    /// <inheritdoc/>
    public void OnDifference(VerifyDifference difference) => screen.WriteLine(JsonLine.Of(writer =>
    {
        writer.WriteString("event", "difference");
        JsonLine.WriteName(writer, "path", difference.Path);
        writer.WriteStartArray("aspects");
        foreach ((VerifyAspects aspect, _, string name) in VerifyText.Aspects)
        {
            if ((difference.Aspects & aspect) != 0)
            {
                writer.WriteStringValue(name);
            }
        }

        writer.WriteEndArray();
        WriteSide(writer, "source", difference.Source);
        WriteSide(writer, "destination", difference.Destination);
    }));

    /// <inheritdoc/>
    public void OnProblem(VerifyProblem problem) => screen.WriteLine(JsonLine.Of(writer =>
    {
        writer.WriteString("event", "problem");
        writer.WriteBoolean("warning", problem.Warning);
        writer.WriteString("side", problem.OnDestination ? "destination" : "source");
        writer.WriteNumber("errno", problem.Errno);
        JsonLine.WriteName(writer, "path", problem.Path);
        writer.WriteString("message", VerifyText.Line(problem));
    }));

    /// <inheritdoc/>
    public void OnProgress(long directories, long entries)
    {
    }

    /// <inheritdoc/>
    public void Finish(VerifyReport report, int exitCode)
    {
        screen.WriteLine(JsonLine.Of(writer =>
        {
            writer.WriteString("event", "report");
            writer.WriteNumber("exitCode", exitCode);
            writer.WriteBoolean("equal", report.Same);
            writer.WriteNumber("differences", report.DifferenceCount);
            writer.WriteNumber("problems", report.ProblemCount);
            writer.WriteString("sourceDigest", VerifyText.Hex(report.SourceDigest));
            writer.WriteString("destinationDigest", VerifyText.Hex(report.DestinationDigest));
            WriteCounts(writer, "source", report.Source);
            WriteCounts(writer, "destination", report.Destination);
        }));
        screen.Flush();
    }

    /// <inheritdoc/>
    public void Fail(string message, int exitCode)
    {
        screen.WriteLine(JsonLine.Of(writer =>
        {
            writer.WriteString("event", "failure");
            writer.WriteNumber("exitCode", exitCode);
            writer.WriteString("message", message);
        }));
        screen.Flush();
    }

    private static void WriteSide(Utf8JsonWriter writer, string name, EntryMetadata? side)
    {
        if (side is not { } metadata)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        writer.WriteNumber("size", metadata.Size);
        writer.WriteNumber("mode", metadata.Mode);
        writer.WriteNumber("uid", metadata.Uid);
        writer.WriteNumber("gid", metadata.Gid);
        writer.WriteNumber("mtime", metadata.Modified.Seconds);
        writer.WriteNumber("mtimeNs", metadata.Modified.Nanoseconds);
        writer.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter writer, string name, Statistics counts)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("entries", counts.Entries);
        writer.WriteNumber("files", counts.Files);
        writer.WriteNumber("directories", counts.Directories);
        writer.WriteNumber("totalSize", counts.TotalSize);
        writer.WriteEndObject();
    }
}
