using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>Counts what is done to a tree, and adds up what several sessions did to one.</summary>
internal static class StatisticsCounting
{
    /// <summary>Adds what was done; what the tree has, and what is left in trouble, is what the last session says.</summary>
    /// <param name="sum">Is added to.</param>
    /// <param name="more">What is added.</param>
    /// <param name="sign">-1 to take away.</param>
    public static void AddWork(this Statistics sum, Statistics more, int sign = 1)
    {
        sum.Created += sign * more.Created;
        sum.CreatedFiles += sign * more.CreatedFiles;
        sum.CreatedDirectories += sign * more.CreatedDirectories;
        sum.CreatedSymbolicLinks += sign * more.CreatedSymbolicLinks;
        sum.CreatedDevices += sign * more.CreatedDevices;
        sum.CreatedSpecials += sign * more.CreatedSpecials;
        sum.Deleted += sign * more.Deleted;
        sum.DeletedFiles += sign * more.DeletedFiles;
        sum.DeletedDirectories += sign * more.DeletedDirectories;
        sum.DeletedSymbolicLinks += sign * more.DeletedSymbolicLinks;
        sum.DeletedDevices += sign * more.DeletedDevices;
        sum.DeletedSpecials += sign * more.DeletedSpecials;
        sum.FilesTransferred += sign * more.FilesTransferred;
        sum.TransferredSize += sign * more.TransferredSize;
        sum.LiteralBytes += sign * more.LiteralBytes;
        sum.MatchedBytes += sign * more.MatchedBytes;
        sum.HoleBytes += sign * more.HoleBytes;
        sum.ListBytes += sign * more.ListBytes;
        sum.Updated += sign * more.Updated;
        sum.MetadataOnly += sign * more.MetadataOnly;
        sum.Linked += sign * more.Linked;
        sum.DeltaFiles += sign * more.DeltaFiles;
    }

    /// <summary>Counts what was done to one entry; from any thread.</summary>
    /// <remarks>A new name of a file that is there is counted twice: as linked, and as created.</remarks>
    public static void Count(this Statistics statistics, OutcomeKind kind, EntryType type)
    {
        switch (kind)
        {
            case OutcomeKind.Created or OutcomeKind.Copied:
                Interlocked.Increment(ref statistics.Created);
                Interlocked.Increment(ref OfType(statistics, type, deleted: false));
                break;
            case OutcomeKind.Deleted:
                Interlocked.Increment(ref statistics.Deleted);
                Interlocked.Increment(ref OfType(statistics, type, deleted: true));
                break;
            case OutcomeKind.Updated:
                Interlocked.Increment(ref statistics.Updated);
                break;
            case OutcomeKind.MetadataOnly:
                Interlocked.Increment(ref statistics.MetadataOnly);
                break;
            case OutcomeKind.Linked:
                Interlocked.Increment(ref statistics.Linked);
                break;
        }
    }

    private static ref long OfType(Statistics s, EntryType type, bool deleted)
    {
        switch (type)
        {
            case EntryType.Regular:
                return ref deleted ? ref s.DeletedFiles : ref s.CreatedFiles;
            case EntryType.Directory:
                return ref deleted ? ref s.DeletedDirectories : ref s.CreatedDirectories;
            case EntryType.SymbolicLink:
                return ref deleted ? ref s.DeletedSymbolicLinks : ref s.CreatedSymbolicLinks;
            case EntryType.BlockDevice or EntryType.CharacterDevice:
                return ref deleted ? ref s.DeletedDevices : ref s.CreatedDevices;
            default:
                return ref deleted ? ref s.DeletedSpecials : ref s.CreatedSpecials;
        }
    }
}
