using System.Text;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>
/// A root in one text file: "=== PATH" and the content; "=== PATH -> TARGET" a link; "=== kernel RELEASE IMAGE [MODULE…]" a
/// kernel with ext4 and the virtio drivers as modules and an initramfs that holds those modules; "=== facts" what is known of the
/// destination.
/// </summary>
internal sealed class SampleRoot
{
    public MemoryTree Tree { get; } = new();

    public FixupFacts Facts { get; private set; } = new();

    public static string Directory => Path.Combine(RepositoryRoot(), "tests/NativeSync.Migration.Tests/Fixups/Samples");

    public static SampleRoot Read(string name)
    {
        SampleRoot sample = new();
        string text = File.ReadAllText(Path.Combine(Directory, name + ".root"), Encoding.Latin1);
        foreach (string part in ("\n" + text).Split("\n=== ")[1..])
        {
            int line = part.IndexOf('\n', StringComparison.Ordinal);
            (string head, string content) = line < 0 ? (part, "") : (part[..line], part[(line + 1)..] + "\n");
            sample.Add(head, content.EndsWith("\n\n", StringComparison.Ordinal) ? content[..^1] : content);
        }

        return sample;
    }

    /// <summary>Runs all steps; the report of what was not "unchanged", then the files as they have become.</summary>
    public static (string Report, FixupRecord[] Records, RecordingShell Shell) Run(MemoryTree tree, FixupFacts facts)
    {
        RecordingShell shell = new();
        shell.Answer = script => Made(tree, script);
        List<FixupRecord> records = [];
        tree.Writes.Clear();
        new FixupRunner(tree, facts, shell).Run(FixupList.All, records.Add);
        StringBuilder text = new();
        foreach (FixupRecord record in records.Where(r => r.Outcome != FixupOutcomes.Unchanged))
        {
            text.Append(FixupText.Of(record));
        }

        foreach (string path in tree.Writes.Distinct().Order(StringComparer.Ordinal).Where(p => !p.StartsWith(FixupContext.Home, StringComparison.Ordinal)))
        {
            text.Append("=== ").Append(path).Append('\n').Append(tree.LinkTarget(path) is { } target ? "-> " + target + "\n" : tree.Text(path) ?? "(gone)\n");
        }

        return (text.ToString(), [.. records], shell);
    }

    /// <summary>The tools of the root, as far as their results are looked at: images with all drivers.</summary>
    private static (int, string) Made(MemoryTree tree, string script)
    {
        foreach (string path in tree.Paths.Where(p => p.StartsWith("boot/init", StringComparison.Ordinal)).ToList())
        {
            if (script.Contains("/" + path, StringComparison.Ordinal) || script.Contains($"update-initramfs -u -k '{path[(path.IndexOf('-', StringComparison.Ordinal) + 1)..]}'", StringComparison.Ordinal))
            {
                string release = path.Replace(".img", "", StringComparison.Ordinal)[(path.Replace(".img", "", StringComparison.Ordinal).IndexOf('-', StringComparison.Ordinal) + 1)..];
                tree.Add(path, Cpio.WithModules(release, [.. BootKernel.Drivers, "ext4"]));
                int stamp = script.IndexOf("echo ", StringComparison.Ordinal);
                string uuid = script[(stamp + 5)..].Split(' ')[0], file = script[(script.LastIndexOf('>') + 3)..].TrimEnd('\'').TrimStart('/');
                tree.Add(file, uuid + "\n");
            }
        }

        return (0, "");
    }

    private void Add(string head, string content)
    {
        string[] words = head.Split(' ');
        if (head == "facts")
        {
            Facts = FixupFacts.Parse("facts", Encoding.UTF8.GetBytes(content));
        }
        else if (words[0] == "kernel")
        {
            string release = words[1];
            Tree.Add("boot/vmlinuz-" + release);
            Tree.Add($"lib/modules/{release}/modules.dep", string.Concat(BootKernel.Drivers.Append("ext4").Select(d => $"kernel/drivers/{d}.ko:\n")));
            Tree.Add("boot/" + words[2], Cpio.WithModules(release, words[3..]));
        }
        else if (words is [var link, "->", var target])
        {
            Tree.AddLink(link, target);
        }
        else
        {
            Tree.Add(head, content);
        }
    }

    private static string RepositoryRoot()
    {
        string at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "NativeSync.sln")))
        {
            at = Path.GetDirectoryName(at)!;
        }

        return at;
    }
}
