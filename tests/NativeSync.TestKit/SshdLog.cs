using System.Diagnostics;
using System.Text;

namespace NativeSync.TestKit;

/// <summary>What an OpenSSH server says at <c>LogLevel VERBOSE</c>, as it comes. Guarded by its own lock.</summary>
internal sealed class SshdLog
{
    private readonly StringBuilder _text = new();
    private long _firstSessionAt;

    /// <summary>Everything so far.</summary>
    public string Text
    {
        get { lock (_text) { return _text.ToString(); } }
    }

    /// <summary>When the first session began since this was set to 0 (Stopwatch).</summary>
    public long FirstSessionAt
    {
        get => Volatile.Read(ref _firstSessionAt);
        set => Volatile.Write(ref _firstSessionAt, value);
    }

    /// <summary>A line came; null is the end.</summary>
    public void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        if (line.StartsWith("Starting session:", StringComparison.Ordinal))
        {
            Interlocked.CompareExchange(ref _firstSessionAt, Stopwatch.GetTimestamp(), 0);
        }

        lock (_text)
        {
            _text.Append(line).Append('\n');
        }
    }
}
