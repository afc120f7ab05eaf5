using System.Globalization;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Migrate;

/// <summary>
/// Shows a migration: what the guide's readers wait for on standard output, warnings on standard error. On a terminal the
/// subtask under way is one line that is rewritten; elsewhere only what is finished is printed.
/// </summary>
internal sealed class ConsoleObserver(TimeProvider time) : IRunConsole
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(200);

    private readonly bool _terminal = !Console.IsOutputRedirected;
    private readonly Lock _gate = new();
    private long _drawn; // guarded by _gate, as is _open
    private bool _open;

    public void StageBegins(int stage, string title) => Line(title);

    public void StepBegins(string title)
    {
        if (_terminal)
        {
            Draw($"  {title} …", always: true);
        }
    }

    public void StepProgress(string title, double? percent, TimeSpan elapsed, string detail)
    {
        if (_terminal)
        {
            string share = percent is { } p ? string.Create(CultureInfo.InvariantCulture, $" {p:0} %,") : "";
            Draw(string.Create(CultureInfo.InvariantCulture, $"  {title}:{share} {elapsed.TotalSeconds:0} s, {detail}"), always: false);
        }
    }

    public void StepEnds(string title, TimeSpan elapsed, string outcome, bool earlier)
        => Line(earlier ? $"  {title}: done by an earlier run" : string.Create(CultureInfo.InvariantCulture, $"  {title}: {outcome} [{elapsed.TotalSeconds:0.0} s]"));

    public void Say(string line) => Line(line);

    public void Warn(string line)
    {
        lock (_gate)
        {
            Erase();
            Console.Error.WriteLine("warning: " + line);
        }
    }

    public void Error(string line)
    {
        lock (_gate)
        {
            Erase();
        }
    }

    public void Check(CheckLine line) => Line($"{CheckText.Of(line.Verdict),-4}  {line}");

    public void Close(int exitCode)
    {
        lock (_gate)
        {
            Erase();
        }
    }

    private void Line(string text)
    {
        lock (_gate)
        {
            Erase();
            Console.Out.WriteLine(text);
        }
    }

    private void Draw(string text, bool always)
    {
        lock (_gate)
        {
            if (!always && time.GetElapsedTime(_drawn) < Redraw)
            {
                return;
            }

            _drawn = time.GetTimestamp();
            int width = Console.WindowWidth is > 20 and int columns ? columns - 1 : 79; // Some terminals do not tell.
            Console.Out.Write("\r" + (text.Length > width ? text[..width] : text) + "\e[K");
            _open = true;
        }
    }

    private void Erase()
    {
        if (_open)
        {
            Console.Out.Write("\r\e[K");
            _open = false;
        }
    }
}
