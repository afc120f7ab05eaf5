using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>A line of <c>--list-only</c>: permissions, size, time and name, as rsync prints them.</summary>
internal static class ListingText
{
    private const string Missing = "*missing                                      ";

    /// <summary>By the numbers of <see cref="EntryType"/>.</summary>
    private const string Types = "?pc?d?b?-?l?s???";

    /// <summary>The line.</summary>
    /// <param name="entry">What is listed.</param>
    /// <param name="human">That of <see cref="Options.OutputArguments.HumanReadable"/>.</param>
    /// <param name="links">Whether links are transferred: then their targets are shown.</param>
    /// <param name="style">How names are escaped.</param>
    /// <param name="zone">Where the clock on the wall is.</param>
    public static string Line(in EntryEvent entry, int human, bool links, NameStyle style, TimeZoneInfo zone)
    {
        string name = NameText.Of(entry.Path, style);
        EntryMetadata metadata = entry.Metadata;
        if (metadata.Type == EntryType.Unknown)
        {
            return Missing + name;
        }

        string target = links && entry.LinkTarget is { } to ? " -> " + NameText.Of(to, style) : "";
        string size = NumberText.Of(metadata.IsDevice ? 0 : metadata.Size, human).PadLeft(human == 0 ? 11 : 14);
        string time = EntryValues.LocalTime(metadata.Modified.Seconds, "yyyy'/'MM'/'dd HH':'mm':'ss", zone);
        return $"{Types[(int)metadata.Type]}{EntryValues.PermissionText(metadata.Mode)} {size} {time} {name}{target}";
    }
}
