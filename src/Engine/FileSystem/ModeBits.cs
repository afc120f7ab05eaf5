namespace NativeSync.Engine.FileSystem;

/// <summary>The bits of st_mode, the same on every Linux architecture (inode(7)).</summary>
internal static class ModeBits
{
    public const uint TypeMask = 0xF000;
    public const uint Fifo = 0x1000;
    public const uint CharacterDevice = 0x2000;
    public const uint Directory = 0x4000;
    public const uint BlockDevice = 0x6000;
    public const uint Regular = 0x8000;
    public const uint SymbolicLink = 0xA000;
    public const uint Socket = 0xC000;

    /// <summary>rwx for three, setuid, setgid, sticky.</summary>
    public const uint PermissionMask = 0x0FFF;
    public const uint SetUserId = 0x0800;
    public const uint SetGroupId = 0x0400;
    public const uint Sticky = 0x0200;

    /// <summary>What a file is made with: for us alone, until it gets its own mode at the end.</summary>
    public const uint PrivateFile = 0x180;

    /// <summary>What a directory is made with: usable by us until it gets its own mode at the end, and by nobody else.</summary>
    public const uint PrivateDirectory = 0x1C0;

    public static bool IsDirectory(uint mode) => (mode & TypeMask) == Directory;
    public static bool IsRegular(uint mode) => (mode & TypeMask) == Regular;
    public static bool IsSymbolicLink(uint mode) => (mode & TypeMask) == SymbolicLink;
    public static bool IsDevice(uint mode) => (mode & TypeMask) is CharacterDevice or BlockDevice;

    /// <summary>FIFO or socket: rsync's --specials.</summary>
    public static bool IsSpecial(uint mode) => (mode & TypeMask) is Fifo or Socket;
}
