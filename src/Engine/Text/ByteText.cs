using System.Globalization;
using System.Text;

namespace NativeSync.Engine;

/// <summary>Names are bytes; this is how they are shown to a person and taken from one.</summary>
public static class ByteText
{
    /// <summary>
    /// The name as one printable line: valid UTF-8 as it is, each other byte and each control (but a tab), format or
    /// bidirectional-override character as <c>\#ooo</c> (three octal digits a byte), as rsync writes them; a
    /// backslash that would read as such an escape is escaped itself. What comes from the other side passes through here before it reaches a terminal or a log.
    /// </summary>
    public static string Escape(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(name, out var rune, out var consumed);
            if (status != System.Buffers.OperationStatus.Done || !IsPrintable(rune) || LooksLikeEscape(name))
            {
                for (var i = 0; i < consumed; i++)
                {
                    AppendOctal(text, name[i]);
                }
            }
            else
            {
                text.Append(rune.ToString());
            }

            name = name[consumed..];
        }

        return text.ToString();
    }

    /// <summary>A text that may hold escaped names already: what must not reach a terminal or a log is written as <see cref="Escape"/> does, a backslash never.</summary>
    /// <param name="text">Such as a message of the other side.</param>
    /// <param name="keepLines">Line feeds stay.</param>
    public static string EscapeText(string text, bool keepLines = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        StringBuilder? escaped = null;
        Span<byte> bytes = stackalloc byte[4];
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsPrintable(rune) || (keepLines && rune.Value == '\n'))
            {
                escaped?.Append(text, at, rune.Utf16SequenceLength);
            }
            else
            {
                escaped ??= new StringBuilder(text, 0, at, text.Length + 16);
                foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
                {
                    AppendOctal(escaped, value);
                }
            }

            at += rune.Utf16SequenceLength;
        }

        return escaped?.ToString() ?? text;
    }

    /// <summary>The bytes of a command-line argument or configuration value, as UTF-8.</summary>
    public static byte[] FromArgument(string argument) => Encoding.UTF8.GetBytes(argument);

    private static bool LooksLikeEscape(ReadOnlySpan<byte> name) =>
        name is [(byte)'\\', (byte)'#', >= (byte)'0' and <= (byte)'9', >= (byte)'0' and <= (byte)'9', >= (byte)'0' and <= (byte)'9', ..];

    private static bool IsPrintable(Rune rune) => rune.Value == '\t' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned);

    private static void AppendOctal(StringBuilder text, byte value) =>
        text.Append("\\#").Append((char)('0' + (value >> 6))).Append((char)('0' + ((value >> 3) & 7))).Append((char)('0' + (value & 7)));
}
