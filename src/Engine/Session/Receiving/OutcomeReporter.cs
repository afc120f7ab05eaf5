using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Counts what is done at the receiving end, and tells it: to the observer when this end is the caller's, over the wire when
/// it is the agent and the caller asked for reports.
/// </summary>
internal sealed class OutcomeReporter(SyncContext context, Statistics statistics, FullDisk full, Confirmer confirmer)
{
    private readonly bool _overWire = context.Observer is null;

    /// <summary>Somebody wants to hear of what is done, and not only of what is left out.</summary>
    private readonly bool _told = context.Observer?.HearsEntries ?? context.Has(JobFlags.Report);

    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="how">HardLink: it was linked, Content: copied, from another place where it is the same; nothing: it is here.</param>
    /// <param name="leader">The name which it was linked to, of its set.</param>
    public void Unchanged(ReceiverDirectory directory, int index, Changes how = 0, byte[]? leader = null)
    {
        confirmer.Confirm(directory, index);
        if (context.Has(JobFlags.ReportUnchanged))
        {
            Tell(OutcomeKind.Unchanged, directory, index, how, leader);
        }
    }

    public void Skipped(ReceiverDirectory directory, int index, bool isNew)
    {
        Interlocked.Increment(ref statistics.Skipped);
        if (context.Has(JobFlags.ReportUnchanged))
        {
            Tell(OutcomeKind.Skipped, directory, index, isNew ? Changes.New : 0, null);
        }
    }

    /// <summary>A link that --safe-links leaves out.</summary>
    public void UnsafeLink(ReceiverDirectory directory, int index)
    {
        Interlocked.Increment(ref statistics.Skipped);
        Tell(OutcomeKind.Skipped, directory, index, 0, null);
    }

    /// <summary>The options do not transfer entries of this type.</summary>
    public void NotTransferred(ReceiverDirectory directory, int index, bool isNew)
    {
        Interlocked.Increment(ref statistics.Skipped);
        Tell(OutcomeKind.NotRegular, directory, index, isNew ? Changes.New : 0, null);
    }

    public void Done(OutcomeKind kind, ReceiverDirectory directory, int index, Changes changes, long transferred = 0, UInt128? digest = null)
    {
        confirmer.Confirm(directory, index);
        statistics.Count(kind, directory.Remote!.Entries.Metadata(index).Type);
        if (_told)
        {
            Tell(kind, directory, index, changes, null, transferred, digest);
        }
    }

    /// <summary>The destination directory itself.</summary>
    public void Root(OutcomeKind kind, in EntryMetadata metadata, Changes changes)
    {
        if (kind == OutcomeKind.Unchanged && !context.Has(JobFlags.ReportUnchanged))
        {
            return;
        }

        statistics.Count(kind, metadata.Type);
        if (!_told)
        {
            return;
        }

        if (context.Observer is { } observer)
        {
            observer.OnEntry(new EntryEvent(kind, changes, "."u8.ToArray(), metadata, null, Outgoing: false));
        }
        else if (_overWire)
        {
            Write(kind, 0, Records.RootIndex, changes);
        }
    }

    public void Linked(ReceiverDirectory directory, int index, byte[] leader, bool isNew)
    {
        confirmer.Confirm(directory, index);
        statistics.Count(OutcomeKind.Linked, directory.Remote!.Entries.Metadata(index).Type);
        if (isNew)
        {
            statistics.Count(OutcomeKind.Created, directory.Remote!.Entries.Metadata(index).Type);
        }

        if (_told)
        {
            Tell(OutcomeKind.Linked, directory, index, Changes.HardLink | (isNew ? Changes.New : 0), leader);
        }
    }

    /// <summary>Something about the whole that people want to know, e.g. that the destination was made.</summary>
    public void Note(byte[] text)
    {
        if (context.Observer is { } observer)
        {
            observer.OnNote(text);
        }
        else if (_overWire)
        {
            using var scope = context.Outbox.Enter(Records.NoteBound(text.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteNote(ref writer, NoteLevel.Information, text);
            scope.Commit(writer.Position);
        }
    }

    public void Failed(ReceiverDirectory directory, int index, Operation operation, int errno)
    {
        full.ThrowIf(-errno, PathBytes.Join(directory.Path, directory.Remote!.Entries.Name(index)), size: 0);
        Interlocked.Increment(ref statistics.Failed);
        Problem(operation, errno, PathBytes.Join(directory.Path, directory.Remote!.Entries.Name(index)));
    }

    public void Deleted(ReceiverDirectory directory, byte[] nameBelow, EntryType type)
    {
        statistics.Count(OutcomeKind.Deleted, type);
        if (!_told)
        {
            return;
        }

        if (context.Observer is { } observer)
        {
            var metadata = new EntryMetadata { Mode = (uint)type << 12 };
            observer.OnEntry(new EntryEvent(OutcomeKind.Deleted, 0, PathBytes.Join(directory.Path, nameBelow), metadata, null, Outgoing: false));
        }
        else if (_overWire)
        {
            using var scope = context.Outbox.Enter(Records.DeletedBound(nameBelow.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteDeleted(ref writer, directory.Id, nameBelow, type);
            scope.Commit(writer.Position);
        }
    }

    /// <summary>Trouble at this end: kept, shown, and told to the sender, whose caller must know.</summary>
    public void Problem(Operation operation, int errno, byte[] path, bool warning = false, bool onSource = false, byte[]? detail = null)
    {
        Interlocked.Increment(ref statistics.Problems);
        context.Problems.Add(new SyncProblem(operation, errno, path, onSource, warning) { Detail = detail });
        if (context.Observer is not null)
        {
            return;
        }

        try
        {
            using var scope = context.Outbox.Enter(Records.ProblemBound(path.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteProblem(ref writer, RecordType.ReceiverProblem, errno, operation, warning ? ProblemFlags.Warning : 0, path, detail);
            scope.Commit(writer.Position);
        }
        catch (SessionAbortedException)
        {
            // Nobody hears any more. Who met it has something to put back first, and is told by what it does next.
        }
    }

    private void Tell(OutcomeKind kind, ReceiverDirectory directory, int index, Changes changes, byte[]? leader, long transferred = 0, UInt128? digest = null)
    {
        if (context.Observer is { } observer)
        {
            var entries = directory.Remote!.Entries;
            var target = leader ?? (entries.Metadata(index).IsSymbolicLink ? entries.LinkTarget(index).ToArray() : null);
            observer.OnEntry(new EntryEvent(
                kind, changes, PathBytes.Join(directory.Path, entries.Name(index)), entries.Metadata(index), target, Outgoing: false)
            {
                Transferred = transferred,
                Digest = digest,
            });
        }
        else if (_overWire)
        {
            Write(kind, directory.Id, index, changes);
        }
    }

    private void Write(OutcomeKind kind, int directory, int index, Changes changes)
    {
        using var scope = context.Outbox.Enter(Records.OutcomeBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteOutcome(ref writer, kind, directory, index, changes);
        scope.Commit(writer.Position);
    }
}
