using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Following;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// A directory that the operator named, as the path says: links in it are followed, as far as it is the operator's. Held open
/// where handles suffice, so that what is renamed meanwhile stays the same directory.
/// </summary>
internal sealed class SourcePlace(ISystemCalls io, byte[] path) : IDisposable
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    private int _held = -1;
    private byte[]? _realPath;

    /// <summary>The path; "." for the working directory.</summary>
    public byte[] Path { get; } = path;

    /// <summary>The path without links, as the kernel knows it; empty when it cannot be told.</summary>
    public byte[] RealPath => _realPath ??= FindRealPath();

    /// <summary>Keeps it open.</summary>
    public void Hold()
    {
        if (_held < 0)
        {
            _held = Math.Max(-1, io.OpenPath(Path, DirectoryFlags));
        }
    }

    /// <summary>A handle on it, or -errno; given back with <see cref="Return"/>.</summary>
    public int Take() => _held >= 0 ? _held : io.OpenPath(Path, DirectoryFlags);

    public void Return(int fd)
    {
        if (fd >= 0 && fd != _held)
        {
            io.Close(fd);
        }
    }

    public void Dispose()
    {
        if (_held >= 0)
        {
            io.Close(_held);
            _held = -1;
        }
    }

    private byte[] FindRealPath()
    {
        using var handles = new FileHandles(io);
        var fd = Take();
        var path = fd < 0 ? null : handles.PathOf(fd);
        Return(fd);
        return path ?? [];
    }
}
