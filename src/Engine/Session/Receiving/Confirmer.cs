using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>Tells a sender that is to remove its files (--remove-source-files) which of them are here.</summary>
internal sealed class Confirmer(SyncContext context, ReceiverTree tree)
{
    private readonly bool _wanted = context.Has(JobFlags.RemoveSourceFiles) && !context.Has(JobFlags.DryRun);
    private readonly bool _isOneMachine = (context.Options.SourceOptions & SourceOptions.OneMachine) != 0;

    /// <summary>The entry is here as the source has it. Called before its directory settles.</summary>
    public void Confirm(ReceiverDirectory directory, int index)
    {
        // What waits for the end is not in its place before.
        if (!_wanted || directory.Remote!.Entries.Metadata(index).IsDirectory || tree.Late.Holds(directory, index))
        {
            return;
        }

        var handle = _isOneMachine ? tree.Handles.Take(directory) : null;
        Confirm(directory.Id, index, handle?.Fd ?? -1, tree.LocalName(directory, index));
        if (handle is not null)
        {
            tree.Handles.Return(handle);
        }
    }

    /// <summary>The same at the end, for what waited.</summary>
    public void ConfirmLate(in LateUpdate update, int dirfd)
    {
        if (_wanted)
        {
            Confirm(update.DirectoryId, update.Index, dirfd, update.Name);
        }
    }

    private void Confirm(int directory, int index, int dirfd, ReadOnlySpan<byte> name)
    {
        // The sender must not remove a file that was compared with itself.
        FileStatus here = default;
        if (_isOneMachine && (dirfd < 0 || context.Io.StatAt(dirfd, name, out here) < 0))
        {
            return;
        }

        using var scope = context.Outbox.Enter(Records.ConfirmedBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteConfirmed(ref writer, new ConfirmedRecord(directory, index, here.Device, here.Inode));
        scope.Commit(writer.Position);
    }
}
