using System.Buffers.Binary;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Reads one directory at a time: getdents64 in large pieces, names sorted bytewise, then one statx per entry relative to the
/// handle. Its buffers are reused; one scanner serves one thread.
/// </summary>
internal sealed class DirectoryScanner
{
    /// <summary>Names of about 8,000 entries in one call; twice as much measured no faster.</summary>
    private const int ReadSize = 256 * 1024;

    private const int RecordHeader = 19; // d_ino, d_off, d_reclen, d_type of struct linux_dirent64

    private readonly ISystemCalls _io;
    private readonly NameSorter _sorter = new();
    private readonly XattrScanner _xattrs;
    private readonly byte[] _read = new byte[ReadSize];

    public DirectoryScanner(ISystemCalls io, XattrFilter? filter = null)
    {
        _io = io;
        _xattrs = new XattrScanner(io, filter);
    }

    /// <summary>
    /// Replaces the content of <paramref name="into"/> by the entries of the directory, without "." and "..". 0, or -errno when the
    /// directory cannot be read at all. Trouble with an entry, or in the middle, is put among the problems and makes the listing
    /// incomplete; an entry that vanished meanwhile is left out.
    /// </summary>
    public int Scan(int dirfd, ScanFields fields, DirectoryListing into)
    {
        into.Clear();
        long start = _io.Seek(dirfd, 0, SeekKind.Set); // a handle read before would give an empty listing
        if (start < 0)
        {
            return (int)start;
        }

        int error = ReadNames(dirfd, into);
        if (error < 0)
        {
            return error;
        }

        ReadOnlySpan<NameKey> names = _sorter.Sort(into);
        into.EnsureItems(names.Length);
        foreach (ref readonly NameKey key in names)
        {
            ScanEntry(dirfd, key, fields, into);
        }

        return 0;
    }

    /// <summary>Replaces the content of <paramref name="into"/> by one entry. 0, or -errno.</summary>
    public int ScanName(int dirfd, ReadOnlySpan<byte> name, ScanFields fields, DirectoryListing into)
    {
        into.Clear();
        int error = _io.StatAt(dirfd, name, out FileStatus status);
        if (error < 0)
        {
            return error;
        }

        into.AppendStored(into.Store(name), name.Length, status.ToMetadata(), FileIdentity.From(status));
        return fields == ScanFields.None ? 0 : ScanDetails(dirfd, status, fields, into, out _);
    }

    /// <summary>The attributes of an open object, encoded; empty when they are not asked for or cannot be read.</summary>
    public byte[] ReadXattrs(int fd, ScanFields fields)
    {
        if ((fields & (ScanFields.Xattrs | ScanFields.Acls)) == 0)
        {
            return [];
        }

        return _xattrs.Read(fd, fields, new DirectoryListing(), ulong.MaxValue - 1, out ReadOnlySpan<byte> encoded) < 0 ? [] : encoded.ToArray();
    }

    private int ReadNames(int dirfd, DirectoryListing into)
    {
        _sorter.Clear();
        while (true)
        {
            int n = _io.ReadDirectory(dirfd, _read);
            if (n == 0)
            {
                return 0;
            }

            if (n < 0)
            {
                if (_sorter.Count == 0)
                {
                    return n;
                }

                into.AddProblem(Operation.ReadDirectory, -n, []);
                into.Incomplete = true;
                return 0;
            }

            ReadOnlySpan<byte> records = _read.AsSpan(0, n);
            while (records.Length > RecordHeader)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
                ReadOnlySpan<byte> name = records[RecordHeader..length];
                name = name[..name.IndexOf((byte)0)];
                if (name is not [(byte)'.'] and not [(byte)'.', (byte)'.'])
                {
                    _sorter.Add(into.Store(name), name);
                }

                records = records[length..];
            }
        }
    }

    private void ScanEntry(int dirfd, in NameKey key, ScanFields fields, DirectoryListing into)
    {
        int error = _io.StatAt(dirfd, into.Stored(key.Offset, key.Length), out FileStatus status);
        if (error < 0)
        {
            Fail(into, key, Operation.Stat, error);
            return;
        }

        into.AppendStored(key.Offset, key.Length, status.ToMetadata(), FileIdentity.From(status));
        if (fields != ScanFields.None)
        {
            error = ScanDetails(dirfd, status, fields, into, out Operation operation);
            if (error == -Errno.ENOSYS)
            {
                // No way to the attributes of a link or device here (old kernel, no /proc): told, and the entry travels without.
                into.AddProblem(operation, Errno.ENOSYS, into.Stored(key.Offset, key.Length));
            }
            else if (error < 0)
            {
                into.DropLast();
                Fail(into, key, operation, error);
            }
        }
    }

    private int ScanDetails(int dirfd, in FileStatus status, ScanFields fields, DirectoryListing into, out Operation operation)
    {
        int index = into.Count - 1;
        int error = 0;
        operation = Operation.ReadLink;
        if (status.IsSymbolicLink && (fields & ScanFields.LinkTargets) != 0)
        {
            error = ReadLink(dirfd, status.Size, index, into);
        }

        if (error >= 0 && (fields & (ScanFields.Xattrs | ScanFields.Acls)) != 0)
        {
            operation = Operation.GetXattr;
            error = _xattrs.Read(dirfd, index, status.Device, fields, into);
        }

        if (error >= 0 && (fields & (ScanFields.FileFlags | ScanFields.ProjectIds)) != 0 && (status.IsRegular || status.IsDirectory))
        {
            operation = Operation.Open;
            error = ReadInode(dirfd, index, fields, into);
        }

        return error;
    }

    private int ReadLink(int dirfd, long size, int index, DirectoryListing into)
    {
        int room = size is > 0 and < 4096 ? (int)size + 1 : 4096; // one more tells a target that grew; some file systems say 0
        while (true)
        {
            Span<byte> buffer = into.Reserve(room);
            int n = _io.ReadLinkAt(dirfd, into.Name(index), buffer);
            if (n < room)
            {
                if (n > 0)
                {
                    into.SetLinkTarget(index, into.Commit(n), n);
                }

                return n;
            }

            if (room > 4096)
            {
                return -Errno.ENAMETOOLONG;
            }

            room = 4097;
        }
    }

    private int ReadInode(int dirfd, int index, ScanFields fields, DirectoryListing into)
    {
        int fd = _io.OpenAt(dirfd, into.Name(index), OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd < 0)
        {
            return fd is -Errno.EACCES or -Errno.EPERM ? 0 : fd; // unreadable: its content will be reported, its flags are a side matter
        }

        ReadInode(fd, fields, ref into.Metadata(index));
        _io.Close(fd);
        return 0;
    }

    /// <summary>Inode flags and project id of an open file or directory; 0 where the file system has none.</summary>
    public void ReadInode(int fd, ScanFields fields, ref EntryMetadata metadata)
    {
        if ((fields & ScanFields.FileFlags) != 0 && _io.GetFileFlags(fd, out uint flags) == 0)
        {
            metadata.FileFlags = flags & FileSystem.FileFlags.Kept;
        }

        if ((fields & ScanFields.ProjectIds) != 0 && _io.GetProjectId(fd, out uint project) == 0)
        {
            metadata.ProjectId = project;
        }
    }

    private static void Fail(DirectoryListing into, in NameKey key, Operation operation, int error)
    {
        if (error == -Errno.ENOENT)
        {
            return; // vanished between the two looks: as if it had never been there
        }

        into.AddProblem(operation, -error, into.Stored(key.Offset, key.Length));
        into.Incomplete = true;
    }
}
