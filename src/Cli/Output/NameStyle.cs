using System.Text;
using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>How names are written to standard output and logs.</summary>
internal enum NameStyle
{
    /// <summary>UTF-8 as it is, everything else as <c>\#ooo</c>.</summary>
    Utf8,

    /// <summary>All bytes from 128 on as <c>\#ooo</c>: rsync in the C locale.</summary>
    Ascii,

    /// <summary>All bytes from 128 on as they are (<c>-8</c>); control characters are still escaped.</summary>
    EightBit,
}

/// <summary>Names as text. A byte that is no text travels as a lone surrogate, which <see cref="Encode"/> turns back.</summary>
internal static class NameText
{
    private const char FirstByte = '\uDC80';

    /// <summary>rsync's own choice: it asks the locale, which the C library takes from these variables.</summary>
    public static NameStyle OfLocale()
    {
        string? locale = ((string[])["LC_ALL", "LC_CTYPE", "LANG"]).Select(Environment.GetEnvironmentVariable).FirstOrDefault(static value => value is { Length: > 0 });
        return locale is not null && (locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase)) ? NameStyle.Utf8 : NameStyle.Ascii;
    }

    /// <summary>A name, escaped as <paramref name="style"/> says.</summary>
    public static string Of(ReadOnlySpan<byte> name, NameStyle style)
    {
        if (style == NameStyle.Utf8)
        {
            return ByteText.Escape(name);
        }

        StringBuilder text = new(name.Length);
        for (int start = 0; start < name.Length;)
        {
            int high = name[start..].IndexOfAnyInRange((byte)0x80, (byte)0xff);
            int end = high < 0 ? name.Length : start + high;
            text.Append(ByteText.Escape(name[start..end]));
            for (; end < name.Length && name[end] >= 0x80; end++)
            {
                _ = style == NameStyle.EightBit ? text.Append((char)(FirstByte + name[end] - 0x80)) : text.Append(ByteText.Escape(name.Slice(end, 1)));
            }

            start = end;
        }

        return text.ToString();
    }

    /// <summary>Text as bytes: UTF-8, and the bytes that were none.</summary>
    public static byte[] Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstByte, (char)(FirstByte + 0x7f)))
        {
            return Encoding.UTF8.GetBytes(text);
        }

        List<byte> bytes = new(text.Length * 2);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool pair = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            if (!pair && c is >= FirstByte and <= (char)(FirstByte + 0x7f))
            {
                bytes.Add((byte)(c - FirstByte + 0x80));
                continue;
            }

            bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, pair ? 2 : 1)));
            i += pair ? 1 : 0;
        }

        return [.. bytes];
    }
}
