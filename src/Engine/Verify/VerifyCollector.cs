using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>Gathers findings for the report and passes them to the observer. Guarded by <c>_gate</c>: both sides tell of problems.</summary>
internal sealed class VerifyCollector(VerifyOptions options, IVerifyObserver? observer)
{
    private readonly Lock _gate = new();
    private readonly List<VerifyDifference> _differences = [];
    private readonly List<VerifyProblem> _problems = [];
    private long _differenceCount;
    private long _problemCount;
    private bool _rootMissing;

    public void Difference(byte[] path, VerifyAspects aspects, EntryMetadata? source, EntryMetadata? destination, IReadOnlyList<byte[]> attributes)
    {
        VerifyDifference difference = new(path, aspects, source, destination, attributes);
        lock (_gate)
        {
            _differenceCount++;
            if (_differences.Count < options.MaxKept)
            {
                _differences.Add(difference);
            }

            observer?.OnDifference(difference);
        }
    }

    public void Problem(bool onDestination, SideProblem problem)
    {
        VerifyProblem told = new(onDestination, problem.Operation, problem.Errno, problem.Path, problem.Warning);
        lock (_gate)
        {
            _problemCount++;
            if (_problems.Count < options.MaxKept)
            {
                _problems.Add(told);
            }

            observer?.OnProblem(told);
        }
    }

    public void RootMissing()
    {
        lock (_gate)
        {
            _rootMissing = true;
        }
    }

    public void Progress(long directories, long entries)
    {
        lock (_gate)
        {
            observer?.OnProgress(directories, entries);
        }
    }

    public VerifyReport Finish(ManifestReader source, ManifestReader destination, bool tolerated)
    {
        lock (_gate)
        {
            return new VerifyReport
            {
                SourceDigest = source.TreeDigest,
                DestinationDigest = destination.TreeDigest,
                Source = source.Statistics ?? new Statistics(),
                Destination = destination.Statistics ?? new Statistics(),
                DifferenceCount = _differenceCount,
                Differences = _differences,
                ProblemCount = _problemCount,
                Problems = _problems,
                RootMissing = _rootMissing,
                ComparedByTolerance = tolerated,
            };
        }
    }
}
