using System.Globalization;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// fstab(5): what the destination has is named by its UUID; what it does not have is commented out, since a line that waits
/// for a missing disk ends in the emergency shell. The data disks that had no line get one.
/// </summary>
internal sealed class FstabFixup : IFixup
{
    private const string Path = "etc/fstab";

    public string Name => "fstab";

    public string Purpose => "name the destination's file systems by UUID, drop disks that are not there";

    public void Plan(FixupContext context)
    {
        if (context.Facts.At("/")?.Uuid is null)
        {
            context.Skip("the UUID of the destination's system is not known");
            return;
        }

        if (context.Tree.Text(Path) is not { } before)
        {
            return;
        }

        string after = Fstab.Rewrite(before, context.Facts, path => context.Tree.IsFile(path.TrimStart('/')) || context.Facts.SwapFiles.Exists(s => s.Path == path));
        if (context.Write(Path, after, "the destination's disks have other names and UUIDs") || context.HasKept(Path))
        {
            context.Progress.DevicesChanged = true;
        }
    }
}

/// <summary>The text of /etc/fstab.</summary>
internal static class Fstab
{
    /// <summary>In front of what is put out of action; the original line follows.</summary>
    public const string Mark = "# nativesync: ";

    private static readonly string[] Portable =
    [
        "defaults", "rw", "ro", "auto", "noauto", "user", "nouser", "users", "owner", "group", "exec", "noexec", "suid", "nosuid", "dev", "nodev",
        "sync", "async", "dirsync", "atime", "noatime", "relatime", "norelatime", "strictatime", "diratime", "nodiratime", "lazytime", "nofail", "_netdev", "discard", "acl", "user_xattr",
    ];

    /// <summary>The table for the destination.</summary>
    /// <param name="text">The source's.</param>
    /// <param name="facts">The destination's file systems.</param>
    /// <param name="isFile">Whether an absolute path is a file of the root: a swap file, a loop image.</param>
    public static string Rewrite(string text, FixupFacts facts, Func<string, bool> isFile)
    {
        List<string> lines = [.. text.Split('\n')];
        HashSet<string> there = new(StringComparer.Ordinal);
        for (int i = 0; i < lines.Count; i++)
        {
            if (Fields(lines[i]) is not { } f)
            {
                continue;
            }

            string point = MountPoint(f);
            (string? line, string? why) = Line(lines[i], f, point, facts, isFile, there.Contains(point));
            lines[i] = why is null ? line ?? lines[i] : $"{Mark}{why}: {lines[i].TrimStart()}";
            if (why is null && !(point == "swap" && IsFileOfRoot(f[0])))
            {
                there.Add(point); // A swap file takes no partition's place.
            }
        }

        bool ended = lines[^1].Length == 0;
        foreach (FixupFileSystem fs in facts.FileSystems)
        {
            if (fs.Uuid is null || there.Contains(fs.MountPoint) || fs.MountPoint == "/")
            {
                continue;
            }

            string line = fs.MountPoint == "swap"
                ? $"UUID={fs.Uuid} none swap defaults 0 0"
                : string.Create(CultureInfo.InvariantCulture, $"UUID={fs.Uuid} {Escape(fs.MountPoint)} {fs.Type ?? "auto"} defaults,nofail 0 {(fs.Type is "ext2" or "ext3" or "ext4" ? 2 : 0)}");
            lines.Insert(ended ? lines.Count - 1 : lines.Count, line);
        }

        foreach (SharedPlace place in facts.Shared)
        {
            if (there.Add(place.MountPoint))
            {
                lines.Insert(ended ? lines.Count - 1 : lines.Count, $"{Escape(place.Target)} {Escape(place.MountPoint)} none bind,nofail 0 0");
            }
        }

        return string.Join('\n', lines);
    }

    /// <summary>The new line (null: as it is), or why it is put out of action.</summary>
    private static (string? Line, string? Why) Line(string line, string[] f, string point, FixupFacts facts, Func<string, bool> isFile, bool again)
    {
        (string spec, string type, string options) = (f[0], f[2], f.Length > 3 ? f[3] : "defaults");
        if (FileSystemKinds.IsNetwork(type))
        {
            // What cannot be reached from the new network must not hold up the boot.
            return (Changed(line, f, spec, type, With(With(options, "_netdev"), "nofail")), null);
        }

        if (HasOption(options, "bind") || HasOption(options, "rbind") || (FileSystemKinds.IsPseudo(type) && type is not ("iso9660" or "squashfs")))
        {
            return (null, null);
        }

        if (facts.Shared.Find(s => s.MountPoint == point) is { } shared)
        {
            return (Changed(line, f, Escape(shared.Target), "none", With(BindOptions(options), "nofail")), null);
        }

        if (IsFileOfRoot(spec))
        {
            // A swap file or an image: part of the root, if it was carried.
            return isFile(spec) ? (null, null) : (null, "the file was not carried");
        }

        if (facts.At(point) is { Uuid: { } uuid } fs)
        {
            if (again)
            {
                return (null, "mounted by an earlier line");
            }

            string kind = type == "swap" || type == "auto" ? type : fs.Type ?? type;
            return (Changed(line, f, IsSame(spec, uuid) ? spec : "UUID=" + uuid, kind, type == "swap" ? options : OptionsFor(options, type, kind)), null);
        }

        if (UuidOf(spec) is { } known && facts.HasUuid(known) && !facts.Folded.Contains(point) && !options.Contains("subvol", StringComparison.Ordinal))
        {
            return (null, null);
        }

        if (HasOption(options, "noauto"))
        {
            return (null, null); // Waits for nobody.
        }

        return (null, facts.Folded.Contains(point) || IsPartOfSystem(point) ? "its files are on the file system around it now"
            : type == "swap" ? "this swap is not at the destination" : "this disk is not at the destination");
    }

    private static bool IsFileOfRoot(string spec) => spec.StartsWith('/') && !spec.StartsWith("/dev/", StringComparison.Ordinal);

    /// <summary>The fields of a line; null for comments and what is no entry.</summary>
    private static string[]? Fields(string line)
    {
        string[] fields = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return fields.Length >= 3 && fields[0][0] != '#' ? fields : null;
    }

    private static string MountPoint(string[] f)
    {
        if (f[2] == "swap")
        {
            return "swap";
        }

        string point = Unescape(f[1]);
        return point.Length > 1 ? point.TrimEnd('/') : point;
    }

    /// <summary>The line with other fields, each in its column; the same line when nothing is another.</summary>
    private static string Changed(string line, string[] f, string spec, string type, string options)
    {
        string result = Replace(Replace(line, 0, spec), 2, type);
        return f.Length > 3 ? Replace(result, 3, options) : options == "defaults" ? result : result.TrimEnd() + " " + options;
    }

    /// <summary>Puts a word in the place of the n-th; as much of the blanks behind it as need be makes room.</summary>
    private static string Replace(string line, int n, string word)
    {
        int at = 0;
        while (true)
        {
            while (at < line.Length && line[at] is ' ' or '\t')
            {
                at++;
            }

            int end = line.AsSpan(at).IndexOfAny(' ', '\t') is >= 0 and int length ? at + length : line.Length;
            if (n-- == 0)
            {
                int behind = end;
                for (int more = word.Length - (end - at); more > 0 && behind + 1 < line.Length && line[behind] == ' ' && line[behind + 1] == ' '; more--)
                {
                    behind++;
                }

                return line[at..end] == word ? line : line[..at] + word + line[behind..];
            }

            at = end;
        }
    }

    /// <summary>The options of a file system for a bind mount of a directory in its place.</summary>
    public static string BindOptions(string options)
    {
        string kept = OptionsFor(options, "btrfs", "none");
        return kept == "defaults" ? "bind" : With(kept, "bind");
    }

    /// <summary>Another type of file system does not take the options of the source's; btrfs' subvolumes have become directories.</summary>
    /// <param name="options">With commas between them.</param>
    /// <param name="from">Type of the source's; "auto" where it is not said.</param>
    /// <param name="to">Type of the destination's.</param>
    public static string OptionsFor(string options, string from, string to)
    {
        if (from == "auto" && options.Contains("subvol", StringComparison.Ordinal))
        {
            from = "btrfs";
        }

        List<string> kept = [];
        foreach (string option in options.Split(','))
        {
            if (!option.StartsWith("subvol", StringComparison.Ordinal) && (from == to || from == "auto" || Array.IndexOf(Portable, option) >= 0 || option.StartsWith("x-", StringComparison.Ordinal)))
            {
                kept.Add(option);
            }
        }

        return kept.Count == 0 ? "defaults" : string.Join(',', kept);
    }

    private static string With(string options, string option)
        => HasOption(options, option) ? options : options == "defaults" ? $"defaults,{option}" : $"{options},{option}";

    private static bool HasOption(string options, string option) => Array.IndexOf(options.Split(','), option) >= 0;

    private static bool IsSame(string spec, string uuid) => string.Equals(UuidOf(spec), uuid, StringComparison.OrdinalIgnoreCase);

    /// <summary>The UUID that a device is named by; null for other names.</summary>
    public static string? UuidOf(string spec)
        => spec.StartsWith("UUID=", StringComparison.Ordinal) ? spec[5..].Trim('"')
            : spec.StartsWith("/dev/disk/by-uuid/", StringComparison.Ordinal) ? spec["/dev/disk/by-uuid/".Length..] : null;

    private static bool IsPartOfSystem(string point)
        => point is "/boot" or "/boot/efi" or "/home" or "/usr" or "/var" or "/opt" or "/srv" or "/tmp" or "/root" || point.StartsWith("/var/", StringComparison.Ordinal) || point.StartsWith("/usr/", StringComparison.Ordinal);

    private static string Unescape(string text)
        => !text.Contains('\\', StringComparison.Ordinal) ? text
            : text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private static string Escape(string text)
        => text.Replace("\\", "\\134", StringComparison.Ordinal).Replace(" ", "\\040", StringComparison.Ordinal).Replace("\t", "\\011", StringComparison.Ordinal).Replace("\n", "\\012", StringComparison.Ordinal);
}
