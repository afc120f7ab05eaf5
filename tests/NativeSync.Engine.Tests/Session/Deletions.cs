using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Notes what is told to be deleted.</summary>
internal sealed class Deletions : ISyncObserver
{
    private readonly HashSet<string> _paths = [];

    public IReadOnlyCollection<string> Paths => _paths;

    public void OnEntry(in EntryEvent entry)
    {
        if (entry.Kind == OutcomeKind.Deleted)
        {
            lock (_paths)
            {
                _paths.Add(System.Text.Encoding.UTF8.GetString(entry.Path.ToArray()));
            }
        }
    }

    public void OnProblem(in SyncProblem problem)
    {
    }

    public void OnProgress(in SyncProgress progress)
    {
    }
}
