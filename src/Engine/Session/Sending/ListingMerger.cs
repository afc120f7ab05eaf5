using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Merges listings of several sources into one, by name; as in rsync the first source that has a name wins it.
/// </summary>
internal sealed class ListingMerger(DirectoryListing into)
{
    private readonly List<(DirectoryListing Part, int Origin)> _parts = [];

    public void Add(DirectoryListing part, int origin)
    {
        _parts.Add((part, origin));
        into.Incomplete |= part.Incomplete;
        foreach (var problem in part.Problems ?? [])
        {
            into.AddProblem(problem.Operation, problem.Error, problem.Name);
        }
    }

    /// <summary>Fills the listing; returns the origin of each entry.</summary>
    public int[] Finish()
    {
        var origins = new List<int>();
        var next = new int[_parts.Count];
        while (true)
        {
            var best = -1;
            for (var p = 0; p < _parts.Count; p++)
            {
                var part = _parts[p].Part;
                if (next[p] < part.Count
                    && (best < 0 || part.Name(next[p]).SequenceCompareTo(_parts[best].Part.Name(next[best])) < 0))
                {
                    best = p;
                }
            }

            if (best < 0)
            {
                return [.. origins];
            }

            var (from, origin) = _parts[best];
            var i = next[best];
            var name = from.Name(i);
            into.Append(name, from.Metadata(i), from.Identity(i), from.LinkTarget(i), from.Xattrs(i));
            origins.Add(origin);
            for (var p = 0; p < _parts.Count; p++)
            {
                if (next[p] < _parts[p].Part.Count && _parts[p].Part.Name(next[p]).SequenceEqual(name))
                {
                    next[p]++;
                }
            }
        }
    }
}
