using System.Text;
using System.Text.Json;

namespace NativeSync.Migration.Configuration;

/// <summary>Reads JSON with comments and trailing commas into nodes that know their line.</summary>
internal static class ConfigParser
{
    /// <summary>More than any configuration needs; a larger file is a mistake.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Parses a whole file.</summary>
    /// <param name="file">Name for messages.</param>
    /// <param name="content">The bytes of the file, with or without a byte order mark.</param>
    /// <exception cref="ConfigException">The content is not a JSON object.</exception>
    public static ConfigNode Parse(string file, ReadOnlySpan<byte> content)
    {
        if (content.Length > MaxBytes)
        {
            throw new ConfigException(file, 0, "", $"the file has {content.Length} bytes; a configuration has at most {MaxBytes}");
        }

        if (content.StartsWith("\xEF\xBB\xBF"u8))
        {
            content = content[3..];
        }

        if (content.Trim(" \t\r\n"u8).IsEmpty)
        {
            throw new ConfigException(file, 0, "", "the file is empty; expected a JSON object { … }");
        }

        Utf8JsonReader reader = new(content, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = 32,
        });
        Lines lines = new(content);
        try
        {
            reader.Read();
            ConfigNode root = ReadValue(file, ref reader, ref lines);
            if (reader.Read())
            {
                throw new ConfigException(file, lines.At(reader.TokenStartIndex), "", "there is more after the end of the object");
            }

            return root.Kind == ConfigKind.Object
                ? root
                : throw new ConfigException(file, root.Line, "", $"expected a JSON object {{ … }}, found {root.Shown}");
        }
        catch (JsonException e)
        {
            int line = (int)(e.LineNumber ?? 0) + 1;
            throw new ConfigException(file, line, "", $"not valid JSON near column {(e.BytePositionInLine ?? 0) + 1}; look for a missing comma, quote or bracket on this line or the one before");
        }
    }

    private static ConfigNode ReadValue(string file, ref Utf8JsonReader reader, ref Lines lines)
    {
        int line = lines.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                ConfigNode obj = new() { Kind = ConfigKind.Object, Line = line };
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    string name = Text(file, ref reader, ref lines);
                    reader.Read();
                    obj.Members.Add(new(name, ReadValue(file, ref reader, ref lines)));
                }

                return obj;
            case JsonTokenType.StartArray:
                ConfigNode array = new() { Kind = ConfigKind.Array, Line = line };
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    array.Items.Add(ReadValue(file, ref reader, ref lines));
                }

                return array;
            case JsonTokenType.String:
                return new() { Kind = ConfigKind.String, Line = line, Text = Text(file, ref reader, ref lines) };
            case JsonTokenType.Number:
                return new() { Kind = ConfigKind.Number, Line = line, Text = Encoding.ASCII.GetString(reader.ValueSpan) };
            case JsonTokenType.True:
            case JsonTokenType.False:
                return new() { Kind = ConfigKind.Boolean, Line = line, Text = reader.TokenType == JsonTokenType.True ? "true" : "false" };
            default:
                return new() { Kind = ConfigKind.Null, Line = line, Text = "null" };
        }
    }

    private static string Text(string file, ref Utf8JsonReader reader, ref Lines lines)
    {
        try
        {
            return reader.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            throw new ConfigException(file, lines.At(reader.TokenStartIndex), "", "the text here is not valid UTF-8");
        }
    }

    /// <summary>Turns byte offsets, asked for in increasing order, into line numbers.</summary>
    private ref struct Lines(ReadOnlySpan<byte> content)
    {
        private readonly ReadOnlySpan<byte> _content = content;
        private int _offset;
        private int _line = 1;

        public int At(long offset)
        {
            int end = (int)offset;
            if (end > _offset)
            {
                _line += _content[_offset..end].Count((byte)'\n');
                _offset = end;
            }

            return _line;
        }
    }
}
