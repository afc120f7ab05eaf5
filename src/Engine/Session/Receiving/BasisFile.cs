using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// What a delta is made against: one open file, or what an interrupted run left of the new one, with the old one behind it: what
/// had not come yet then is most likely where it was.
/// </summary>
/// <param name="Fd">The file, or -errno.</param>
/// <param name="Length">Bytes of both together.</param>
/// <param name="TailFd">What is behind it; negative for nothing.</param>
/// <param name="TailFrom">The offset, of both files, from which on the other counts.</param>
internal readonly record struct BasisFile(int Fd, long Length = 0, int TailFd = -1, long TailFrom = 0)
{
    /// <summary>Reads of <see cref="Fd"/> by offset read the basis through these.</summary>
    public ISystemCalls Through(ISystemCalls io) => TailFd < 0 ? io : new Spliced(io, this);

    /// <summary>The same with handles of its own; the first of them is -errno when there are none.</summary>
    public BasisFile Duplicate(ISystemCalls io)
    {
        var fd = io.Duplicate(Fd);
        var tail = TailFd < 0 || fd < 0 ? -1 : io.Duplicate(TailFd);
        if (TailFd < 0 || fd < 0 || tail >= 0)
        {
            return this with { Fd = fd, TailFd = tail };
        }

        io.Close(fd);
        return new BasisFile(tail);
    }

    public void Close(ISystemCalls io)
    {
        if (Fd >= 0)
        {
            io.Close(Fd);
        }

        if (TailFd >= 0)
        {
            io.Close(TailFd);
        }
    }

    private sealed class Spliced(ISystemCalls inner, BasisFile basis) : SystemCallsDecorator(inner)
    {
        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            if (fd != basis.Fd)
            {
                return Inner.ReadAt(fd, buffer, offset);
            }

            if (offset >= basis.TailFrom)
            {
                return Inner.ReadAt(basis.TailFd, buffer, offset);
            }

            return Inner.ReadAt(fd, buffer[..(int)Math.Min(buffer.Length, basis.TailFrom - offset)], offset);
        }
    }
}
