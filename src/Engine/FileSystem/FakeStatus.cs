using System.Buffers.Text;

namespace NativeSync.Engine.FileSystem;

/// <summary>user.rsync.%stat: "MODE MAJOR,MINOR UID:GID", the mode in octal with its type, the rest in decimal.</summary>
internal static class FakeStatus
{
    private const int Room = 64;

    private static ReadOnlySpan<byte> Attribute => "user.rsync.%stat"u8;

    /// <summary>Only regular files and directories can have the attribute.</summary>
    public static bool IsPossible(in FileStatus real) => real.IsRegular || real.IsDirectory;

    /// <summary>Puts what the attribute says in place of what the kernel says. One that makes no sense is passed over.</summary>
    public static ref FileStatus Overlay(in Target target, ref FileStatus status)
    {
        Span<byte> text = stackalloc byte[Room];
        int length = IsPossible(status) ? target.GetXattr(Attribute, text) : 0;
        if (length <= 0)
        {
            return ref status;
        }

        ReadOnlySpan<byte> rest = text[..length];
        if (TakeOctal(ref rest, out uint mode) && Take(ref rest, (byte)' ', out _) && Take(ref rest, (byte)',', out uint major, number: true)
            && Take(ref rest, (byte)' ', out uint minor, number: true) && Take(ref rest, (byte)':', out uint uid, number: true)
            && Utf8Parser.TryParse(rest, out uint gid, out int used) && used == rest.Length
            // A directory is one, and nothing else is: a lie about that would lead the walk astray.
            && ModeBits.IsDirectory(mode) == status.IsDirectory && mode <= 0xFFFF)
        {
            status.Mode = mode;
            status.Uid = uid;
            status.Gid = gid;
            status.Rdev = ModeBits.IsDevice(mode) ? ((ulong)major << 32) | minor : 0;
        }

        return ref status;
    }

    /// <summary>Writes the attribute, or removes it where the kernel says the same. 0, or -errno.</summary>
    public static int Write(in Target target, in FileStatus wanted, in FileStatus real)
    {
        if (wanted.Mode == real.Mode && wanted.Uid == real.Uid && wanted.Gid == real.Gid)
        {
            int error = target.RemoveXattr(Attribute);
            return error is -Errno.ENODATA or -Errno.EOPNOTSUPP ? 0 : error;
        }

        return target.SetXattr(Attribute, System.Text.Encoding.ASCII.GetBytes(
            $"{Convert.ToString((int)wanted.Mode, 8)} {wanted.Rdev >> 32},{(uint)wanted.Rdev} {wanted.Uid}:{wanted.Gid}"));
    }

    private static bool TakeOctal(ref ReadOnlySpan<byte> text, out uint value)
    {
        value = 0;
        int at = 0;
        for (; at < text.Length && at < 7 && text[at] is >= (byte)'0' and <= (byte)'7'; at++)
        {
            value = (value << 3) | (uint)(text[at] - '0');
        }

        text = text[at..];
        return at > 0;
    }

    /// <summary>Takes a number, if one is expected, and what must stand behind it.</summary>
    private static bool Take(ref ReadOnlySpan<byte> text, byte behind, out uint value, bool number = false)
    {
        value = 0;
        int used = 0;
        if ((number && !Utf8Parser.TryParse(text, out value, out used)) || used >= text.Length || text[used] != behind)
        {
            return false;
        }

        text = text[(used + 1)..];
        return true;
    }
}
