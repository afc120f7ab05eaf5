using System.Buffers.Binary;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>What changed (FAN_*).</summary>
[Flags]
internal enum ChangeMask : ulong
{
    Modified = 0x2,
    Attributes = 0x4,
    ClosedWritten = 0x8,
    MovedFrom = 0x40,
    MovedTo = 0x80,
    Created = 0x100,
    Deleted = 0x200,

    /// <summary>The queue was full; what came then is lost.</summary>
    Overflow = 0x4000,

    /// <summary>It is about a directory.</summary>
    Directory = 0x40000000,

    /// <summary>What is asked for. Reading is no change.</summary>
    All = Modified | Attributes | ClosedWritten | MovedFrom | MovedTo | Created | Deleted | Directory,
}

/// <summary>
/// One event: struct fanotify_event_metadata and the records behind it. Handles are as the kernel gives and takes them (struct
/// file_handle), empty where it names none.
/// </summary>
internal ref struct ChangeEvent
{
    private const int MetadataSize = 24, RecordHeader = 4, FileSystemSize = 8, HandleHeader = 8, RecordsLeast = RecordHeader + FileSystemSize + HandleHeader;
    private const byte FileRecord = 1, NameRecord = 2, DirectoryRecord = 3;

    public ChangeMask Mask;

    /// <summary>f_fsid.</summary>
    public long FileSystem;

    /// <summary>The directory in which it happened.</summary>
    public ReadOnlySpan<byte> Parent;

    /// <summary>The name in it; "." for the directory itself.</summary>
    public ReadOnlySpan<byte> Name;

    /// <summary>The object itself, where that is not a matter of its name alone.</summary>
    public ReadOnlySpan<byte> File;

    /// <summary>Takes the first event off what was read; false at the end, and for what cannot be understood.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> from, out ChangeEvent change)
    {
        change = default;
        if (from.Length < MetadataSize || BinaryPrimitives.ReadInt32LittleEndian(from) is var length && (length < MetadataSize || length > from.Length)
            || BinaryPrimitives.ReadUInt16LittleEndian(from[6..]) is var metadata && metadata > length)
        {
            return false;
        }

        change.Mask = (ChangeMask)BinaryPrimitives.ReadUInt64LittleEndian(from[8..]);
        var records = from[metadata..length];
        while (!records.IsEmpty)
        {
            var size = records.Length < RecordsLeast ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(records[2..]);
            if (size < RecordsLeast || size > records.Length)
            {
                return false;
            }

            var handle = records[(RecordHeader + FileSystemSize)..size];
            var handleSize = HandleHeader + BinaryPrimitives.ReadInt32LittleEndian(handle);
            if (handleSize < HandleHeader || handleSize > handle.Length)
            {
                return false;
            }

            change.FileSystem = BinaryPrimitives.ReadInt64LittleEndian(records[RecordHeader..]);
            switch (records[0])
            {
                case FileRecord:
                    change.File = handle[..handleSize];
                    break;
                case NameRecord:
                    change.Parent = handle[..handleSize];
                    change.Name = handle[handleSize..];
                    change.Name = change.Name.IndexOf((byte)0) is >= 0 and var end ? change.Name[..end] : change.Name;
                    break;
                case DirectoryRecord:
                    change.Parent = handle[..handleSize];
                    break;
                default:
                    break;
            }

            records = records[size..];
        }

        from = from[length..];
        return true;
    }
}
