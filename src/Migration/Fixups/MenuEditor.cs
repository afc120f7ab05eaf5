using System.Globalization;

namespace NativeSync.Migration.Fixups;

/// <summary>Edits boot menus line by line.</summary>
/// <param name="uuid">UUID of the root.</param>
/// <param name="type">Type of its file system.</param>
/// <param name="folded">What was the file system /boot is a directory of the root now, so paths begin with /boot.</param>
internal sealed class MenuEditor(string uuid, string? type, bool folded)
{
    /// <summary>A grub.cfg of GRUB 2.</summary>
    public string Grub2(string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = Command(lines[i]) switch
            {
                "linux" or "linux16" or "linuxefi" => Kernel(lines[i], "linux"),
                "initrd" or "initrd16" or "initrdefi" => Files(lines[i], "initrd"),
                "search" when lines[i].Contains("--fs-uuid", StringComparison.Ordinal) => Search(lines[i]),
                "set" when lines[i].Contains("kernelopts=", StringComparison.Ordinal) => Options(lines[i]),
                _ => lines[i],
            };
        }

        return string.Join('\n', lines);
    }

    /// <summary>An entry of the Boot Loader Specification.</summary>
    public string Entry(string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            int value = ValueOf(line);
            lines[i] = Command(line) switch
            {
                // $kernelopts and its kind stand for what is edited elsewhere.
                "options" when line.Contains("root=", StringComparison.Ordinal) => line[..value] + KernelArguments.Rewrite(line[value..], uuid, type),
                "linux" or "initrd" => line[..value] + string.Join(' ', Array.ConvertAll(line[value..].Split(' '), Below)),
                _ => line,
            };
        }

        return string.Join('\n', lines);
    }

    /// <summary>A grubenv: 1,024 bytes exactly, filled up with number signs.</summary>
    public string Environment(string text)
    {
        const int size = 1024;
        string[] lines = text.TrimEnd('#', '\n').Split('\n');
        bool changed = false;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("kernelopts=", StringComparison.Ordinal))
            {
                string after = "kernelopts=" + KernelArguments.Rewrite(lines[i]["kernelopts=".Length..], uuid, type);
                changed |= after != lines[i];
                lines[i] = after;
            }
        }

        string result = string.Join('\n', lines) + "\n";
        return changed && result.Length <= size ? result.PadRight(size, '#') : text;
    }

    /// <summary>A menu.lst of GRUB legacy.</summary>
    /// <param name="text">The menu.</param>
    /// <param name="partition">Number of the root's partition from 0; negative leaves the places as they are.</param>
    public string Legacy(string text, int partition)
    {
        string[] lines = text.Split('\n');
        string place = string.Create(CultureInfo.InvariantCulture, $"(hd0,{partition})");
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            switch (Command(line))
            {
                case "kernel":
                    lines[i] = WithPlace(Kernel(line, "kernel"), place, partition);
                    break;
                case "initrd":
                    lines[i] = WithPlace(Files(line, "initrd"), place, partition);
                    break;
                case "root" or "rootnoverify" when partition >= 0 && line.Contains("(hd", StringComparison.Ordinal):
                    lines[i] = WithPlace(line, place, partition);
                    break;
                case "splashimage" or "gfxmenu":
                    lines[i] = folded ? WithPlace(line, place, partition).Replace(")/grub/", ")/boot/grub/", StringComparison.Ordinal) : WithPlace(line, place, partition);
                    break;
                case "#" when line.StartsWith("# kopt=", StringComparison.Ordinal):
                    // Debian's own generator takes its defaults from these comments.
                    lines[i] = "# kopt=" + KernelArguments.Rewrite(line[7..], uuid, type);
                    break;
            }
        }

        return string.Join('\n', lines);
    }

    private string Kernel(string line, string command)
    {
        int value = ValueOf(line);
        int image = SkipOptions(line, value);
        int arguments = line.AsSpan(image).IndexOfAny(' ', '\t') is >= 0 and int length ? image + length : line.Length;
        if (!line.AsSpan(arguments).Contains("root=", StringComparison.Ordinal))
        {
            return line; // Memory tests, hypervisors.
        }

        int rest = arguments;
        while (rest < line.Length && line[rest] is ' ' or '\t')
        {
            rest++;
        }

        string indent = line[..(line.Length - line.TrimStart().Length)];
        string gap = line[(indent.Length + Command(line).Length)..image];
        return indent + command + gap + Below(line[image..arguments]) + line[arguments..rest] + KernelArguments.Rewrite(line[rest..], uuid, type);
    }

    private string Files(string line, string command)
    {
        string indent = line[..(line.Length - line.TrimStart().Length)];
        int value = ValueOf(line);
        return indent + command + line[(indent.Length + Command(line).Length)..value] + string.Join(' ', Array.ConvertAll(line[value..].Split(' '), Below));
    }

    private string Options(string line)
    {
        int begin = line.IndexOf('"', StringComparison.Ordinal), end = line.LastIndexOf('"');
        return begin < 0 || end <= begin ? line : line[..(begin + 1)] + KernelArguments.Rewrite(line[(begin + 1)..end], uuid, type) + line[end..];
    }

    /// <summary>search --no-floppy --fs-uuid --set=root [--hint…] UUID</summary>
    private string Search(string line)
    {
        string trimmed = line.TrimEnd();
        int last = trimmed.LastIndexOf(' ');
        bool isUuid = last > 0 && trimmed.Length - last > 8 && trimmed.AsSpan(last + 1).IndexOfAnyExcept("0123456789abcdefABCDEF-") < 0;
        return isUuid ? trimmed[..(last + 1)] + uuid : line;
    }

    /// <summary>A path of the file system /boot, or one that begins with a subvolume, as a path of the root.</summary>
    private string Below(string path)
    {
        int begin = path.StartsWith('(') ? path.IndexOf(')', StringComparison.Ordinal) + 1 : 0;
        if (begin < path.Length && path[begin] == '/' && path.IndexOf("/boot/", begin, StringComparison.Ordinal) is int boot && boot > begin)
        {
            return path[..begin] + path[boot..]; // "/@/boot/vmlinuz": on btrfs GRUB sees the subvolume as a directory.
        }

        return folded && begin < path.Length && path[begin] == '/' && !path.AsSpan(begin).StartsWith("/boot/") ? path[..begin] + "/boot" + path[begin..] : path;
    }

    private static string WithPlace(string line, string place, int partition)
    {
        int begin = line.IndexOf("(hd", StringComparison.Ordinal);
        int end = begin < 0 ? -1 : line.IndexOf(')', begin);
        return partition < 0 || end < 0 || !line.AsSpan(begin, end - begin).Contains(',') ? line : line[..begin] + place + line[(end + 1)..];
    }

    /// <summary>The first word, or "#" for a comment.</summary>
    private static string Command(string line)
    {
        ReadOnlySpan<char> trimmed = line.AsSpan().TrimStart();
        int end = trimmed.IndexOfAny(' ', '\t', '=');
        return trimmed.StartsWith("#") ? "#" : (end < 0 ? trimmed : trimmed[..end]).ToString();
    }

    private static int ValueOf(string line)
    {
        int at = line.Length - line.AsSpan().TrimStart().Length;
        while (at < line.Length && line[at] is not (' ' or '\t'))
        {
            at++;
        }

        while (at < line.Length && line[at] is ' ' or '\t')
        {
            at++;
        }

        return at;
    }

    private static int SkipOptions(string line, int at)
    {
        while (line.AsSpan(at).StartsWith("--"))
        {
            int blank = line.IndexOf(' ', at);
            if (blank < 0)
            {
                return at;
            }

            at = blank + 1;
        }

        return at;
    }
}
