using System.Diagnostics;
using NativeSync.TestKit.Trees;

namespace NativeSync.TestKit.Machines;

/// <summary>
/// A mounted file system on a disk of which one can ask, at any moment, what would be left if the power went now: what was flushed, and
/// of what was written since, what a seed says. <c>tests/tools/powercut.c</c> is the disk, a FUSE file below a loop device. Where the
/// kernel has no FUSE the disk takes every write at once, which shows less and still shows what the file system had not written.
/// </summary>
public sealed class PowerCutDisk : IAsyncDisposable
{
    /// <summary>The least that an XFS wants; a file with holes.</summary>
    private const long Size = 300L << 20;

    private readonly string _image;
    private readonly string _below;
    private readonly Process? _disk;
    private string? _device;
    private bool _isMounted;

    private PowerCutDisk(Scratch scratch, Process? disk)
    {
        _image = scratch["disk.img"];
        _below = scratch["disk"];
        MountPoint = scratch["mounted"];
        _disk = disk;
    }

    /// <summary>Where it is mounted.</summary>
    public string MountPoint { get; }

    /// <summary>Makes a disk with a new file system of that kind (ext4, xfs, btrfs) and mounts it below the scratch directory.</summary>
    public static async Task<PowerCutDisk> MountAsync(Scratch scratch, string fileSystem)
    {
        Directory.CreateDirectory(scratch["disk"]);
        Directory.CreateDirectory(scratch["mounted"]);
        using (FileStream image = File.Create(scratch["disk.img"]))
        {
            image.SetLength(Size);
        }

        (await Command.RunAsync([$"mkfs.{fileSystem}", "-q", scratch["disk.img"]])).MustExit(0);
        PowerCutDisk disk = new(scratch, await StartAsync(scratch));
        try
        {
            string below = disk._disk is null ? disk._image : Path.Combine(disk._below, "disk");
            disk._device = (await Command.RunAsync(["losetup", "--find", "--show", below])).MustExit(0).Output.Trim();
            (await Command.RunAsync(["mount", "-t", fileSystem, disk._device, disk.MountPoint])).MustExit(0);
            disk._isMounted = true;
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>Mounts what a cut left, as after the next start; gives back how to unmount it.</summary>
    public static async Task<IAsyncDisposable> MountImageAsync(string image, string at)
    {
        Directory.CreateDirectory(at);
        // All images of one disk have one UUID, and XFS may still be about to let go of the one before.
        byte[] magic = new byte[4];
        using (FileStream start = File.OpenRead(image))
        {
            start.ReadExactly(magic);
        }

        (await Command.RunAsync(["mount", "-o", magic.AsSpan().SequenceEqual("XFSB"u8) ? "loop,nouuid" : "loop", image, at])).MustExit(0);
        return new Mounted(at);
    }

    /// <summary>The power goes now: what the disk has is written to a file. The disk itself goes on. Seed 0: nothing that was not flushed.</summary>
    public void Cut(string image, ulong seed)
    {
        if (_disk is null)
        {
            using Process copy = Process.Start("cp", ["--sparse=always", _image, image]);
            copy.WaitForExit();
            return;
        }

        _disk.StandardInput.WriteLine($"cut {image} {seed}");
        _disk.StandardInput.Flush();
        if (_disk.StandardOutput.ReadLine()?.StartsWith("cut ", StringComparison.Ordinal) != true)
        {
            throw new InvalidOperationException("the disk gave no image of itself");
        }
    }

    /// <summary>Unmounts it; images that were cut stay.</summary>
    public async Task UnmountAsync()
    {
        if (_isMounted)
        {
            (await Command.RunAsync(["umount", MountPoint])).MustExit(0);
            _isMounted = false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isMounted)
        {
            await Command.RunAsync(["umount", "-l", MountPoint]);
        }

        if (_device is not null)
        {
            await Command.RunAsync(["losetup", "-d", _device]);
        }

        if (_disk is { } disk)
        {
            disk.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await disk.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                // Something still holds the file: without its server nothing can.
                disk.Kill();
            }

            disk.Dispose();
        }
    }

    /// <summary>Null only where the kernel has no FUSE: a disk that fails otherwise fails the test.</summary>
    private static async Task<Process?> StartAsync(Scratch scratch)
    {
        try
        {
            File.OpenHandle("/dev/fuse", FileMode.Open, FileAccess.ReadWrite).Dispose();
        }
        catch (IOException)
        {
            return null;
        }

        Process disk = Process.Start(Command.StartInfo([await TestTool.CompileAsync("powercut"), scratch["disk.img"], scratch["disk"]]))!;
        if (await disk.StandardOutput.ReadLineAsync() == "ready")
        {
            return disk;
        }

        disk.StandardInput.Close();
        string complaint = await disk.StandardError.ReadToEndAsync();
        disk.Dispose();
        throw new InvalidOperationException("the disk that forgets does not start: " + complaint);
    }

    private sealed class Mounted(string at) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => (await Command.RunAsync(["umount", at])).MustExit(0);
    }
}
