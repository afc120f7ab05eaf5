using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>
/// --fuzzy: which file of a directory most likely holds much of what a missing one is to hold. One of the same size and time wins,
/// else the one whose name is nearest. A wrong guess costs bytes, never the result.
/// </summary>
internal static class SimilarName
{
    /// <summary>Beyond this many edits for each four bytes of the name two names have nothing to do with each other.</summary>
    private const int EditsPerFour = 2;

    /// <summary>The index in <paramref name="listing"/>; -1 for none.</summary>
    public static int Find(DirectoryListing listing, ReadOnlySpan<byte> name, in EntryMetadata wanted)
    {
        var best = -1;
        var least = (name.Length * EditsPerFour / 4) + 1;
        Span<ushort> row = stackalloc ushort[ProtocolLimits.MaxNameLength + 1];
        for (var i = 0; i < listing.Count; i++)
        {
            ref var here = ref listing.Metadata(i);
            if (!here.IsRegular || here.Size == 0)
            {
                continue;
            }

            if (here.Size == wanted.Size && here.Modified == wanted.Modified)
            {
                return i;
            }

            var distance = Math.Abs(listing.Name(i).Length - name.Length) < least ? Distance(listing.Name(i), name, row) : int.MaxValue;
            if (distance < least)
            {
                least = distance;
                best = i;
            }
        }

        return best;
    }

    /// <summary>Insertions, deletions and replacements from one to the other (Levenshtein).</summary>
    private static int Distance(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, Span<ushort> row)
    {
        for (var j = 0; j <= to.Length; j++)
        {
            row[j] = (ushort)j;
        }

        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = (ushort)i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = (ushort)Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[to.Length];
    }
}
