using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>A format of <c>--out-format</c> or <c>--log-file-format</c>: text with escapes such as <c>%i</c>, <c>%-20n</c> and <c>%'l</c>.</summary>
internal sealed class OutFormat
{
    /// <summary>What <c>-i</c> and the log use.</summary>
    public static readonly OutFormat Itemized = Parse("%i %n%L");

    /// <summary>What <c>-v</c> uses.</summary>
    public static readonly OutFormat Named = Parse("%n%L");

    private const string Known = "ioflLnUGBMtpmbcC";

    private readonly List<Piece> _pieces = [];

    /// <summary>Reads a format. What is no escape stands for itself, as in rsync.</summary>
    public static OutFormat Parse(string text)
    {
        OutFormat format = new();
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '%' || i + 1 == text.Length)
            {
                plain.Append(text[i]);
                continue;
            }

            int at = i + 1, human = 0, width = 0;
            for (; at < text.Length && text[at] == '\''; at++)
            {
                human++;
            }

            bool left = at < text.Length && text[at] == '-';
            for (at += left ? 1 : 0; at < text.Length && char.IsAsciiDigit(text[at]); at++)
            {
                width = Math.Min((width * 10) + text[at] - '0', 512);
            }

            if (at < text.Length && Known.Contains(text[at], StringComparison.Ordinal))
            {
                format._pieces.Add(new Piece(UsageException.Quote(plain.ToString()), text[at], width, left, Math.Min(human, 3)));
                plain.Clear();
                i = at;
            }
            else if (text[i + 1] == '%')
            {
                plain.Append('%');
                i++;
            }
            else
            {
                plain.Append('%');
            }
        }

        format._pieces.Add(new Piece(UsageException.Quote(plain.ToString()), '\0', 0, false, 0));
        return format;
    }

    /// <summary>Whether an escape occurs.</summary>
    public bool Has(char escape) => _pieces.Exists(piece => piece.Escape == escape);

    /// <summary>Whether it tells what is done: then deletions are told in it, too.</summary>
    public bool HasOperation => Has('i') || Has('o');

    /// <summary>The line for an entry, without the end of line.</summary>
    public string Render(in EntryEvent entry, EntryValues values)
    {
        StringBuilder line = new();
        foreach (Piece piece in _pieces)
        {
            line.Append(piece.Before);
            if (piece.Escape != '\0')
            {
                // Widths count a name's own bytes, before anything is escaped.
                string value = values.Of(piece.Escape, entry, piece.Human, out int length);
                int padding = Math.Max(0, piece.Width - length);
                line.Append(' ', piece.Left ? 0 : padding).Append(value).Append(' ', piece.Left ? padding : 0);
            }
        }

        return line.ToString();
    }

    private readonly record struct Piece(string Before, char Escape, int Width, bool Left, int Human);
}
