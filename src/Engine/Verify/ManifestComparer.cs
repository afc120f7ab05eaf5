using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// Merges two manifests: at a directory of the same path on both sides the entries are compared, then the child directories in
/// turn; a directory that only one side has is passed over, since its parent's entries told of it already.
/// </summary>
internal sealed class ManifestComparer
{
    private readonly ManifestReader _a;
    private readonly ManifestReader _b;
    private readonly EntryComparer _entries;
    private readonly VerifyCollector _found;
    private long _directories;
    private long _compared;

    public ManifestComparer(ManifestReader source, ManifestReader destination, VerifyOptions options, VerifyCollector found)
    {
        _a = source;
        _b = destination;
        _found = found;
        _entries = new EntryComparer(options, source.Identities, destination.Identities);
    }

    public bool Tolerated => _entries.Tolerated;

    public async Task RunAsync(CancellationToken ct)
    {
        await NextBothAsync(ct).ConfigureAwait(false);
        if (CompareRoots())
        {
            int depth = 0;
            do
            {
                if (_a.Position == ManifestPosition.Directory && _b.Position == ManifestPosition.Directory && (depth == 0 || Order() == 0))
                {
                    CompareListings();
                    depth++;
                    await NextBothAsync(ct).ConfigureAwait(false);
                }
                else if (_a.Position == ManifestPosition.Close && _b.Position == ManifestPosition.Close)
                {
                    depth--;
                    await NextBothAsync(ct).ConfigureAwait(false);
                }
                else
                {
                    await SkipSubtreeAsync(Order() < 0 ? _a : _b, ct).ConfigureAwait(false);
                }
            }
            while (depth > 0);
        }

        await ToEndAsync(_a, ct).ConfigureAwait(false);
        await ToEndAsync(_b, ct).ConfigureAwait(false);
        _found.Progress(_directories, _compared);
    }

    /// <summary>Which side comes first: a directory before the close of its parent, else by name.</summary>
    private int Order() => (_a.Position, _b.Position) switch
    {
        (ManifestPosition.Directory, ManifestPosition.Directory) => _a.Name.AsSpan().SequenceCompareTo(_b.Name),
        (ManifestPosition.Directory, _) => -1,
        _ => 1,
    };

    private async ValueTask NextBothAsync(CancellationToken ct)
    {
        // Both at once: each side is filling while the other is asked.
        Task first = _a.NextAsync(ct).AsTask();
        await _b.NextAsync(ct).ConfigureAwait(false);
        await first.ConfigureAwait(false);
    }

    private static async ValueTask SkipSubtreeAsync(ManifestReader side, CancellationToken ct)
    {
        int depth = 0;
        do
        {
            depth += side.Position == ManifestPosition.Directory ? 1 : -1;
            await side.NextAsync(ct).ConfigureAwait(false);
        }
        while (depth > 0);
    }

    private static async ValueTask ToEndAsync(ManifestReader side, CancellationToken ct)
    {
        while (side.Position != ManifestPosition.End)
        {
            await side.NextAsync(ct).ConfigureAwait(false);
        }
    }

    /// <summary>False when there is nothing further to compare.</summary>
    private bool CompareRoots()
    {
        if (_a.RootFlags == RootFlags.None || _b.RootFlags == RootFlags.None)
        {
            _found.RootMissing();
            return false;
        }

        if (_a.RootFlags != _b.RootFlags)
        {
            _found.Difference([], VerifyAspects.Type, RootOf(_a), RootOf(_b), []);
            return false;
        }

        if (_a.RootFlags == RootFlags.SingleFile)
        {
            if (_a.Listing.Count == 1 && _b.Listing.Count == 1)
            {
                CompareEntry([], 0, 0); // their names do not matter: the operator named both
            }

            return false;
        }

        List<byte[]> attributes = [];
        VerifyAspects aspects = _entries.Compare(_a.RootMetadata, _b.RootMetadata, _a.RootXattrs, _b.RootXattrs, attributes);
        if (aspects != VerifyAspects.None)
        {
            _found.Difference([], aspects, _a.RootMetadata, _b.RootMetadata, attributes);
        }

        return true;
    }

    private static EntryMetadata? RootOf(ManifestReader side) =>
        side.RootFlags == RootFlags.SingleFile ? side.Listing.Count == 1 ? side.Listing.Entries.Metadata(0) : null : side.RootMetadata;

    private void CompareListings()
    {
        DirectoryListing a = _a.Listing.Entries, b = _b.Listing.Entries;
        PathBuilder path = _a.Path;
        int i = 0, j = 0;
        while (i < a.Count || j < b.Count)
        {
            int order = i == a.Count ? 1 : j == b.Count ? -1 : a.Name(i).SequenceCompareTo(b.Name(j));
            int before = path.Push(order <= 0 ? a.Name(i) : b.Name(j));
            _compared++;
            if (order == 0)
            {
                CompareEntry(path.Span, i, j);
            }
            else if (order < 0 && !b.Incomplete)
            {
                _found.Difference(path.ToArray(), VerifyAspects.MissingAtDestination, a.Metadata(i), null, []);
            }
            else if (order > 0 && !a.Incomplete)
            {
                _found.Difference(path.ToArray(), VerifyAspects.MissingAtSource, null, b.Metadata(j), []);
            }

            path.Truncate(before);
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }

        if ((++_directories & 255) == 0)
        {
            _found.Progress(_directories, _compared);
        }
    }

    private void CompareEntry(ReadOnlySpan<byte> path, int i, int j)
    {
        DirectoryListing a = _a.Listing.Entries, b = _b.Listing.Entries;
        List<byte[]> attributes = [];
        VerifyAspects aspects = _entries.Compare(a.Metadata(i), b.Metadata(j), a.Xattrs(i), b.Xattrs(j), attributes);
        if ((aspects & VerifyAspects.Type) == 0)
        {
            if (!a.LinkTarget(i).SequenceEqual(b.LinkTarget(j)))
            {
                aspects |= VerifyAspects.LinkTarget;
            }

            // A digest that is missing has its problem; a size that differs says enough of the content.
            if (_a.Listing.TryDigest(i, out UInt128 left) && _b.Listing.TryDigest(j, out UInt128 right) && left != right)
            {
                aspects |= VerifyAspects.Content;
            }

            byte[]? leaderA = _a.Listing.Leader(i), leaderB = _b.Listing.Leader(j);
            if ((leaderA == null) != (leaderB == null) || (leaderA != null && !leaderA.AsSpan().SequenceEqual(leaderB)))
            {
                aspects |= VerifyAspects.HardLink;
            }
        }

        if (aspects != VerifyAspects.None)
        {
            _found.Difference(path.ToArray(), aspects, a.Metadata(i), b.Metadata(j), attributes);
        }
    }
}
