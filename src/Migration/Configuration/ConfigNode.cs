namespace NativeSync.Migration.Configuration;

/// <summary>What kind of JSON value a <see cref="ConfigNode"/> holds.</summary>
internal enum ConfigKind
{
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// <summary>One JSON value together with the line it stands on, so that every complaint can name the place.</summary>
internal sealed class ConfigNode
{
    public required ConfigKind Kind { get; init; }

    /// <summary>Line in the file, counted from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The text of a string, or the literal as written of a number or boolean.</summary>
    public string Text { get; init; } = "";

    /// <summary>The members of an object, in the order of the file.</summary>
    public List<KeyValuePair<string, ConfigNode>> Members { get; } = [];

    /// <summary>The items of an array.</summary>
    public List<ConfigNode> Items { get; } = [];

    /// <summary>The value as a message may show it.</summary>
    public string Shown => Kind switch
    {
        ConfigKind.Object => "an object",
        ConfigKind.Array => "a list",
        ConfigKind.Null => "null",
        ConfigKind.String => Text.Length <= 40 ? $"\"{Text}\"" : $"\"{Text[..40]}…\"",
        _ => Text,
    };
}
