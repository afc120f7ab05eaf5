using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Where a directory of the transfer really is: a path without links below a handle that an operator's argument opened.</summary>
/// <param name="RootFd">The handle; owned by <see cref="SourceRoots"/>.</param>
/// <param name="Path">The path below it; empty for the handle itself.</param>
/// <param name="Filters">The filter rules at work below the handle.</param>
/// <param name="Rules">Those in the directory above, and once it has been scanned in this one; null for a handle that has not been.</param>
internal readonly record struct Origin(int RootFd, byte[] Path, FilterScope Filters, DirectoryRules? Rules = null)
{
    /// <summary>The same with the rules in this directory; <paramref name="fd"/> is its handle, <paramref name="path"/> its path in the transfer.</summary>
    public Origin Enter(byte[] path, int fd) => this with { Rules = Rules is null ? Filters.EnterRoot(fd) : Filters.Enter(Rules, path, fd) };

    /// <summary>Whether the rules in this directory show a directory in it; <paramref name="path"/> is its path in the transfer.</summary>
    public bool Shows(byte[] path) => Rules is null || Rules.Check(path, isDirectory: true, FilterSide.Sender) == FilterDecision.Included;

    /// <summary>The same for a child directory.</summary>
    public Origin Child(ReadOnlySpan<byte> name) => this with { Path = PathBytes.Join(Path, name) };
}
