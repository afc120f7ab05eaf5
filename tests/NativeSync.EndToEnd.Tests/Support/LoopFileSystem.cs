using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>A fresh file system of some type in an image file, mounted for as long as this lives.</summary>
internal sealed class LoopFileSystem : IAsyncDisposable
{
    private readonly string _image;

    private LoopFileSystem(string image, string path)
    {
        _image = image;
        Path = path;
    }

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Makes and mounts one.</summary>
    /// <param name="type">ext4, xfs (the one with project ids), btrfs or tmpfs.</param>
    public static async Task<LoopFileSystem> MountAsync(string type)
    {
        string path = $"/tmp/nativesync-{type}-{System.IO.Path.GetRandomFileName()}";
        LoopFileSystem made = new(path + ".img", path);
        try
        {
            string mount = type == "tmpfs"
                ? $"mount -t tmpfs -o size=64m nativesync-test '{path}'"
                : $"truncate -s 320M '{made._image}'; mkfs.{type} -q '{made._image}'; mount -o loop '{made._image}' '{path}'";
            await Command.ShellAsync($"mkdir '{path}'; {mount}; chmod 755 '{path}'");
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync() => await Command.RunAsync(
        ["/bin/sh", "-c", $"if mountpoint -q '{Path}'; then chattr -R -i -a '{Path}' 2>/dev/null; umount '{Path}' || umount -l '{Path}'; fi; rmdir '{Path}'; rm -f '{_image}'"]);
}
