using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>One JSON object on one line, safe on a terminal.</summary>
internal static class JsonLine
{
    // Nobody puts these lines into a web page; what a terminal could stumble over is escaped below.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The object that <paramref name="write"/> fills, without the end of line.</summary>
    public static string Of(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter writer = new(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Harmless(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>
    /// A name that is UTF-8 stands as it is. One that is not stands escaped (<c>\#ooo</c>), and a second field, its name with
    /// <c>Base64</c> behind it, has the bytes.
    /// </summary>
    public static void WriteName(Utf8JsonWriter writer, string field, byte[] name)
    {
        if (Utf8.IsValid(name))
        {
            writer.WriteString(field, name);
        }
        else
        {
            writer.WriteString(field, ByteText.Escape(name));
            writer.WriteBase64String(field + "Base64", name);
        }
    }

    /// <summary>Escapes what JSON allows and a terminal may obey: controls beyond ASCII, and marks that change the direction of writing.</summary>
    private static string Harmless(string json)
    {
        if (!json.Any(IsHarmful))
        {
            return json;
        }

        StringBuilder text = new(json.Length + 32);
        foreach (char c in json)
        {
            _ = IsHarmful(c) ? text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)) : text.Append(c);
        }

        return text.ToString();
    }

    private static bool IsHarmful(char c) => c >= '\x7f'
        && char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
