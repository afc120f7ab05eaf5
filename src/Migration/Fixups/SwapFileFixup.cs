using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// Swap files, which are not carried: made anew in the source's sizes, without holes. Needs no mkswap: the header is a version,
/// a size and a signature at the end of the first page.
/// </summary>
internal sealed class SwapFileFixup : IFixup
{
    private const int Page = 4096;

    public string Name => "swap-files";

    public string Purpose => "swap files of the source's sizes; their contents are not carried";

    public void Plan(FixupContext context)
    {
        foreach (SwapFile file in context.Facts.SwapFiles)
        {
            string name = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(file.Path.TrimStart('/')));
            if (file.Bytes >= 10 * Page && context.Tree.Kind(name) == RootEntryKind.None)
            {
                context.Run(new RootCommand(Script(file, context.Facts), $"make the swap file {file.Path}") { Outside = true });
            }
        }
    }

    private static string Script(SwapFile file, FixupFacts facts)
    {
        FixupFileSystem? around = facts.FileSystems.Where(f => f.MountPoint is "/" or "swap" ? f.MountPoint == "/" : file.Path.StartsWith(f.MountPoint + "/", StringComparison.Ordinal)).MaxBy(static f => f.MountPoint.Length);
        string place = around is { MountPoint: not "/", Path: { } mounted }
            ? Shell.Quote(mounted.TrimEnd('/') + file.Path[around.MountPoint.Length..])
            : "\"$ROOT\"" + Shell.Quote(file.Path);
        long pages = file.Bytes / Page;
        byte[] header = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), (uint)(pages - 1));
        string octal = string.Concat(header.Select(static b => "\\" + Convert.ToString(b, 8).PadLeft(3, '0')));

        // What fallocate(1) leaves counts as holes for the XFS of old kernels.
        string allocate = around?.Type == "xfs" ? "false" : string.Create(CultureInfo.InvariantCulture, $"fallocate -l {pages * Page} \"$f\" 2>/dev/null");
        return string.Create(CultureInfo.InvariantCulture, $$"""
            f={{place}}
            [ ! -e "$f" ] || exit 0
            umask 077
            { : >"$f" && { chattr +C "$f" 2>/dev/null || :; } && { {{allocate}} || dd if=/dev/zero of="$f" bs={{Page}} count={{pages}} 2>/dev/null; } \
              && printf '{{octal}}' | dd of="$f" bs=1024 seek=1 conv=notrunc 2>/dev/null && printf SWAPSPACE2 | dd of="$f" bs=1 seek={{Page - 10}} conv=notrunc 2>/dev/null; } || { rm -f "$f"; exit 1; }
            """);
    }
}
