using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Migrate;

/// <summary>Shows a migration to a program: one JSON object a line on standard output (--json; docs/migration.md has the events).</summary>
internal sealed class JsonObserver(TimeProvider time) : IRunConsole
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _gate = new();
    private long _told; // guarded by _gate

    public void StageBegins(int stage, string title) => Write("stage", w =>
    {
        w.WriteNumber("stage", stage);
        w.WriteString("title", title);
    });

    public void StepBegins(string title) => Write("begin", w => w.WriteString("step", title));

    public void StepProgress(string title, double? percent, TimeSpan elapsed, string detail)
    {
        lock (_gate)
        {
            if (_told != 0 && time.GetElapsedTime(_told) < Pause)
            {
                return;
            }

            _told = time.GetTimestamp();
        }

        Write("progress", w =>
        {
            w.WriteString("step", title);
            if (percent is { } p)
            {
                w.WriteNumber("percent", Math.Round(p, 1));
            }

            w.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 1));
            w.WriteString("detail", detail);
        });
    }

    public void StepEnds(string title, TimeSpan elapsed, string outcome, bool earlier) => Write("end", w =>
    {
        w.WriteString("step", title);
        w.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 1));
        w.WriteString("outcome", outcome);
        w.WriteBoolean("earlier", earlier);
    });

    public void Say(string line) => Write("say", w => w.WriteString("text", line));

    public void Warn(string line) => Write("warning", w => w.WriteString("text", line));

    public void Error(string line) => Write("error", w => w.WriteString("text", line));

    public void Check(CheckLine line) => Write("check", w =>
    {
        w.WriteString("verdict", CheckText.Of(line.Verdict));
        w.WriteString("subject", line.Subject);
        w.WriteString("finding", line.Finding);
        w.WriteString("remedy", line.Remedy);
    });

    public void Close(int exitCode) => Write("exit", w => w.WriteNumber("code", exitCode));

    private void Write(string name, Action<Utf8JsonWriter> content)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter w = new(buffer, Options))
        {
            w.WriteStartObject();
            w.WriteString("time", time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture));
            w.WriteString("event", name);
            content(w);
            w.WriteEndObject();
        }

        lock (_gate)
        {
            Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan));
        }
    }
}
