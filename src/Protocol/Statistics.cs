namespace NativeSync.Protocol;

/// <summary>
/// Counts of one side (docs/protocol.md, "Statistics"), sent as a list in this order. Fields, so that threads can add to them with
/// <see cref="Interlocked"/>; none is negative.
/// </summary>
public sealed class Statistics
{
    /// <summary>Values that this version sends.</summary>
    public const int Count = 38;
    /// <summary>The most bytes of an encoded list.</summary>
    public const int MaxSize = 1 + (Count * 9);

    /// <summary>Entries of the tree, of any type.</summary>
    public long Entries;
    /// <summary>Regular files of the tree.</summary>
    public long Files;
    /// <summary>Directories of the tree.</summary>
    public long Directories;
    /// <summary>Symbolic links of the tree.</summary>
    public long SymbolicLinks;
    /// <summary>Devices of the tree.</summary>
    public long Devices;
    /// <summary>FIFOs and sockets of the tree.</summary>
    public long Specials;
    /// <summary>Entries created.</summary>
    public long Created;
    /// <summary>Regular files created.</summary>
    public long CreatedFiles;
    /// <summary>Directories created.</summary>
    public long CreatedDirectories;
    /// <summary>Symbolic links created.</summary>
    public long CreatedSymbolicLinks;
    /// <summary>Devices created.</summary>
    public long CreatedDevices;
    /// <summary>FIFOs and sockets created.</summary>
    public long CreatedSpecials;
    /// <summary>Entries deleted.</summary>
    public long Deleted;
    /// <summary>Regular files deleted.</summary>
    public long DeletedFiles;
    /// <summary>Directories deleted.</summary>
    public long DeletedDirectories;
    /// <summary>Symbolic links deleted.</summary>
    public long DeletedSymbolicLinks;
    /// <summary>Devices deleted.</summary>
    public long DeletedDevices;
    /// <summary>FIFOs and sockets deleted.</summary>
    public long DeletedSpecials;
    /// <summary>Files whose content was transferred.</summary>
    public long FilesTransferred;
    /// <summary>Bytes of all regular files and links.</summary>
    public long TotalSize;
    /// <summary>Bytes of the files whose content was transferred.</summary>
    public long TransferredSize;
    /// <summary>Bytes that came as data.</summary>
    public long LiteralBytes;
    /// <summary>Bytes that came from the basis.</summary>
    public long MatchedBytes;
    /// <summary>Bytes that are holes.</summary>
    public long HoleBytes;
    /// <summary>Bytes of names and attributes, before compression.</summary>
    public long ListBytes;
    /// <summary>Problems reported.</summary>
    public long Problems;
    /// <summary>Files that vanished.</summary>
    public long Vanished;
    /// <summary>Files that changed while they were read and never held still.</summary>
    public long Unstable;
    /// <summary>Files whose content was updated.</summary>
    public long Updated;
    /// <summary>Entries of which only attributes changed.</summary>
    public long MetadataOnly;
    /// <summary>Entries made as hard links.</summary>
    public long Linked;
    /// <summary>Entries left alone on purpose.</summary>
    public long Skipped;
    /// <summary>Entries that failed.</summary>
    public long Failed;
    /// <summary>Directories whose digest agreed.</summary>
    public long DirectoriesSame;
    /// <summary>Files sent as a delta.</summary>
    public long DeltaFiles;
    /// <summary>Deletions left out because of MaxDelete.</summary>
    public long DeletionsSkipped;
    /// <summary>Peak of the process's memory, bytes.</summary>
    public long PeakMemory;
    /// <summary>Directories made of which no listing was announced.</summary>
    public long UnlistedDirectories;

    /// <summary>Writes the list.</summary>
    public void Write(scoped ref WireWriter writer)
    {
        writer.WriteVarint(Count);
        for (int i = 0; i < Count; i++)
        {
            writer.WriteSize(Math.Max(0, Slot(i)));
        }
    }

    /// <summary>Reads a list: missing values are 0, values that this version does not know are ignored.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static Statistics Read(scoped ref WireReader reader)
    {
        int count = reader.ReadCount(ProtocolLimits.MaxStatistics);
        var statistics = new Statistics();
        for (int i = 0; i < count; i++)
        {
            long value = reader.ReadSize();
            if (i < Count)
            {
                statistics.Slot(i) = value;
            }
        }

        return statistics;
    }

    /// <summary>The name of a value on the page and in `--json`; null beyond the last.</summary>
    internal static string? NameOf(int index) => index < Names.Length ? Names[index] : null;

    private static readonly string[] Names =
    [
        nameof(Entries), nameof(Files), nameof(Directories), nameof(SymbolicLinks), nameof(Devices), nameof(Specials),
        nameof(Created), nameof(CreatedFiles), nameof(CreatedDirectories), nameof(CreatedSymbolicLinks), nameof(CreatedDevices), nameof(CreatedSpecials),
        nameof(Deleted), nameof(DeletedFiles), nameof(DeletedDirectories), nameof(DeletedSymbolicLinks), nameof(DeletedDevices), nameof(DeletedSpecials),
        nameof(FilesTransferred), nameof(TotalSize), nameof(TransferredSize), nameof(LiteralBytes), nameof(MatchedBytes), nameof(HoleBytes), nameof(ListBytes),
        nameof(Problems), nameof(Vanished), nameof(Unstable), nameof(Updated), nameof(MetadataOnly), nameof(Linked), nameof(Skipped), nameof(Failed),
        nameof(DirectoriesSame), nameof(DeltaFiles), nameof(DeletionsSkipped), nameof(PeakMemory), nameof(UnlistedDirectories),
    ];

    /// <summary>The field of the n-th value.</summary>
    internal ref long Slot(int index)
    {
        switch (index)
        {
            case 0: return ref Entries;
            case 1: return ref Files;
            case 2: return ref Directories;
            case 3: return ref SymbolicLinks;
            case 4: return ref Devices;
            case 5: return ref Specials;
            case 6: return ref Created;
            case 7: return ref CreatedFiles;
            case 8: return ref CreatedDirectories;
            case 9: return ref CreatedSymbolicLinks;
            case 10: return ref CreatedDevices;
            case 11: return ref CreatedSpecials;
            case 12: return ref Deleted;
            case 13: return ref DeletedFiles;
            case 14: return ref DeletedDirectories;
            case 15: return ref DeletedSymbolicLinks;
            case 16: return ref DeletedDevices;
            case 17: return ref DeletedSpecials;
            case 18: return ref FilesTransferred;
            case 19: return ref TotalSize;
            case 20: return ref TransferredSize;
            case 21: return ref LiteralBytes;
            case 22: return ref MatchedBytes;
            case 23: return ref HoleBytes;
            case 24: return ref ListBytes;
            case 25: return ref Problems;
            case 26: return ref Vanished;
            case 27: return ref Unstable;
            case 28: return ref Updated;
            case 29: return ref MetadataOnly;
            case 30: return ref Linked;
            case 31: return ref Skipped;
            case 32: return ref Failed;
            case 33: return ref DirectoriesSame;
            case 34: return ref DeltaFiles;
            case 35: return ref DeletionsSkipped;
            case 36: return ref PeakMemory;
            case 37: return ref UnlistedDirectories;
            default: throw new ArgumentOutOfRangeException(nameof(index));
        }
    }
}
