using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Digests;

/// <summary>
/// A use of an index: both ends may be in one process, and then share it. The last one writes its file, when there is something new; where
/// that fails, the next run reads again.
/// </summary>
internal sealed class SharedDigests : IDisposable
{
    private static readonly Lock Gate = new();
    private static readonly List<SharedDigests> All = [];

    private readonly ISystemCalls _io;
    private readonly TimeProvider _clock;
    private readonly byte[] _path;

    private SharedDigests(ISystemCalls io, TimeProvider clock, byte[] path, DigestIndex index)
    {
        _io = io;
        _clock = clock;
        _path = path;
        Index = index;
    }

    public DigestIndex Index { get; }

    /// <summary>null when there is no path.</summary>
    /// <exception cref="SessionException">11: it cannot be used.</exception>
    public static SharedDigests? Open(ISystemCalls io, TimeProvider clock, byte[]? path)
    {
        if (path is not { Length: > 0 })
        {
            return null;
        }

        lock (Gate)
        {
            var known = All.Find(use => use._path.AsSpan().SequenceEqual(path));
            var use = new SharedDigests(io, clock, path, known?.Index ?? DigestIndexFile.Read(io, clock, path));
            All.Add(use);
            return use;
        }
    }

    public void Dispose()
    {
        lock (Gate)
        {
            if (All.Remove(this) && !All.Exists(use => use.Index == Index) && Index.IsChanged)
            {
                DigestIndexFile.Write(_io, _clock, _path, Index);
            }
        }
    }
}
