using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// A small server: some thousand files, and one of every kind of thing that a server has. What this user may not make is
/// left out and told of.
/// </summary>
internal static class SampleTree
{
    /// <summary>Mount point of the sample's data disk.</summary>
    public const string DataDisk = "/mnt/disk1";

    private const int SmallFiles = 3000;
    private const uint Fifo = 0x1000, CharacterDevice = 0x2000;

    /// <summary>Makes the tree.</summary>
    /// <param name="root">Directory that does not exist yet.</param>
    /// <returns>What could not be made here.</returns>
    public static List<string> Create(string root)
    {
        List<string> missing = [];
        foreach (string directory in (string[])["etc", "bin", "home/user", "var/log", "var/cache/yum", "proc/1", "dev", "srv/www", "tmp", "mnt/disk1/database", "lost+found"])
        {
            Directory.CreateDirectory(Path.Combine(root, directory));
        }

        Random random = new(20260101);
        MakeSmallFiles(root, random);
        MakeLargeFiles(root, random);
        MakeExcluded(root);
        using SampleDirectory home = new(Path.Combine(root, "home/user"));
        home.Text("original", "one content, three names\n");
        home.Do("hard link", home.Io.LinkAt(home.Fd, "original"u8, home.Fd, "second name"u8), missing);
        home.Do("symbolic link", home.Io.SymbolicLinkAt("../../etc/hostname"u8, home.Fd, "link"u8), missing);
        home.Do("dangling link", home.Io.SymbolicLinkAt("/nowhere/at all"u8, home.Fd, "dangling"u8), missing);
        home.Do("FIFO", home.Io.MakeNodeAt(home.Fd, "fifo"u8, Fifo | 0x1A4, 0), missing);
        home.Do("device (needs root)", home.Io.MakeNodeAt(home.Fd, "null"u8, CharacterDevice | 0x1B6, (1UL << 32) | 3), missing);
        home.Text("name with\nnewline", "x");
        home.Bytes([0xFF, 0xFE, (byte)'.', (byte)'b', (byte)'i', (byte)'n'], "not UTF-8");
        home.Text(new string('n', 255), "a name of 255 bytes");
        home.Text("-rf", "a name like an option");
        home.Text("empty", "");
        home.Text("tagged", "with an attribute");
        home.Do("extended attribute", home.Io.SetXattrAt(home.Fd, "tagged"u8, "user.comment"u8, "rehearsal"u8), missing);
        home.Text("listed", "with an ACL");
        home.Do("ACL", home.Io.SetXattrAt(home.Fd, "listed"u8, "system.posix_acl_access"u8, Acl), missing);
        home.Text("program", "#!/bin/sh\n");
        home.Do("set-user-id bit", home.Io.ChangeModeAt(home.Fd, "program"u8, 0x9ED), missing); // 4755
        home.Text("old", "before 1970");
        home.Do("time before 1970", home.Io.SetTimesAt(home.Fd, "old"u8, null, new Timestamp(-86400, 123456789)), missing);
        home.Text("future", "after 2106");
        home.Do("time after 2106", home.Io.SetTimesAt(home.Fd, "future"u8, null, new Timestamp(4_400_000_000, 987654321)), missing);
        using SampleDirectory data = new(Path.Combine(root, "mnt/disk1"));
        data.Do("hard link", data.Io.LinkAt(data.Fd, "table.0"u8, data.Fd, "table.0.backup"u8), missing);
        return [.. missing.Distinct()];
    }

    /// <summary>user::rw-, user:1:r--, group::r--, mask::r--, other::r-- in the kernel's form.</summary>
    private static ReadOnlySpan<byte> Acl =>
    [
        2, 0, 0, 0,
        1, 0, 6, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        2, 0, 4, 0, 1, 0, 0, 0,
        4, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        0x10, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        0x20, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,
    ];

    private static void MakeSmallFiles(string root, Random random)
    {
        File.WriteAllText(Path.Combine(root, "etc/hostname"), "rehearsal\n");
        for (int i = 0; i < SmallFiles; i++)
        {
            string directory = Path.Combine(root, i % 3 == 0 ? "etc" : i % 3 == 1 ? "srv/www" : "bin", string.Create(CultureInfo.InvariantCulture, $"d{i % 40:00}"));
            if (i < 120)
            {
                Directory.CreateDirectory(directory);
            }

            StringBuilder text = new();
            int lines = random.Next(0, 60);
            for (int line = 0; line < lines; line++)
            {
                text.Append(CultureInfo.InvariantCulture, $"key{random.Next(1000)} = value {random.Next()}\n");
            }

            File.WriteAllText(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"file{i:0000}.conf")), text.ToString());
        }
    }

    private static void MakeLargeFiles(string root, Random random)
    {
        byte[] block = new byte[1 << 20];
        using (FileStream file = new(Path.Combine(root, "mnt/disk1/table.0"), FileMode.CreateNew))
        {
            for (int i = 0; i < 16; i++)
            {
                random.NextBytes(block);
                file.Write(block);
            }
        }

        // Mostly holes: 64 MiB long, with three pieces of data.
        using FileStream sparse = new(Path.Combine(root, "mnt/disk1/database/sparse.img"), FileMode.CreateNew);
        foreach (long offset in (long[])[0, 20 << 20, (64 << 20) - 4096])
        {
            sparse.Position = offset;
            sparse.Write(block.AsSpan(0, 4096));
        }
    }

    private static void MakeExcluded(string root)
    {
        File.WriteAllText(Path.Combine(root, "proc/1/status"), "never to be carried\n");
        File.WriteAllText(Path.Combine(root, "dev/fake"), "never to be carried\n");
        File.WriteAllText(Path.Combine(root, "var/cache/yum/package.rpm"), "never to be carried\n");
    }
}
