namespace NativeSync.Migration.Fixups;

/// <summary>What a name of the migrated root is.</summary>
internal enum RootEntryKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A device, a FIFO, a socket.</summary>
    Other,
}

/// <summary>
/// The migrated root as its own processes would see it. Paths are relative ("etc/fstab"), one character a byte (Latin-1), so
/// that no name is lost. Links are followed within the root alone: one that begins with a slash starts at the root, and ".."
/// ends there. Nothing that the root holds can lead out of it.
/// </summary>
/// <remarks>All members but <see cref="Resolve"/> take a resolved path; what is wrong on disk throws <see cref="IOException"/>.</remarks>
internal interface IRootTree
{
    /// <summary>The path without links; its last part need not exist. Null when a part on the way does not, or links go in circles.</summary>
    string? Resolve(string path);

    /// <summary>What is there.</summary>
    RootEntryKind Kind(string path);

    /// <summary>The content of a regular file of at most 16 MiB; null when there is none.</summary>
    byte[]? Read(string path);

    /// <summary>A regular file to be read from its beginning; null when there is none.</summary>
    Stream? Open(string path);

    /// <summary>Names in a directory, in byte order; none when it is not there.</summary>
    IReadOnlyList<string> List(string path);

    /// <summary>The target of a symbolic link; null when it is none.</summary>
    string? LinkTarget(string path);

    /// <summary>Whether it bears an SELinux label.</summary>
    bool HasLabel(string path);

    /// <summary>Replaces or makes a file, at once or not at all; one that is there keeps owner, mode and label. Directories on the way are made.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    /// <param name="modeIfNew">Mode of a file that is not there yet.</param>
    /// <param name="like">A file that a new one gets owner and mode of, in the place of <paramref name="modeIfNew"/>; null for none.</param>
    void Write(string path, ReadOnlySpan<byte> content, uint modeIfNew, string? like = null);

    /// <summary>Replaces whatever bears the name by a symbolic link.</summary>
    void Link(string path, string target);

    /// <summary>Takes away a file or a link; nothing happens when it is not there.</summary>
    void Remove(string path);
}
