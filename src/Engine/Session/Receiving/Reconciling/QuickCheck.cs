using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>rsync's quick check, in nanoseconds: same size and modification time means same content.</summary>
internal sealed class QuickCheck(SyncContext context)
{
    public bool Agree(in EntryMetadata local, in EntryMetadata wanted)
    {
        if (local.Size != wanted.Size || context.Has(JobFlags.IgnoreTimes))
        {
            return false;
        }

        return context.Has(JobFlags.SizeOnly) || MetadataWriter.SameTime(local.Modified, wanted.Modified, context.TimeWindow);
    }
}
