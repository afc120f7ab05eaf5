using System.Runtime.InteropServices;
using System.Text;

namespace NativeSync.TestKit.Trees;

/// <summary>
/// The few system calls that building an awkward tree needs, on absolute byte paths. It shares nothing with the
/// engine's file-system layer, so that a mistake there cannot hide in the trees that judge it.
/// </summary>
/// <remarks>Every call throws <see cref="IOException"/> with call, path and errno: a tree that could not be built proves nothing.</remarks>
public static partial class RawFiles
{
    public const uint Fifo = 0x1000;
    public const uint CharacterDevice = 0x2000;
    public const uint Directory = 0x4000;
    public const uint BlockDevice = 0x6000;
    public const uint Regular = 0x8000;
    public const uint Socket = 0xC000;

    private const int WriteCreate = 0x1 | 0x40 | 0x80000;
    private const int Truncating = 0x200;
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;

    /// <summary>Bytes of a path or name given as text, UTF-8.</summary>
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Directory, slash, name.</summary>
    public static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) => [.. directory, (byte)'/', .. name];

    public static void MakeDirectory(byte[] path, uint mode = 0x1ED)
    {
        Check(mkdir(Terminated(path), mode), nameof(mkdir), path);
        ChangeMode(path, mode);
    }

    public static void MakeNode(byte[] path, uint typeAndMode, uint major = 0, uint minor = 0) =>
        Check(mknod(Terminated(path), typeAndMode, ((ulong)(major & 0xFFF) << 8) | (minor & 0xFF) | ((ulong)(minor & 0xFFFFFF00) << 12)), nameof(mknod), path);

    public static void SymbolicLink(byte[] target, byte[] path) => Check(symlink(Terminated(target), Terminated(path)), nameof(symlink), path);

    public static void HardLink(byte[] existing, byte[] path) => Check(link(Terminated(existing), Terminated(path)), nameof(link), path);

    public static void Rename(byte[] from, byte[] to) => Check(rename(Terminated(from), Terminated(to)), nameof(rename), from);

    public static void Unlink(byte[] path) => Check(unlink(Terminated(path)), nameof(unlink), path);

    public static void RemoveDirectory(byte[] path) => Check(rmdir(Terminated(path)), nameof(rmdir), path);

    public static void ChangeMode(byte[] path, uint mode) => Check(chmod(Terminated(path), mode), nameof(chmod), path);

    public static void ChangeOwner(byte[] path, uint user, uint group) => Check(lchown(Terminated(path), user, group), nameof(lchown), path);

    public static void SetAttribute(byte[] path, string name, ReadOnlySpan<byte> value) =>
        Check(lsetxattr(Terminated(path), Terminated(Bytes(name)), value, (nuint)value.Length, 0), nameof(lsetxattr) + " " + name, path);

    /// <summary>Sets the modification time of the entry itself, a link's own included; the access time gets the same.</summary>
    public static void SetModified(byte[] path, long seconds, long nanoseconds = 0) =>
        Check(utimensat(CurrentDirectory, Terminated(path), [seconds, nanoseconds, seconds, nanoseconds], NoFollow), nameof(utimensat), path);

    /// <summary>Makes or replaces the content of a file in place, keeping its inode if it is there.</summary>
    public static void WriteFile(byte[] path, ReadOnlySpan<byte> content, uint mode = 0x1A4)
    {
        int file = Check(open(Terminated(path), WriteCreate | Truncating, mode), nameof(open), path);
        WriteAt(file, path, content, 0);
        close(file);
    }

    /// <summary>Writes into a file at an offset; what lies between its end and the offset becomes a hole.</summary>
    public static void WriteInto(byte[] path, ReadOnlySpan<byte> content, long offset)
    {
        int file = Check(open(Terminated(path), WriteCreate, 0x1A4), nameof(open), path);
        WriteAt(file, path, content, offset);
        close(file);
    }

    /// <summary>Sets the length; growth is a hole.</summary>
    public static void SetLength(byte[] path, long length) => Check(truncate(Terminated(path), length), nameof(truncate), path);

    private static void WriteAt(int file, byte[] path, ReadOnlySpan<byte> content, long offset)
    {
        while (content.Length > 0)
        {
            int written = (int)pwrite(file, content, (nuint)content.Length, offset);
            Check(written, nameof(pwrite), path);
            content = content[written..];
            offset += written;
        }
    }

    private static byte[] Terminated(byte[] path) => [.. path, 0];

    private static int Check(int result, string call, byte[] path) => result >= 0
        ? result
        : throw new IOException($"{call} {Encoding.Latin1.GetString(path)}: errno {Marshal.GetLastPInvokeError()}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mknod(byte[] path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlink(byte[] target, byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int link(byte[] existing, byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rename(byte[] from, byte[] to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlink(byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rmdir(byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int chmod(byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lchown(byte[] path, uint user, uint group);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lsetxattr(byte[] path, byte[] name, ReadOnlySpan<byte> value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(int directory, byte[] path, long[] times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte[] path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int file, ReadOnlySpan<byte> content, nuint size, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int truncate(byte[] path, long length);
}
