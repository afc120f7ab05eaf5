using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Rehearse;

/// <summary>An open directory of the sample, for what .NET's file functions cannot make.</summary>
internal sealed class SampleDirectory : IDisposable
{
    public SampleDirectory(string path)
    {
        Fd = Io.OpenPath(Encoding.UTF8.GetBytes(path), OpenFlags.Read | OpenFlags.Directory);
        if (Fd < 0)
        {
            throw new IOException($"{path} cannot be opened: {Errno.Describe(-Fd)}");
        }
    }

    public ISystemCalls Io { get; } = LinuxSystemCalls.Instance;

    public int Fd { get; }

    public void Dispose() => Io.Close(Fd);

    public void Text(string name, string content) => Bytes(Encoding.UTF8.GetBytes(name), content);

    public void Bytes(ReadOnlySpan<byte> name, string content)
    {
        int fd = Io.OpenAt(Fd, name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, 0x1A4);
        if (fd < 0)
        {
            throw new IOException($"a sample file cannot be made: {Errno.Describe(-fd)}");
        }

        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes(content);
            nint written = Io.Write(fd, bytes);
            if (written != bytes.Length)
            {
                throw new IOException("a sample file cannot be written: the disk is full");
            }
        }
        finally
        {
            Io.Close(fd);
        }
    }

    /// <summary>Notes what this user or this file system cannot make.</summary>
    public void Do(string what, int result, List<string> missing)
    {
        _ = this;
        if (result < 0)
        {
            missing.Add($"{what} ({Errno.Describe(-result)})");
        }
    }
}
