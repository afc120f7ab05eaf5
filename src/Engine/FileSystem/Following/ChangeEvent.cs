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
    private const int MetadataSize = 24, RecordHeader = 4, FileSystemSize = 8, HandleHeader = 8;
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
        if (from.Length < MetadataSize || BinaryPrimitives.ReadInt32LittleEndian(from) is var length && (length < MetadataSize || length > from.Length))
        {
            return false;
        }

        change.Mask = (ChangeMask)BinaryPrimitives.ReadUInt64LittleEndian(from[8..]);
        var records = from[BinaryPrimitives.ReadUInt16LittleEndian(from[6..])..length];
        while (records.Length >= RecordHeader + FileSystemSize + HandleHeader)
        {
            var size = BinaryPrimitives.ReadUInt16LittleEndian(records[2..]);
            var handle = records[(RecordHeader + FileSystemSize)..size];
            var handleSize = HandleHeader + BinaryPrimitives.ReadInt32LittleEndian(handle);
            change.FileSystem = BinaryPrimitives.ReadInt64LittleEndian(records[RecordHeader..]);
            switch (records[0])
            {
                case FileRecord:
                    change.File = handle[..handleSize];
                    break;
                case NameRecord:
                    change.Parent = handle[..handleSize];
                    change.Name = handle[handleSize..];
                    change.Name = change.Name[..change.Name.IndexOf((byte)0)];
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
