using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.Compression;

/// <summary>What the calling thread has had of the processors: on a busy machine less than the time that has passed.</summary>
internal static unsafe class ThreadTime
{
    private const int CLOCK_THREAD_CPUTIME_ID = 3;

    /// <summary>Seconds.</summary>
    public static double Now
    {
        get
        {
            TimeSpecification time;
            _ = LibC.clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); // Linux has it since 2.6.12; it cannot fail
            return time.Seconds + (time.Nanoseconds / 1e9);
        }
    }
}
