using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>Makes text of the other side safe to show: no control characters reach a terminal or a log.</summary>
internal static class Printable
{
    /// <summary>One line: every control character is written as <c>\#ooo</c>, as rsync does.</summary>
    public static string Line(string text, int maxLength = 400)
    {
        string safe = ByteText.EscapeText(text);
        return safe.Length <= maxLength ? safe : string.Concat(safe.AsSpan(0, maxLength), "…");
    }

    /// <summary>Several lines: line feeds stay, other control characters are written as <c>\#ooo</c>.</summary>
    public static string Lines(string text) => ByteText.EscapeText(text.Replace("\r\n", "\n", StringComparison.Ordinal), keepLines: true);

    /// <summary>The last line that says something, as one safe line; null when there is none.</summary>
    public static string? LastLine(string? text)
    {
        string[] lines = (text ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? null : Line(lines[^1]);
    }
}
