using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// A directory of a tree and a link to a place outside, which change places in one step (RENAME_EXCHANGE): what somebody does who may
/// write there while a transfer runs.
/// </summary>
internal sealed class LinkSwap
{
    private readonly byte[] _directory;
    private readonly byte[] _link;

    /// <param name="directory">The directory; it may come into being later.</param>
    /// <param name="link">Where the link is put, on the same file system and outside of every tree.</param>
    /// <param name="outside">Where it leads.</param>
    public LinkSwap(string directory, string link, string outside)
    {
        _directory = FaultGround.Bytes(directory);
        _link = FaultGround.Bytes(link);
        Directory.Delete(link);
        File.CreateSymbolicLink(link, outside);
    }

    /// <summary>How often it was done.</summary>
    public int Count { get; private set; }

    /// <summary>Exchanges both; nothing where there is no directory yet.</summary>
    public void Do()
    {
        var io = LinuxSystemCalls.Instance;
        var (one, other) = (Parent(_directory, out var name), Parent(_link, out var linkName));
        if (one >= 0 && other >= 0 && io.RenameAt(one, name, other, linkName, RenameFlags.Exchange) >= 0)
        {
            Count++;
        }

        Close(one);
        Close(other);
    }

    /// <summary>A system in which it is done just before one call, and undone before another.</summary>
    public FaultySystemCalls At(long call, long back) => new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
        info =>
        {
            if (info.Index == call || info.Index == back)
            {
                Do();
            }

            return false;
        },
        Errno.EIO);

    private static int Parent(byte[] path, out byte[] name)
    {
        var slash = path.AsSpan().LastIndexOf((byte)'/');
        name = path[(slash + 1)..];
        return LinuxSystemCalls.Instance.OpenPath(path.AsSpan(0, slash), OpenFlags.Read | OpenFlags.Directory);
    }

    private static void Close(int fd)
    {
        if (fd >= 0)
        {
            LinuxSystemCalls.Instance.Close(fd);
        }
    }
}
