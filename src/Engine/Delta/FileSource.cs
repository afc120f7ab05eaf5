using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Delta;

/// <summary>An open file as a source, by pread; it neither owns nor moves the handle.</summary>
internal readonly struct FileSource(ISystemCalls io, int fd) : IByteSource
{
    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination) => (int)io.ReadAt(fd, destination, offset);
}
