using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>A file whose content came in this session, from which another entry may get it. docs/protocol.md, "Content".</summary>
/// <param name="directory">The path of its directory, relative to the destination.</param>
/// <param name="writer">The writer that makes it: what this one does later finds it done.</param>
internal sealed class ArrivedFile(byte[] directory, int writer)
{
    /// <summary>As many as the sender remembers.</summary>
    public const int Most = 16 * 1024;

    public int Writer { get; } = writer;

    /// <summary>Its name; null until it is in its place.</summary>
    public byte[]? Name { get; set; }

    /// <summary>The writer's part: copies it, when it has that digest still; else the content is asked for again.</summary>
    /// <param name="context">Of the session.</param>
    /// <param name="tree">Of the receiver.</param>
    /// <param name="arrived">null when none is known.</param>
    /// <param name="to">Where the entry is that is to get the content.</param>
    /// <param name="index">The entry.</param>
    /// <param name="digest">XXH3-128 of the content.</param>
    public static void Copy(SyncContext context, ReceiverTree tree, ArrivedFile? arrived, ReceiverDirectory to, int index, UInt128 digest)
    {
        var error = arrived is null ? -Errno.ENOENT : arrived.Copy(context, tree, to, index, digest);
        if (error is >= 0 or -Errno.ENOSPC or -Errno.EDQUOT)
        {
            to.Remote!.Differences(index) |= Changes.Content;
            tree.Contents.Copied(to, index, error);
        }
        else
        {
            tree.Contents.Mismatch(to, index);
        }
    }

    private int Copy(SyncContext context, ReceiverTree tree, ReceiverDirectory to, int index, UInt128 digest)
    {
        var from = Name is null ? -Errno.ENOENT : tree.Handles.OpenFile(directory, Name);
        if (from < 0)
        {
            return from;
        }

        var error = context.Io.Stat(from, out var status);
        if (error >= 0)
        {
            UInt128 found = default;
            error = status.IsRegular ? FileDigest.Compute(context.Io, null, from, status, out found) : -Errno.ESTALE;
            error = error >= 0 && found != digest ? -Errno.ESTALE : error;
        }

        if (error >= 0)
        {
            var handle = tree.Handles.Take(to);
            error = handle.Fd < 0 ? handle.Fd : CopiedFile.Make(context, tree, to, index, handle.Fd, from, status);
            tree.Handles.Return(handle);
        }

        context.Io.Close(from);
        return error;
    }
}
