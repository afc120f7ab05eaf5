using System.IO.Compression;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>What is found in images as the distributions pack them, and what damage does.</summary>
public sealed class InitramfsImageTests
{
    private static readonly byte[] Microcode = [.. Cpio.Of("kernel/x86/microcode/GenuineIntel.bin"), .. new byte[512]];
    private static readonly byte[] Main = Cpio.Of("init", "usr/lib/modules/6.1.0/kernel/drivers/block/virtio_blk.ko", "lib/modules/6.1.0/kernel/drivers/virtio/virtio-pci.ko.zst");

    public static TheoryData<string, byte[]> Packings => new()
    {
        { "plain", Main },
        { "gzip", Gzip(Main) },
        { "zstd", Zstd(Main) },
        { "microcode, plain", [.. Microcode, .. Main] },
        { "microcode, gzip", [.. Microcode, .. Gzip(Main)] },
        { "microcode, zstd", [.. Microcode, .. Zstd(Main)] },
        { "two archives", [.. Microcode, .. Cpio.Of("etc"), .. Main] },
    };

    [Theory]
    [MemberData(nameof(Packings))]
    public void ModulesAreFoundHoweverTheImageIsPacked(string packing, byte[] image)
    {
        Assert.NotEmpty(packing);
        Assert.True(Holds(image, "virtio_blk", "virtio_pci"));
        Assert.False(Holds(image, "virtio_blk", "virtio_net"));
    }

    [Fact]
    public void WhatCannotBeLookedIntoIsNotTakenForMissing()
    {
        Assert.Null(Holds([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 1, 2, 3], "virtio_blk"));
        Assert.Null(Holds([.. Microcode, 2, 0x21, 0x4C, 0x18, 0, 0, 0, 0], "virtio_blk"));
        Assert.False(Holds([], "virtio_blk"));
    }

    [Fact]
    public void NoDamageDoesMoreThanSayThatItIsNotKnown()
    {
        Random random = new(20260501);
        foreach (byte[] image in Packings.Select(row => (byte[])row[1]))
        {
            for (int i = 0; i < 300; i++)
            {
                byte[] damaged = [.. image[..random.Next(image.Length + 1)]];
                for (int b = 0; b < 3 && damaged.Length > 0; b++)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                Assert.True(Holds(damaged, "virtio_blk", "absent") is null or false);
            }
        }
    }

    private static bool? Holds(byte[] image, params string[] modules) => InitramfsImage.Holds(new MemoryStream(image), modules);

    private static byte[] Gzip(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private static byte[] Zstd(byte[] content)
    {
        using ZstdSharp.Compressor compressor = new(3);
        return compressor.Wrap(content).ToArray();
    }
}
