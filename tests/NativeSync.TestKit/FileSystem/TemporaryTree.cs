using System.Diagnostics;
using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.TestKit.FileSystem;

/// <summary>
/// A directory of its own, held by a handle, removed afterwards with whatever is in it (also read-only and immutable things, when
/// root). On the disk's file system by default, or below another base such as /dev/shm.
/// </summary>
public sealed class TemporaryTree : IDisposable
{
    private static readonly LinuxSystemCalls Io = LinuxSystemCalls.Instance;

    public TemporaryTree(string basePath = "/tmp")
    {
        Path = $"{basePath}/nativesync-test-{Guid.NewGuid():N}";
        Directory.CreateDirectory(Path);
        Handle = Check(Io.OpenPath(Encoding.UTF8.GetBytes(Path), OpenFlags.Read | OpenFlags.Directory), Path);
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>The path as bytes.</summary>
    public byte[] PathBytes => Encoding.UTF8.GetBytes(Path);

    /// <summary>An open handle on the directory; owned by this object.</summary>
    public int Handle { get; }

    /// <summary>Creates or replaces a file directly in the tree.</summary>
    public void File(ReadOnlySpan<byte> name, ReadOnlySpan<byte> content = default, uint mode = 0x1A4)
    {
        int fd = Check(Io.OpenAt(Handle, name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Truncate, mode), Encoding.Latin1.GetString(name));
        while (!content.IsEmpty)
        {
            content = content[(int)Io.Write(fd, content)..];
        }

        Io.Close(fd);
    }

    /// <summary>Runs a bash script in the tree and returns what it prints; a failing command is an exception.</summary>
    public string Shell(string script)
    {
        ProcessStartInfo start = new("/bin/bash", ["--norc", "-euc", "umask 022\n" + script]) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = Path };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new IOException($"exit {process.ExitCode}: {errors.GetAwaiter().GetResult()}");
    }

    /// <summary>The result, or an exception that names the errno.</summary>
    public static int Check(int result, string what = "") =>
        result >= 0 ? result : throw new IOException($"{what}: {Errno.Name(-result)} ({Errno.Describe(-result)})");

    public void Dispose()
    {
        Io.Close(Handle);
        Remove(-100, Encoding.UTF8.GetBytes(Path));
    }

    private static void Remove(int dirfd, byte[] name)
    {
        int fd = dirfd == -100 ? Io.OpenPath(name, OpenFlags.Read | OpenFlags.Directory) : Io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0 && dirfd != -100 && Io.ChangeModeAt(dirfd, name, 0x1C0) == 0)
        {
            fd = Io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.Directory);
        }

        if (fd >= 0)
        {
            Io.ChangeMode(fd, 0x1C0);
            DirectoryListing listing = new();
            new DirectoryScanner(Io).Scan(fd, ScanFields.None, listing);
            for (int i = 0; i < listing.Count; i++)
            {
                if (listing.Metadata(i).IsDirectory)
                {
                    Remove(fd, listing.Name(i).ToArray());
                }
                else
                {
                    Io.UnlinkAt(fd, listing.Name(i), directory: false);
                }
            }

            Io.Close(fd);
        }

        if (dirfd == -100)
        {
            Directory.Delete(Encoding.UTF8.GetString(name));
        }
        else
        {
            Io.UnlinkAt(dirfd, name, directory: true);
        }
    }
}
