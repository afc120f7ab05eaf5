using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Migration.Fixups;

namespace NativeSync.Cli.Fixup;

/// <summary>
/// A directory as a root, by handles: the path without links is found part by part, and what is opened lies below the root's
/// handle and is reached through no link (see <see cref="ISystemCalls.OpenBeneath"/>), whatever happens meanwhile.
/// </summary>
internal sealed class LinuxRootTree : IRootTree, IDisposable
{
    private const int MaxLinks = 40;
    private const int MaxSize = 16 << 20;
    private const uint DirectoryMode = 0x1ED, PermissionBits = 0xFFF;
    private static readonly byte[] Label = "security.selinux"u8.ToArray();

    private readonly ISystemCalls _io;
    private readonly int _root;

    /// <exception cref="IOException">It is no directory, or cannot be opened.</exception>
    public LinuxRootTree(string path, ISystemCalls? io = null)
    {
        _io = io ?? LinuxSystemCalls.Instance;
        _root = _io.OpenPath(Encoding.UTF8.GetBytes(path), OpenFlags.Read | OpenFlags.Directory);
        if (_root < 0)
        {
            throw new IOException($"--root={FixupContext.Shown(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path)))}: {Errno.Describe(-_root)}; it is to be the directory where the system is mounted");
        }
    }

    public string? Resolve(string path)
    {
        List<string> done = [];
        Stack<string> todo = new();
        Push(todo, path);
        int links = 0;
        while (todo.TryPop(out string? part))
        {
            if (part == "..")
            {
                done.RemoveRange(Math.Max(0, done.Count - 1), Math.Min(1, done.Count));
                continue;
            }

            string here = string.Join('/', done);
            string next = here.Length == 0 ? part : $"{here}/{part}";
            switch (Kind(next))
            {
                case RootEntryKind.Link when ++links <= MaxLinks && LinkTarget(next) is { } target:
                    if (target.StartsWith('/'))
                    {
                        done.Clear();
                    }

                    Push(todo, target);
                    break;
                case RootEntryKind.Directory:
                    done.Add(part);
                    break;
                case RootEntryKind.None or RootEntryKind.File or RootEntryKind.Other when todo.Count == 0:
                    return next;
                default:
                    return null;
            }
        }

        return string.Join('/', done);
    }

    public RootEntryKind Kind(string path)
    {
        if (path.Length == 0)
        {
            return RootEntryKind.Directory;
        }

        int parent = OpenParent(path, out byte[] name);
        if (parent < 0)
        {
            return RootEntryKind.None;
        }

        int result = _io.StatAt(parent, name, out FileStatus status);
        _io.Close(parent);
        return result < 0 ? RootEntryKind.None
            : status.IsRegular ? RootEntryKind.File : status.IsDirectory ? RootEntryKind.Directory : status.IsSymbolicLink ? RootEntryKind.Link : RootEntryKind.Other;
    }

    public byte[]? Read(string path)
    {
        using Stream? file = Open(path);
        if (file is null || file.Length > MaxSize)
        {
            return null;
        }

        byte[] content = new byte[file.Length];
        int got = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..got];
    }

    public Stream? Open(string path)
    {
        int fd = _io.OpenBeneath(_root, Bytes(path), OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd < 0)
        {
            return fd is -Errno.EACCES or -Errno.EPERM or -Errno.EIO ? throw Trouble(fd, path) : null;
        }

        FileStream stream = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(fd, ownsHandle: true), FileAccess.Read, 0);
        if (_io.Stat(fd, out FileStatus status) >= 0 && status.IsRegular)
        {
            return stream;
        }

        stream.Dispose();
        return null;
    }

    public IReadOnlyList<string> List(string path)
    {
        int fd = _io.OpenBeneath(_root, Bytes(path), OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return [];
        }

        try
        {
            DirectoryListing listing = new();
            Check(new DirectoryScanner(_io).Scan(fd, ScanFields.None, listing), path);
            string[] names = new string[listing.Count];
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = Encoding.Latin1.GetString(listing.Name(i));
            }

            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        finally
        {
            _io.Close(fd);
        }
    }

    public string? LinkTarget(string path)
    {
        int parent = OpenParent(path, out byte[] name);
        if (parent < 0)
        {
            return null;
        }

        byte[] target = new byte[4096];
        int length = _io.ReadLinkAt(parent, name, target);
        _io.Close(parent);
        return length < 0 ? null : Encoding.Latin1.GetString(target, 0, length);
    }

    public bool HasLabel(string path)
    {
        int fd = _io.OpenBeneath(_root, Bytes(path), OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd < 0)
        {
            return false;
        }

        int size = _io.GetXattr(fd, Label, new byte[256]);
        _io.Close(fd);
        return size > 0;
    }

    public void Write(string path, ReadOnlySpan<byte> content, uint modeIfNew, string? like = null)
    {
        MakeDirectories(path);
        int parent = Check(OpenParent(path, out byte[] name), path);
        byte[] temporary = [.. ".nativesync-new-"u8, .. Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N"))];
        try
        {
            int fd = Check(_io.OpenAt(parent, temporary, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, FixupContext.Private), path);
            try
            {
                TakeAttributes(fd, _io.StatAt(parent, name, out FileStatus old) >= 0 && old.IsRegular ? path : like, parent, modeIfNew, path);
                while (content.Length > 0)
                {
                    nint written = _io.Write(fd, content);
                    content = content[(int)Check((int)written, path)..];
                }

                Check(_io.Sync(fd), path);
            }
            finally
            {
                _io.Close(fd);
            }

            Check(_io.RenameAt(parent, temporary, parent, name), path);
        }
        catch (IOException)
        {
            _io.UnlinkAt(parent, temporary, directory: false);
            throw;
        }
        finally
        {
            _io.Close(parent);
        }
    }

    public void Link(string path, string target)
    {
        MakeDirectories(path);
        int parent = Check(OpenParent(path, out byte[] name), path);
        try
        {
            int gone = _io.UnlinkAt(parent, name, directory: false);
            Check(gone == -Errno.ENOENT ? 0 : gone, path);
            Check(_io.SymbolicLinkAt(Bytes(target), parent, name), path);
        }
        finally
        {
            _io.Close(parent);
        }
    }

    public void Remove(string path)
    {
        int parent = OpenParent(path, out byte[] name);
        if (parent >= 0)
        {
            int gone = _io.UnlinkAt(parent, name, directory: false);
            _io.Close(parent);
            Check(gone == -Errno.ENOENT ? 0 : gone, path);
        }
    }

    public void Dispose() => _io.Close(_root);

    private static void Push(Stack<string> todo, string path)
    {
        string[] parts = path.Split('/');
        for (int i = parts.Length - 1; i >= 0; i--)
        {
            if (parts[i] is not ("" or "."))
            {
                todo.Push(parts[i]);
            }
        }
    }

    private static byte[] Bytes(string path) => Encoding.Latin1.GetBytes(path);

    private int OpenParent(string path, out byte[] name)
    {
        int slash = path.LastIndexOf('/');
        name = Bytes(path[(slash + 1)..]);
        return _io.OpenBeneath(_root, Bytes(slash < 0 ? "" : path[..slash]), OpenFlags.Read | OpenFlags.Directory);
    }

    private void MakeDirectories(string path)
    {
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            string directory = path[..slash];
            if (Kind(directory) == RootEntryKind.None)
            {
                int parent = Check(OpenParent(directory, out byte[] name), directory);

                // What is put away may hold secrets: only root looks into it.
                uint mode = directory.StartsWith(FixupContext.Home, StringComparison.Ordinal) ? 0x1C0u : DirectoryMode;
                int made = _io.MakeDirectoryAt(parent, name, mode);
                made = made < 0 ? made : _io.ChangeModeAt(parent, name, mode);
                _io.Close(parent);
                Check(made, directory);
            }
        }
    }

    /// <summary>Owner, mode and label as the old file's; a new one gets the label of its directory, which is right for most of /etc.</summary>
    private void TakeAttributes(int fd, string? like, int parent, uint modeIfNew, string path)
    {
        byte[] label = new byte[256];
        int model = like is null ? -1 : _io.OpenBeneath(_root, Bytes(like), OpenFlags.Read | OpenFlags.NonBlocking);
        if (model >= 0 && _io.Stat(model, out FileStatus status) >= 0)
        {
            int owned = _io.ChangeOwner(fd, status.Uid, status.Gid);
            Check(owned == -Errno.EPERM && _io.EffectiveUserId() != 0 ? 0 : owned, path);
            Check(_io.ChangeMode(fd, status.Mode & PermissionBits), path);
        }
        else
        {
            Check(_io.ChangeMode(fd, modeIfNew), path);
        }

        int size = _io.GetXattr(model >= 0 ? model : parent, Label, label);
        if (size > 0)
        {
            _io.SetXattr(fd, Label, label.AsSpan(0, size));
        }

        if (model >= 0)
        {
            _io.Close(model);
        }
    }

    private static int Check(int result, string path) => result >= 0 ? result : throw Trouble(result, path);

    private static IOException Trouble(int result, string path) => new($"/{FixupContext.Shown(path)}: {Errno.Describe(-result)}");
}
