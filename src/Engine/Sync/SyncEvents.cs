using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>Told what happens during a synchronisation. Called from any thread; must be quick and must not throw.</summary>
public interface ISyncObserver
{
    /// <summary>Called once, before anything else: <paramref name="progress"/> tells at any time how far the transfer is.</summary>
    void OnStart(Func<SyncProgress> progress)
    {
    }

    /// <summary>
    /// False when nothing is done with <see cref="OnEntry"/>: the other end then tells only of what was left out on purpose, which spares the line some 50
    /// bytes for each other entry. Asked once for each session.
    /// </summary>
    bool HearsEntries => true;

    /// <summary>Something was done to an entry, or would be done in a dry run.</summary>
    void OnEntry(in EntryEvent entry);

    /// <summary>Something could not be done.</summary>
    void OnProblem(in SyncProblem problem);

    /// <summary>Something about the whole, in the words of rsync, e.g. <c>created directory X</c>; raw bytes, to be escaped.</summary>
    void OnNote(byte[] text)
    {
    }

    /// <summary>How far the transfer is; about ten times a second.</summary>
    void OnProgress(in SyncProgress progress);
}

/// <summary>What was done to one entry.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="Changes">What differed.</param>
/// <param name="Path">Path relative to the destination directory, raw bytes; escape before showing.</param>
/// <param name="Metadata">What the entry is on the source; for deletions only the type is known.</param>
/// <param name="LinkTarget">Target of a symbolic link, or the path which a hard link joins; null for other entries.</param>
/// <param name="Outgoing">True when this process sends the content, false when it receives it.</param>
public readonly record struct EntryEvent(
    OutcomeKind Kind, Changes Changes, byte[] Path, EntryMetadata Metadata, byte[]? LinkTarget, bool Outgoing)
{
    /// <summary>Bytes of content that travelled, with <see cref="SyncOptions.ReportContent"/>; 0 for what needed none.</summary>
    public long Transferred { get; init; }

    /// <summary>XXH3-128 of the content, with <see cref="SyncOptions.ReportContent"/>; null for what was not transferred.</summary>
    public UInt128? Digest { get; init; }
}

/// <summary>Something that could not be done to one entry; the run goes on.</summary>
/// <param name="Operation">What was attempted.</param>
/// <param name="Errno">The system's error number; 0 when the system reported none.</param>
/// <param name="Path">Path relative to the transfer root, raw bytes; escape before showing.</param>
/// <param name="OnSource">True when it happened on the source side.</param>
/// <param name="Warning">True for what does not make the transfer partial, such as a file that vanished.</param>
public readonly record struct SyncProblem(Operation Operation, int Errno, byte[] Path, bool OnSource, bool Warning)
{
    /// <summary>The extended attribute that it is about, raw bytes; null when it is about none.</summary>
    public byte[]? Detail { get; init; }

    /// <summary>One line: what, where, why; escaped.</summary>
    public string Message
    {
        get
        {
            var side = OnSource ? "source" : "destination";
            var name = ByteText.Escape(Path);
            if (Operation == Operation.Changed)
            {
                return $"{side}: \"{name}\" changed while it was read; the copy may be torn";
            }

            if (Operation == Operation.SkipDirectory)
            {
                return $"skipping directory {name}";
            }

            if (OnSource && Operation == Operation.Remove && Errno == FileSystem.Errno.EEXIST)
            {
                return $"{side}: \"{name}\" was not removed: it is its own copy (source and destination are the same file)";
            }

            if (Operation == Operation.Follow && Errno == FileSystem.Errno.ENOENT)
            {
                return $"{side}: symlink has no referent: \"{name}\"";
            }

            if (!OnSource && Warning && Operation == Operation.Remove && Errno == 0)
            {
                return $"{side}: nothing is deleted from \"{name}\" on: the source could not be read everywhere (--ignore-errors deletes all the same)";
            }

            if (Operation == Operation.Batch)
            {
                return $"batch: \"{name}\" is left as it is: the batch has nothing for what is here (it was made for another destination; a sync puts it right)";
            }

            if (Operation == Operation.Verify)
            {
                return $"{side}: \"{name}\" failed verification: the digest of what arrived is not that of the source";
            }

            if (OnSource && Warning && Errno == FileSystem.Errno.ENOENT)
            {
                return $"{side}: \"{name}\" has vanished";
            }

            if (!OnSource && Errno == FileSystem.Errno.EXDEV && Operation is Operation.Open or Operation.ReadDirectory)
            {
                return $"{side}: \"{name}\" is, or lies behind, a symbolic link that leads out of the destination, and is not followed";
            }

            if (Operation == Operation.MapIdentity)
            {
                return $"{side}: no user or group is called \"{name}\" there: the rule that maps to it does nothing (create it, or give a number)";
            }

            if (Operation == Operation.NotPermitted)
            {
                return $"{side}: not the super-user, so not kept: {ByteText.Escape(Detail ?? [])} (run as root there, or use --fake-super)";
            }

            if (Detail is { Length: > 0 })
            {
                var verb = Operation == Operation.GetXattr ? "reading" : "setting";
                return $"{side}: {verb} the attribute {ByteText.Escape(Detail)} of \"{name}\" failed: {FileSystem.Errno.Describe(Errno)} ({Errno})";
            }

            return Errno == 0
                ? $"{side}: {OperationText.Of(Operation)} \"{name}\" failed"
                : $"{side}: {OperationText.Of(Operation)} \"{name}\" failed: {FileSystem.Errno.Describe(Errno)} ({Errno})";
        }
    }
}

/// <summary>How far a transfer is. Totals grow until <see cref="TotalsFinal"/>.</summary>
/// <param name="Entries">Entries that are settled.</param>
/// <param name="TotalEntries">Entries found so far.</param>
/// <param name="Bytes">Bytes of file content that are settled, whether they had to be sent or not.</param>
/// <param name="TotalBytes">Bytes of file content found so far.</param>
/// <param name="WireBytes">Bytes that went over the wire, both ways.</param>
/// <param name="TotalsFinal">True once the whole tree has been seen.</param>
public readonly record struct SyncProgress(
    long Entries, long TotalEntries, long Bytes, long TotalBytes, long WireBytes, bool TotalsFinal);
