using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Native;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class DirectoryScannerTests
{
    private const ScanFields All = ScanFields.LinkTargets | ScanFields.Xattrs | ScanFields.Acls | ScanFields.FileFlags;

    /// <summary>The kernel as it is, and with everything newer than 2.6.32 taken away.</summary>
    public static TheoryData<bool> Kernels => [false, true];

    private static LinuxSystemCalls Io(bool old) => old ? new LinuxSystemCalls(KernelSupport.Oldest) : LinuxSystemCalls.Instance;

    [Theory]
    [MemberData(nameof(Kernels))]
    public void NastyNamesComeBackByteForByteInOrder(bool old)
    {
        using TemporaryTree tree = new();
        byte[][] names =
        [
            "plain"u8.ToArray(), "new\nline"u8.ToArray(), "-rf"u8.ToArray(), [0xC4, 0xE3, 0xBA, 0xC3], [0xFF], [1], "..."u8.ToArray(), " "u8.ToArray(),
            [.. Enumerable.Repeat((byte)'x', 255)], "plain2"u8.ToArray(), "plain-longer-than-eight"u8.ToArray(), "plain-longer-than-eigh"u8.ToArray(),
            "\"quo'te\\"u8.ToArray(), "\u202egnp.exe"u8.ToArray(),
        ];
        foreach (byte[] name in names)
        {
            tree.File(name, name);
        }

        DirectoryListing listing = new();
        Assert.Equal(0, new DirectoryScanner(Io(old)).Scan(tree.Handle, All, listing));

        byte[][] expected = [.. names.Order(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)))];
        Assert.Equal(expected, Enumerable.Range(0, listing.Count).Select(i => listing.Name(i).ToArray()));
        Assert.False(listing.Incomplete);
        for (int i = 0; i < listing.Count; i++)
        {
            Assert.Equal(i, listing.Find(listing.Name(i)));
            Assert.Equal(listing.Name(i).Length, listing.Metadata(i).Size);
        }

        Assert.Equal(~0, listing.Find([0]));
        Assert.Equal(~names.Length, listing.Find([0xFF, 0xFF]));
    }
}
