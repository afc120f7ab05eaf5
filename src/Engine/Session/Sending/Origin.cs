using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Where a directory of the transfer really is: a path without links below a place that the operator named, or below what a followed link leads to.</summary>
/// <param name="Place">The operator's directory.</param>
/// <param name="Path">The path below it, or below the link; empty for itself.</param>
/// <param name="Filters">The filter rules at work in its source.</param>
/// <param name="Rules">Those in the directory above, and once it has been scanned in this one; null for a root that has not been.</param>
/// <param name="Link">The last link that was followed on the way; null for none.</param>
internal readonly record struct Origin(SourcePlace Place, byte[] Path, FilterScope Filters, DirectoryRules? Rules = null, FollowedLink? Link = null)
{
    /// <summary>The same with the rules in this directory; <paramref name="fd"/> is its handle, <paramref name="path"/> its path in the transfer.</summary>
    public Origin Enter(byte[] path, int fd) => this with { Rules = Rules is null ? Filters.EnterRoot(fd) : Filters.Enter(Rules, path, fd) };

    /// <summary>Whether the rules in this directory show a directory in it; <paramref name="path"/> is its path in the transfer.</summary>
    public bool Shows(byte[] path) => Rules is null || Rules.Check(path, isDirectory: true, FilterSide.Sender) == FilterDecision.Included;

    /// <summary>The same for a child directory.</summary>
    public Origin Child(ReadOnlySpan<byte> name) => this with { Path = PathBytes.Join(Path, name) };

    /// <summary>The absolute path, where no link was followed below the place.</summary>
    public byte[] RealPath => Path.Length == 0 ? Place.RealPath : [.. Place.RealPath.AsSpan().TrimEnd((byte)'/'), (byte)'/', .. Path];

    /// <summary>The path from the place, links and all.</summary>
    public byte[] FullPath => Link is null ? Path : PathBytes.Join(PathBytes.Join(Link.Directory.FullPath, Link.Name), Path);
}

/// <summary>A link to a directory that an option says to follow.</summary>
/// <param name="Directory">The directory that holds the link.</param>
/// <param name="Name">The link.</param>
/// <param name="Depth">How many directories of the transfer it lies below.</param>
internal sealed record FollowedLink(Origin Directory, byte[] Name, int Depth);
