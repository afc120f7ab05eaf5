namespace NativeSync.Engine.Session.Sending;

/// <summary>Where a directory of the transfer really is: a path without links below a handle that an operator's argument opened.</summary>
/// <param name="RootFd">The handle; owned by <see cref="SourceRoots"/>.</param>
/// <param name="Path">The path below it; empty for the handle itself.</param>
internal readonly record struct Origin(int RootFd, byte[] Path)
{
    /// <summary>The same for a child directory.</summary>
    public Origin Child(ReadOnlySpan<byte> name) => new(RootFd, PathBytes.Join(Path, name));
}
