using System.Buffers;

namespace NativeSync.Engine.Buffers;

/// <summary>
/// Where the buffers of packs come from, for all sessions of the process. Those of a pack's length do not come of <see cref="ArrayPool{T}.Shared"/>: it keeps
/// one for every thread that gave one back, and lets go of what comes back in dozens when a line confirms it. Packs are rented by one thread and given back by
/// another, so that both happened, and at 200 Mbit/s and 200 ms half of 150 MiB were arrays that nobody used.
/// </summary>
internal static class PackBuffers
{
    /// <summary>Bytes of a buffer that takes a usual pack, and of those that frames share.</summary>
    public const int UsualLength = 512 * 1024;

    /// <summary>Up to here an array is no large object, and the shared pool good enough.</summary>
    public const int Small = 64 * 1024;

    /// <summary>So many are kept for whoever comes next: what a long line has under way.</summary>
    private const int MostFree = 48;

    private static readonly Stack<byte[]> s_free = new();
    private static int s_users;

    /// <summary>At least so many bytes, with whatever they held.</summary>
    public static byte[] Rent(int length)
    {
        if (length is <= Small or > UsualLength)
        {
            return ArrayPool<byte>.Shared.Rent(length);
        }

        lock (s_free)
        {
            if (s_free.TryPop(out var buffer))
            {
                return buffer;
            }
        }

        return GC.AllocateUninitializedArray<byte>(UsualLength);
    }

    /// <summary>A session begins: from now on buffers that come back are kept.</summary>
    public static void Open()
    {
        lock (s_free)
        {
            s_users++;
        }
    }

    /// <summary>It has ended; with the last one go all that are free.</summary>
    public static void Close()
    {
        lock (s_free)
        {
            if (--s_users == 0)
            {
                s_free.Clear();
            }
        }
    }

    /// <summary>Gives back what <see cref="Rent"/> gave.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length != UsualLength)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        lock (s_free)
        {
            if (s_users > 0 && s_free.Count < MostFree)
            {
                s_free.Push(buffer);
            }
        }
    }
}
