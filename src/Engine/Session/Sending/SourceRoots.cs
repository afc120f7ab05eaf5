using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// The sources that the operator named, opened. As in rsync, a path that ends in '/' (or is '.' or '..', or ends in '/.')
/// stands for the contents of a directory, any other for the entry itself; all of them share one virtual root.
/// </summary>
internal sealed class SourceRoots : IDisposable
{
    private readonly ISystemCalls _io;
    private readonly List<SourceRoot> _roots = [];

    private SourceRoots(ISystemCalls io) => _io = io;

    public IReadOnlyList<SourceRoot> Roots => _roots;

    /// <summary>True when there is exactly one source and it is not a directory: then the destination may be its new name.</summary>
    public bool IsSingleFile { get; private set; }

    /// <summary>What the root directory looks like, when its own attributes are transferred.</summary>
    public EntryMetadata Metadata { get; set; }

    /// <summary>Opens what can be opened; the rest is reported and left out.</summary>
    public static SourceRoots Open(ISystemCalls io, IReadOnlyList<byte[]> sources, Action<SyncProblem> report)
    {
        var opened = new SourceRoots(io);
        var single = true;
        foreach (var source in sources)
        {
            single &= opened.Add(source, report);
        }

        opened.IsSingleFile = single && sources.Count == 1 && opened._roots.Count == 1;
        return opened;
    }

    public void Dispose()
    {
        foreach (var root in _roots)
        {
            _io.Close(root.DirectoryFd);
        }
    }

    /// <returns>True when the source is not a directory.</returns>
    private bool Add(byte[] source, Action<SyncProblem> report)
    {
        const OpenFlags directory = OpenFlags.Read | OpenFlags.Directory;
        if (MeansContents(source))
        {
            var fd = _io.OpenPath(source.Length == 0 ? "."u8 : source, directory);
            if (fd < 0)
            {
                report(new SyncProblem(Operation.Open, -fd, source, OnSource: true, Warning: false));
                return false;
            }

            _roots.Add(new SourceRoot(fd, null, source));
            return false;
        }

        var (parent, name) = PathBytes.Split(source);
        var parentFd = _io.OpenPath(parent.Length == 0 ? "."u8 : parent, directory);
        if (parentFd < 0)
        {
            report(new SyncProblem(Operation.Open, -parentFd, source, OnSource: true, Warning: false));
            return false;
        }

        var error = _io.StatAt(parentFd, name, out var status);
        if (error < 0)
        {
            report(new SyncProblem(Operation.Stat, -error, source, OnSource: true, Warning: false));
            _io.Close(parentFd);
            return false;
        }

        _roots.Add(new SourceRoot(parentFd, name, parent));
        return !status.IsDirectory;
    }

    private static bool MeansContents(ReadOnlySpan<byte> path) =>
        path.IsEmpty || path[^1] == (byte)'/' || path.SequenceEqual("."u8) || path.SequenceEqual(".."u8)
        || path.EndsWith("/."u8) || path.EndsWith("/.."u8);
}

/// <summary>One source.</summary>
/// <param name="DirectoryFd">The directory whose contents are meant, or in which the named entry lies.</param>
/// <param name="Name">The entry's name; null when the directory's contents are meant.</param>
/// <param name="Path">The directory as the operator wrote it; empty for the working directory.</param>
internal sealed record SourceRoot(int DirectoryFd, byte[]? Name, byte[] Path);
