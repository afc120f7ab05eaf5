using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>In what an entry differs between the two sides.</summary>
[Flags]
public enum VerifyAspects
{
    /// <summary>In nothing.</summary>
    None = 0,

    /// <summary>Only the source has it, with all below it.</summary>
    MissingAtDestination = 1,

    /// <summary>Only the destination has it, with all below it.</summary>
    MissingAtSource = 2,

    /// <summary>One is, say, a directory and the other a link.</summary>
    Type = 4,

    /// <summary>Length of a file.</summary>
    Size = 8,

    /// <summary>Permission bits.</summary>
    Mode = 0x10,

    /// <summary>Owner.</summary>
    Owner = 0x20,

    /// <summary>Group.</summary>
    Group = 0x40,

    /// <summary>mtime, to the nanosecond.</summary>
    Time = 0x80,

    /// <summary>XXH3-128 of the content.</summary>
    Content = 0x100,

    /// <summary>Where a symbolic link points.</summary>
    LinkTarget = 0x200,

    /// <summary>Device number.</summary>
    Device = 0x400,

    /// <summary>Extended attributes; their names are given.</summary>
    Xattrs = 0x800,

    /// <summary>Access or default ACL.</summary>
    Acl = 0x1000,

    /// <summary>Which names share an inode.</summary>
    HardLink = 0x2000,

    /// <summary>Inode flags (chattr).</summary>
    FileFlags = 0x4000,

    /// <summary>Project id.</summary>
    ProjectId = 0x8000,
}

/// <summary>An entry that differs.</summary>
/// <param name="Path">Relative to both roots, raw bytes; empty for the root itself.</param>
/// <param name="Aspects">In what.</param>
/// <param name="Source">As the source has it; null where it is missing.</param>
/// <param name="Destination">As the destination has it; null where it is missing.</param>
/// <param name="Attributes">Names of the extended attributes that differ.</param>
public sealed record VerifyDifference(byte[] Path, VerifyAspects Aspects, EntryMetadata? Source, EntryMetadata? Destination, IReadOnlyList<byte[]> Attributes);

/// <summary>Something of one side that could not be read, so that nothing is known about it.</summary>
/// <param name="OnDestination">Which side.</param>
/// <param name="Operation">What was tried.</param>
/// <param name="Errno">Linux's number; 0 when there is none.</param>
/// <param name="Path">Relative to the root, raw bytes.</param>
/// <param name="Warning">The file changed or vanished meanwhile.</param>
public sealed record VerifyProblem(bool OnDestination, Operation Operation, int Errno, byte[] Path, bool Warning);

/// <summary>What a comparison found.</summary>
public sealed class VerifyReport
{
    /// <summary>Of the source: XXH3-128 over everything that the options ask to compare.</summary>
    public UInt128 SourceDigest { get; internal set; }

    /// <summary>Of the destination.</summary>
    public UInt128 DestinationDigest { get; internal set; }

    /// <summary>Counts of the source.</summary>
    public Statistics Source { get; internal set; } = new();

    /// <summary>Counts of the destination.</summary>
    public Statistics Destination { get; internal set; } = new();

    /// <summary>Entries that differ.</summary>
    public long DifferenceCount { get; internal set; }

    /// <summary>The first of them, at most <see cref="VerifyOptions.MaxKept"/>.</summary>
    public IReadOnlyList<VerifyDifference> Differences { get; internal set; } = [];

    /// <summary>Problems, warnings included.</summary>
    public long ProblemCount { get; internal set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<VerifyProblem> Problems { get; internal set; } = [];

    /// <summary>A side whose root is not there or cannot be opened.</summary>
    public bool RootMissing { get; internal set; }

    /// <summary>Owners without a name on one side were compared by number, which the digests cannot know.</summary>
    public bool ComparedByTolerance { get; internal set; }

    /// <summary>Both digests agree.</summary>
    public bool DigestsAgree => SourceDigest == DestinationDigest;

    /// <summary>Nothing differs, everything could be read, and the digests agree (or could not be expected to).</summary>
    public bool Same => DifferenceCount == 0 && ProblemCount == 0 && !RootMissing && (DigestsAgree || ComparedByTolerance);
}

/// <summary>Hears of findings as they are made. Called by one thread at a time; must be quick.</summary>
public interface IVerifyObserver
{
    /// <summary>An entry differs.</summary>
    void OnDifference(VerifyDifference difference);

    /// <summary>Something could not be read.</summary>
    void OnProblem(VerifyProblem problem);

    /// <summary>So many directories are compared.</summary>
    void OnProgress(long directories, long entries);
}
