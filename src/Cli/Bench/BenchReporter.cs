using System.Globalization;
using System.Text.Json;
using NativeSync.Cli.Output;

namespace NativeSync.Cli.Bench;

/// <summary>Tells figures as they come: lines for people, or objects for programs (docs/cli.md describes them).</summary>
internal sealed class BenchReporter(Streams streams, bool json)
{
    public void Scan(ScanFigure scan) => Row("scan", string.Create(CultureInfo.InvariantCulture, $"{scan.Entries:#,0} entries, {scan.Files:#,0} files, {scan.Bytes / 1e6:#,0.0} MB{(scan.Complete ? "" : ", and more that was not seen in the time")}: {scan.Entries / scan.Seconds:#,0} entries/s"), writer =>
    {
        writer.WriteNumber("entries", scan.Entries);
        writer.WriteNumber("files", scan.Files);
        writer.WriteNumber("bytes", scan.Bytes);
        writer.WriteNumber("seconds", scan.Seconds);
        writer.WriteBoolean("complete", scan.Complete);
    });

    public void Read(Throughput read) => Row("read", string.Create(CultureInfo.InvariantCulture, $"{read.Bytes / 1e6:#,0.0} MB read and digested by one thread: {BenchAdvice.Mega(read.Rate)}"), writer => Write(writer, read));

    public void Level(LevelFigure level) => Row("compress", level.Level == 0 ? "none       ratio 1.00" : string.Create(CultureInfo.InvariantCulture, $"level {level.Level,-4} ratio {level.Ratio:0.00}: {BenchAdvice.Mega(level.Rate)} by one thread"), writer =>
    {
        writer.WriteNumber("level", level.Level);
        writer.WriteNumber("ratio", level.Ratio);
        if (level.Level != 0)
        {
            writer.WriteNumber("bytesPerSecond", level.Rate);
        }
    });

    public void Line(LineFigure line) => Row("line", string.Create(CultureInfo.InvariantCulture, $"{line.Options,-15} {line.Content.Bytes / 1e6:#,0.0} MB of content{(line.Cut ? " when the time was up" : "")}: {BenchAdvice.Mega(line.Content.Rate)}"), writer =>
    {
        writer.WriteString("options", line.Options);
        Write(writer, line.Content);
        writer.WriteBoolean("cut", line.Cut);
    });

    public void Connection(BenchFigures figures) => Row("connect", string.Create(CultureInfo.InvariantCulture, $"{figures.Connect:0.00} s to log in and start; an answer takes {figures.RoundTrip * 1000:0.0} ms"), writer =>
    {
        writer.WriteNumber("seconds", figures.Connect!.Value);
        writer.WriteNumber("roundTripSeconds", figures.RoundTrip!.Value);
    });

    public void Finish(IReadOnlyList<Advice> all, string command)
    {
        foreach (Advice advice in all)
        {
            (string key, string word) = advice.Verdict switch
            {
                Verdict.Use => ("use", "use"),
                Verdict.Consider => ("consider", "consider"),
                _ => ("leaveOut", "leave out"),
            };
            Row("advice", $"{word} {advice.Option}: {advice.Reason}", writer =>
            {
                writer.WriteString("verdict", key);
                writer.WriteString("option", advice.Option);
                writer.WriteString("reason", advice.Reason);
            });
        }

        Row("command", command, writer => writer.WriteString("command", command));
    }

    /// <summary>Something was left behind.</summary>
    public void Warn(string message)
    {
        if (json)
        {
            Row("problem", "", writer => writer.WriteString("message", message));
        }
        else
        {
            streams.WriteErrorLine("nativesync: " + message);
        }
    }

    /// <summary>The end, for programs.</summary>
    public void Fail(Failure failure) => Row("failure", "", writer =>
    {
        writer.WriteNumber("exitCode", failure.ExitCode);
        writer.WriteString("message", failure.Message);
    });

    private static void Write(Utf8JsonWriter writer, Throughput throughput)
    {
        writer.WriteNumber("bytes", throughput.Bytes);
        writer.WriteNumber("seconds", throughput.Seconds);
        writer.WriteNumber("bytesPerSecond", throughput.Rate);
    }

    private void Row(string name, string text, Action<Utf8JsonWriter> fields) => streams.Write((json ? JsonLine.Of(writer =>
    {
        writer.WriteString("event", name);
        fields(writer);
    }) : $"{name,-9} {text}") + "\n");
}
