using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>Where there is no room for one entry there is none for the others: the session ends, and says which file system it is.</summary>
internal sealed class FullDisk(SyncContext context, DestinationRoot root)
{
    /// <summary>Ends the session when that is what is wrong.</summary>
    /// <param name="error">-errno of what was attempted.</param>
    /// <param name="path">What it was attempted for, relative to the destination.</param>
    /// <param name="size">Bytes of it.</param>
    /// <param name="written">Of them, bytes that are there already.</param>
    /// <exception cref="SessionException">11: full, or over quota.</exception>
    public void ThrowIf(int error, byte[] path, long size, long written = 0)
    {
        if (error is not (-Errno.ENOSPC or -Errno.EDQUOT) || context.Has(JobFlags.DryRun))
        {
            return;
        }

        FileStatus there = default;
        var known = context.Io.StatFollowing(root.Fd, path.AsSpan(0, Math.Max(0, path.AsSpan().LastIndexOf((byte)'/'))) is { IsEmpty: false } above ? above : "."u8, out there) >= 0;
        var name = known ? MountOf(there.Device) : null;
        name ??= $"the file system of \"{ByteText.Escape(root.Path)}\"";
        var what = error == -Errno.EDQUOT ? "the quota is used up" : "no space left";
        var left = 0L;
        if (context.Io.StatFileSystem(root.Fd, out var status) >= 0)
        {
            left = (long)status.AvailableBlocks * status.BlockSize;
            if (error == -Errno.ENOSPC && status is { Files: > 0, FreeFiles: 0 })
            {
                what = "no inodes left";
                size = 0;
            }
        }

        throw new SessionException(ExitCodes.FileIo,
            $"{what} at the destination on {name} while writing \"{ByteText.Escape(path)}\"{More(size, written, error == -Errno.EDQUOT ? 0 : left)} ({Errno.Describe(-error)}); make room there and run again: what is complete stays, and what came of this file is kept if it is large");
    }

    /// <summary>What is set aside for root counts as free to it, and more than this file may come. What old files and deltas give is not known.</summary>
    private string More(long size, long written, long left)
    {
        if (size <= written)
        {
            return "";
        }

        var one = Math.Max(size - written - left, 1);
        var known = context.Progress.Snapshot(0);
        var all = known.TotalBytes - known.Bytes - left;
        return string.Create(CultureInfo.InvariantCulture, $", and for this file alone {one} bytes more are needed") + (all > one ? string.Create(CultureInfo.InvariantCulture, $", for all that is known to be missing up to {all}") : "");
    }

    /// <summary>A mounted file system as people know it; null when the kernel's table does not say.</summary>
    private string? MountOf(ulong device)
    {
        var number = string.Create(CultureInfo.InvariantCulture, $"{device >> 32}:{device & uint.MaxValue}");
        string? best = null;
        foreach (var line in Encoding.Latin1.GetString(ReadMounts()).Split('\n'))
        {
            // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS … - TYPE SOURCE …
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash > 5 && dash + 2 < fields.Length && fields[2] == number && (best is null || IsAbove(fields[4])))
            {
                best = $"{Shown(fields[4])} ({Shown(fields[dash + 2])}, {fields[dash + 1]})";
            }
        }

        return best;
    }

    private byte[] ReadMounts()
    {
        var fd = context.Io.OpenPath("/proc/self/mountinfo"u8, OpenFlags.Read);
        if (fd < 0)
        {
            return [];
        }

        var text = new byte[1 << 20];
        var length = 0;
        while (length < text.Length && context.Io.Read(fd, text.AsSpan(length)) is > 0 and var count)
        {
            length += (int)count;
        }

        context.Io.Close(fd);
        return text[..length];
    }

    private static string Shown(string field) => ByteText.Escape(Encoding.Latin1.GetBytes(field));

    /// <summary>Of several mounts of one file system the one that the destination was named by.</summary>
    private bool IsAbove(string mountPoint) => root.Path.AsSpan().StartsWith(Encoding.Latin1.GetBytes(mountPoint));
}
