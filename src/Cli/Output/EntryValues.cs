using System.Globalization;
using NativeSync.Cli.Options;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>What the escapes of a format stand for (rsync-semantics.md §2.8).</summary>
internal sealed class EntryValues(JobFlags flags, TransferPlan plan, NameStyle style, TimeProvider clock, bool isRelative = false)
{
    /// <summary>With -R, sources that were named from the root are told so by who sends them.</summary>
    private readonly byte[][] _absolute = isRelative && plan.Direction != Direction.Pull
        ? [.. plan.Sources.Where(static source => source is [(byte)'/', ..] && source.AsSpan().IndexOf("/./"u8) < 0).Select(static source => source.AsSpan().Trim((byte)'/').ToArray())]
        : [];

    /// <summary>The name, with its slash in front where rsync has one.</summary>
    public byte[] NameOf(in EntryEvent entry)
    {
        byte[] name = EntryText.NameBytes(entry);
        ReadOnlySpan<byte> path = name.AsSpan().TrimEnd((byte)'/');
        foreach (byte[] source in entry.Kind == OutcomeKind.Deleted ? [] : _absolute)
        {
            if (IsWithin(path, source) || IsWithin(source, path))
            {
                return [(byte)'/', .. name];
            }
        }

        return name;
    }

    /// <summary>The value of one escape.</summary>
    /// <param name="escape">Its letter.</param>
    /// <param name="entry">What was done.</param>
    /// <param name="human">The number of apostrophes.</param>
    /// <param name="length">Its length before anything is escaped, by which rsync pads.</param>
    public string Of(char escape, in EntryEvent entry, int human, out int length)
    {
        byte[] name = escape == 'n' ? NameOf(entry) : escape == 'f' ? LongName(entry) : [];
        string text = name.Length > 0 ? NameText.Of(name, style) : Of(escape, entry, human);
        length = name.Length > 0 ? name.Length : text.Length;
        return text;
    }

    private string Of(char escape, in EntryEvent entry, int human)
    {
        EntryMetadata metadata = entry.Metadata;
        bool deleted = entry.Kind == OutcomeKind.Deleted;
        return escape switch
        {
            'i' => Itemizer.Of(entry, flags, plan.Direction == Direction.Push),
            'o' => deleted ? "del." : plan.Direction == Direction.Pull ? "recv" : "send",
            'L' => EntryText.Target(entry, style),
            'l' => NumberText.Of(deleted ? 0 : metadata.Size, human),
            'U' => Decimal(deleted ? 0 : metadata.Uid),
            'G' => Decimal(deleted ? 0 : metadata.Gid),
            'B' => PermissionText(deleted ? 0 : metadata.Mode),
            'M' => LocalTime(deleted ? 0 : metadata.Modified.Seconds, "yyyy'/'MM'/'dd'-'HH':'mm':'ss"),
            't' => Time(clock.GetLocalNow()),
            'p' => Decimal(Environment.ProcessId),
            'b' => NumberText.Of(entry.Transferred, human),
            'c' => NumberText.Of(0, human),
            'C' => entry.Digest is { } digest ? digest.ToString("x32", CultureInfo.InvariantCulture) : new string(' ', 32),
            _ => "",
        };
    }

    /// <summary>The time in front of each line of a log.</summary>
    public static string Time(DateTimeOffset time) => time.ToString("yyyy'/'MM'/'dd HH':'mm':'ss", CultureInfo.InvariantCulture);

    /// <summary>Permissions as nine letters.</summary>
    internal static string PermissionText(uint mode)
    {
        Span<char> text = stackalloc char[9];
        for (int i = 0; i < 9; i++)
        {
            text[i] = (mode & (0x100u >> i)) != 0 ? "rwx"[i % 3] : '-';
        }

        Special(text, 2, mode & 0x800, 's');
        Special(text, 5, mode & 0x400, 's');
        Special(text, 8, mode & 0x200, 't');
        return text.ToString();

        static void Special(Span<char> text, int at, uint set, char letter) =>
            text[at] = set == 0 ? text[at] : text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
    }

    private static bool IsWithin(ReadOnlySpan<byte> path, ReadOnlySpan<byte> directory) =>
        path.StartsWith(directory) && (path.Length == directory.Length || path[directory.Length] == '/');

    private static string Decimal(long number) => number.ToString(CultureInfo.InvariantCulture);

    private string LocalTime(long seconds, string format) => LocalTime(seconds, format, clock.LocalTimeZone);

    /// <summary>A time of a file on the wall clock of a zone.</summary>
    internal static string LocalTime(long seconds, string format, TimeZoneInfo zone)
    {
        // Beyond the years 1 to 9999 .NET has no calendar.
        DateTimeOffset time = DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, -62_135_500_000, 253_402_200_000));
        return TimeZoneInfo.ConvertTime(time, zone).ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>As the sender would name it on its own command line, without slashes in front and behind; the receiver's name when this end receives.</summary>
    private byte[] LongName(in EntryEvent entry)
    {
        byte[] path = entry.Path.Length == 0 ? "."u8.ToArray() : entry.Path;
        if (entry.Kind == OutcomeKind.Deleted || plan.Direction == Direction.Pull || isRelative)
        {
            return path;
        }

        byte[] source = SourceOf(path);
        int end = source.AsSpan().LastIndexOf((byte)'/') + 1;
        ReadOnlySpan<byte> above = source.AsSpan(0, end);
        return [.. above.StartsWith((byte)'/') ? above[1..] : above, .. path];
    }

    /// <summary>The argument that brought an entry: the one of its first name, else the first whose contents are meant.</summary>
    private byte[] SourceOf(byte[] path)
    {
        int slash = Array.IndexOf(path, (byte)'/');
        ReadOnlySpan<byte> first = path.AsSpan(0, slash < 0 ? path.Length : slash);
        foreach (byte[] source in plan.Sources)
        {
            if (source.AsSpan(source.AsSpan().LastIndexOf((byte)'/') + 1).SequenceEqual(first))
            {
                return source;
            }
        }

        return plan.Sources.FirstOrDefault(static source => source is [.., (byte)'/']) ?? plan.Sources[0];
    }
}
