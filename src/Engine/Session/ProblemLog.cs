using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>What went wrong with single entries: counted, the first thousand kept, all told to the observer.</summary>
internal sealed class ProblemLog(ISyncObserver? observer)
{
    private const int Kept = 1000;

    private readonly Lock _gate = new();
    private readonly List<SyncProblem> _first = [];
    private List<SyncProblem>? _held;
    private long _count;
    private long _errors;
    private long _vanished;
    private long _sourceErrors;

    public long Count => Volatile.Read(ref _count);

    public long Vanished => Volatile.Read(ref _vanished);

    /// <summary>True once the source could not be read somewhere: nothing is deleted from then on.</summary>
    public bool SourceFailed => Volatile.Read(ref _sourceErrors) > 0;

    public IReadOnlyList<SyncProblem> First
    {
        get
        {
            lock (_gate)
            {
                return [.. _first];
            }
        }
    }

    /// <summary>A problem that the other end met.</summary>
    public void Add(in ProblemRecord problem, bool onSource) => Add(new SyncProblem(
        problem.Operation, problem.Errno, problem.Path.ToArray(), onSource, (problem.Flags & ProblemFlags.Warning) != 0) { Detail = problem.Detail.ToArray() });

    /// <summary>From now on the observer is not told: it shall hear of the session first.</summary>
    public void Hold() => _held = [];

    /// <summary>Tells the observer what was held back, and from now on at once.</summary>
    public void TellHeld()
    {
        while (true)
        {
            List<SyncProblem> held;
            lock (_gate)
            {
                held = _held ?? [];
                _held = held.Count > 0 ? [] : null;
            }

            if (held.Count == 0)
            {
                return;
            }

            held.ForEach(problem => observer?.OnProblem(problem));
        }
    }

    public void Add(in SyncProblem problem)
    {
        lock (_gate)
        {
            _count++;
            if (!problem.Warning)
            {
                _errors++;
                // A source that was named and is not there hides nothing that could be deleted by mistake.
                if (problem.OnSource && problem.Operation is not (Operation.Changed or Operation.Verify or Operation.Remove)
                    && problem is not { Operation: Operation.Stat, Errno: FileSystem.Errno.ENOENT })
                {
                    _sourceErrors++;
                }
            }
            else if (problem.OnSource && problem.Errno == FileSystem.Errno.ENOENT)
            {
                _vanished++;
            }

            if (_first.Count < Kept)
            {
                _first.Add(problem);
            }

            if (_held is not null)
            {
                _held.Add(problem);
                return;
            }
        }

        observer?.OnProblem(problem);
    }

    /// <summary>rsync's exit code for what is recorded here.</summary>
    public int ExitCode => Volatile.Read(ref _errors) > 0 ? ExitCodes.Partial : Vanished > 0 ? ExitCodes.Vanished : ExitCodes.Ok;
}
