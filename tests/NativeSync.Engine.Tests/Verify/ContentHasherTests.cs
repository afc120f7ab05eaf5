using System.IO.Hashing;
using FsCheck.Xunit;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Verify;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Verify;

public sealed class ContentHasherTests
{
    private static readonly LinuxSystemCalls Io = LinuxSystemCalls.Instance;

    /// <summary>Pieces of data and holes, in units of 4 KiB, with an odd tail.</summary>
    [Property(MaxTest = 40)]
    public void HolesHashLikeTheZerosTheyStandFor(ushort seed, byte pieces, ushort tail)
    {
        using TemporaryTree tree = new("/dev/shm");
        Random random = new(seed);
        int fd = TemporaryTree.Check(Io.OpenAt(tree.Handle, "f"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x180));
        long at = 0;
        for (int i = 0; i < pieces % 8; i++)
        {
            int length = random.Next(1, 200) * 4096;
            if (random.Next(2) == 0)
            {
                byte[] data = new byte[length];
                random.NextBytes(data);
                Assert.Equal(length, Io.WriteAt(fd, data, at));
            }

            at += length;
        }

        Assert.Equal(0, Io.Truncate(fd, at + tail));
        byte[] all = new byte[at + tail];
        int read = 0;
        while (read < all.Length)
        {
            read += (int)Io.ReadAt(fd, all.AsSpan(read), read);
        }

        UInt128 expected = XxHash128.HashToUInt128(all);
        FaultySystemCalls slow = new(Io) { ShortTransfers = 7777 };
        foreach (ISystemCalls io in (ISystemCalls[])[Io, slow])
        {
            ContentHasher hasher = new(io);
            Assert.Equal(0, hasher.Hash(fd, sparse: true, out UInt128 sparse, default));
            Assert.Equal(0, hasher.Hash(fd, sparse: false, out UInt128 dense, default));
            Assert.Equal(expected, sparse);
            Assert.Equal(expected, dense);
            Assert.Equal(2 * all.Length, hasher.Hashed);
        }

        Io.Close(fd);
    }

    [Fact]
    public void AReadErrorIsTheResult()
    {
        using TemporaryTree tree = new();
        tree.File("f"u8, new byte[3_000_000]);
        int fd = TemporaryTree.Check(Io.OpenAt(tree.Handle, "f"u8, OpenFlags.Read));
        ContentHasher hasher = new(new FaultySystemCalls(Io).FailNth(SystemCall.ReadAt, 2, Errno.EIO));
        Assert.Equal(-Errno.EIO, hasher.Hash(fd, sparse: false, out _, default));
        Io.Close(fd);
    }
}
