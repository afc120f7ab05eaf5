using System.Globalization;
using System.Text;

namespace NativeSync.Transport;

/// <summary>Makes text of the other side safe to show: no control characters reach a terminal or a log.</summary>
internal static class Printable
{
    /// <summary>One line: every control character is written as <c>\#ooo</c>, as rsync does.</summary>
    public static string Line(string text, int maxLength = 400)
    {
        string safe = Escape(text, keepLines: false);
        return safe.Length <= maxLength ? safe : string.Concat(safe.AsSpan(0, maxLength), "…");
    }

    /// <summary>Several lines: line feeds stay, other control characters are written as <c>\#ooo</c>.</summary>
    public static string Lines(string text) => Escape(text.Replace("\r\n", "\n", StringComparison.Ordinal), keepLines: true);

    /// <summary>The last line that says something, as one safe line; null when there is none.</summary>
    public static string? LastLine(string? text)
    {
        string[] lines = (text ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? null : Line(lines[^1]);
    }

    private static string Escape(string text, bool keepLines)
    {
        StringBuilder? result = null;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool plain = !char.IsControl(c) && !IsDirectional(c) || (keepLines && c is '\n' or '\t');
            if (plain)
            {
                result?.Append(c);
                continue;
            }

            result ??= new StringBuilder(text, 0, i, text.Length + 16);
            foreach (byte b in Encoding.UTF8.GetBytes([c]))
            {
                result.Append("\\#").Append(Convert.ToString(b, 8).PadLeft(3, '0'));
            }
        }

        return result?.ToString() ?? text;
    }

    /// <summary>Characters that reorder what is shown.</summary>
    private static bool IsDirectional(char c) => CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.Format
        || c is '\u2028' or '\u2029';
}
