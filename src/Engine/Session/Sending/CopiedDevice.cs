using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Devices that travel as files of their content (--copy-devices).</summary>
internal static class CopiedDevice
{
    /// <summary>Makes regular files of the devices of a scanned directory.</summary>
    public static void Apply(ISystemCalls io, int dirfd, DirectoryListing listing)
    {
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            if (!metadata.IsDevice)
            {
                continue;
            }

            var fd = io.OpenAt(dirfd, listing.Name(i), OpenFlags.Read | OpenFlags.NonBlocking);
            metadata.Size = 0;
            if (fd >= 0)
            {
                metadata.Size = SizeOf(io, fd);
                io.Close(fd);
            }

            metadata.Mode = (metadata.Mode & ModeBits.PermissionMask) | ((uint)EntryType.Regular << 12);
            metadata.Rdev = 0;
        }
    }

    /// <summary>Looks again at what was opened: a device, which to the kernel has no length, has the one that it had.</summary>
    /// <returns>0 or a negative error number.</returns>
    public static int StatAgain(ISystemCalls io, int fd, in FileStatus before, out FileStatus after)
    {
        var error = io.Stat(fd, out after);
        if (error >= 0 && after.IsDevice)
        {
            (after.Size, after.Blocks) = (before.Size, before.Blocks);
        }

        return error;
    }

    /// <summary>Bytes of an open device; 0 for one that has no end.</summary>
    public static long SizeOf(ISystemCalls io, int fd)
    {
        var size = io.Seek(fd, 0, SeekKind.End);
        return Math.Max(0, size);
    }
}
