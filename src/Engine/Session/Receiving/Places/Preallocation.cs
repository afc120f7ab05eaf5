using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>--preallocate: the room of a file is reserved before it is written, so that a full disk shows at once.</summary>
internal static class Preallocation
{
    /// <summary>0, also where the file system cannot; or -errno. With --sparse nothing is reserved, for holes shall stay holes.</summary>
    public static int Reserve(SyncContext context, int fd, long size)
    {
        if (size == 0 || !context.Has(JobFlags.Preallocate) || context.Has(JobFlags.Sparse))
        {
            return 0;
        }

        var error = context.Io.Allocate(fd, AllocateMode.KeepSize, 0, size);
        return error is -Errno.ENOSPC or -Errno.EDQUOT or -Errno.EFBIG ? error : 0;
    }
}
