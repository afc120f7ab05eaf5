using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Counts of the source tree by type.</summary>
internal struct TreeTotals
{
    private long _entries;
    private long _files;
    private long _directories;
    private long _links;
    private long _devices;
    private long _specials;
    private long _size;

    public void Count(in EntryMetadata metadata)
    {
        _entries++;
        switch (metadata.Type)
        {
            case EntryType.Regular:
                _files++;
                _size += metadata.Size;
                break;
            case EntryType.Directory:
                _directories++;
                break;
            case EntryType.SymbolicLink:
                _links++;
                _size += metadata.Size;
                break;
            case EntryType.BlockDevice or EntryType.CharacterDevice:
                _devices++;
                break;
            default:
                _specials++;
                break;
        }
    }

    public readonly void AddTo(Statistics statistics)
    {
        Interlocked.Add(ref statistics.Entries, _entries);
        Interlocked.Add(ref statistics.Files, _files);
        Interlocked.Add(ref statistics.Directories, _directories);
        Interlocked.Add(ref statistics.SymbolicLinks, _links);
        Interlocked.Add(ref statistics.Devices, _devices);
        Interlocked.Add(ref statistics.Specials, _specials);
        Interlocked.Add(ref statistics.TotalSize, _size);
    }
}
