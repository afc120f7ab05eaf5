using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>Tells a sender that is to remove its files (--remove-source-files) which of them are here.</summary>
internal sealed class Confirmer(SyncContext context, ReceiverTree tree)
{
    private readonly bool _wanted = context.Has(JobFlags.RemoveSourceFiles) && !context.Has(JobFlags.DryRun);

    /// <summary>The entry is here as the source has it. Called before its directory settles.</summary>
    public void Confirm(ReceiverDirectory directory, int index)
    {
        if (!_wanted || directory.Remote!.Entries.Metadata(index).IsDirectory)
        {
            return;
        }

        FileStatus here = default;
        if ((context.Options.SourceOptions & SourceOptions.OneMachine) != 0)
        {
            // The sender must not remove a file that was compared with itself.
            var handle = tree.Handles.Take(directory);
            var error = handle.Fd < 0 ? handle.Fd : context.Io.StatAt(handle.Fd, tree.LocalName(directory, index), out here);
            tree.Handles.Return(handle);
            if (error < 0)
            {
                return;
            }
        }

        using var scope = context.Outbox.Enter(Records.ConfirmedBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteConfirmed(ref writer, new ConfirmedRecord(directory.Id, index, here.Device, here.Inode));
        scope.Commit(writer.Position);
    }
}
