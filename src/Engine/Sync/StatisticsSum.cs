using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>Adds up what several sessions did to one tree.</summary>
internal static class StatisticsSum
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
}
