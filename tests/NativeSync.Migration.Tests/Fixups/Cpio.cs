using System.Globalization;
using System.Text;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>Makes cpio archives in the "newc" form.</summary>
internal static class Cpio
{
    public static byte[] Of(params string[] names)
    {
        using MemoryStream archive = new();
        foreach (string name in (string[])[.. names, "TRAILER!!!"])
        {
            byte[] content = Encoding.ASCII.GetBytes(name == "TRAILER!!!" ? "" : "x" + name);
            string header = "070701" + string.Concat(Enumerable.Range(0, 13).Select(i => Number(i == 6 ? content.Length : i == 11 ? name.Length + 1 : 0)));
            archive.Write(Encoding.ASCII.GetBytes(header + name + "\0"));
            Pad(archive);
            archive.Write(content);
            Pad(archive);
        }

        return archive.ToArray();
    }

    /// <summary>An image with these modules.</summary>
    public static byte[] WithModules(string release, params string[] modules)
        => Of(["init", "bin/sh", .. modules.Select(m => $"usr/lib/modules/{release}/kernel/drivers/{m}.ko.xz")]);

    private static string Number(int value) => value.ToString("X8", CultureInfo.InvariantCulture);

    private static void Pad(MemoryStream archive)
    {
        while (archive.Length % 4 != 0)
        {
            archive.WriteByte(0);
        }
    }
}
