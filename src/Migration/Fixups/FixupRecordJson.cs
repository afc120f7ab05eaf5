using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NativeSync.Migration.Fixups;

/// <summary>A record as JSON: a line between the rescue system and the migration, and a part of the state and of the report. By hand, since generated code for its types would be 70 KB.</summary>
internal sealed class FixupRecordJson : JsonConverter<FixupRecord>
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One line, without its end.</summary>
    public static string Line(FixupRecord record) => Text(writer => Write(writer, record));

    /// <summary>Reads a line; null when it is none.</summary>
    public static FixupRecord? Parse(string line)
    {
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(line));
        try
        {
            return reader.Read() ? Read(ref reader) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>What a writer is given, as text.</summary>
    public static string Text(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, Options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>A list of texts; nothing when it is empty.</summary>
    public static void Write(Utf8JsonWriter writer, string name, List<string> texts)
    {
        if (texts.Count > 0)
        {
            writer.WriteStartArray(name);
            foreach (string text in texts)
            {
                writer.WriteStringValue(text);
            }

            writer.WriteEndArray();
        }
    }

    /// <inheritdoc/>
    public override FixupRecord Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, FixupRecord value, JsonSerializerOptions options) => Write(writer, value);

    private static void Write(Utf8JsonWriter writer, FixupRecord record)
    {
        writer.WriteStartObject();
        writer.WriteString("Name", record.Name);
        writer.WriteString("Outcome", record.Outcome);
        Optional(writer, "Why", record.Why);
        if (record.Changes.Count > 0)
        {
            writer.WriteStartArray("Changes");
            foreach (FixupChange change in record.Changes)
            {
                writer.WriteStartObject();
                writer.WriteString("File", change.File);
                writer.WriteString("Reason", change.Reason);
                Write(writer, "Lines", change.Lines);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (record.Commands.Count > 0)
        {
            writer.WriteStartArray("Commands");
            foreach (FixupCommand command in record.Commands)
            {
                writer.WriteStartObject();
                writer.WriteString("Script", command.Script);
                writer.WriteString("Reason", command.Reason);
                writer.WriteBoolean("Outside", command.Outside);
                if (command.ExitCode is { } code)
                {
                    writer.WriteNumber("ExitCode", code);
                }

                Optional(writer, "Output", command.Output);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        Write(writer, "Warnings", record.Warnings);
        writer.WriteEndObject();
    }

    private static void Optional(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static FixupRecord Read(ref Utf8JsonReader reader)
    {
        FixupRecord record = new();
        while (Member(ref reader) is { } name)
        {
            switch (name)
            {
                case "Name":
                    record.Name = reader.GetString() ?? "";
                    break;
                case "Outcome":
                    record.Outcome = reader.GetString() ?? "";
                    break;
                case "Why":
                    record.Why = reader.GetString();
                    break;
                case "Changes":
                    while (Item(ref reader))
                    {
                        record.Changes.Add(Change(ref reader));
                    }

                    break;
                case "Commands":
                    while (Item(ref reader))
                    {
                        record.Commands.Add(Command(ref reader));
                    }

                    break;
                case "Warnings":
                    Strings(ref reader, record.Warnings);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return record;
    }

    private static FixupChange Change(ref Utf8JsonReader reader)
    {
        FixupChange change = new();
        while (Member(ref reader) is { } name)
        {
            switch (name)
            {
                case "File":
                    change.File = reader.GetString() ?? "";
                    break;
                case "Reason":
                    change.Reason = reader.GetString() ?? "";
                    break;
                case "Lines":
                    Strings(ref reader, change.Lines);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return change;
    }

    private static FixupCommand Command(ref Utf8JsonReader reader)
    {
        FixupCommand command = new();
        while (Member(ref reader) is { } name)
        {
            switch (name)
            {
                case "Script":
                    command.Script = reader.GetString() ?? "";
                    break;
                case "Reason":
                    command.Reason = reader.GetString() ?? "";
                    break;
                case "Outside":
                    command.Outside = reader.GetBoolean();
                    break;
                case "ExitCode":
                    command.ExitCode = reader.GetInt32();
                    break;
                case "Output":
                    command.Output = reader.GetString();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return command;
    }

    /// <summary>The name of an object's next member, its value being the current token then; null at the end.</summary>
    private static string? Member(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        string name = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : throw new JsonException();
        reader.Read();
        return name;
    }

    private static bool Item(ref Utf8JsonReader reader)
        => reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndObject or JsonTokenType.String && reader.Read() && reader.TokenType != JsonTokenType.EndArray;

    private static void Strings(ref Utf8JsonReader reader, List<string> texts)
    {
        while (Item(ref reader))
        {
            texts.Add(reader.GetString() ?? "");
        }
    }
}
