namespace NativeSync.Protocol;

/// <summary>What the root is.</summary>
public readonly ref struct RootRecord
{
    /// <summary>What kind of root.</summary>
    public RootFlags Flags { get; init; }
    /// <summary>With <see cref="RootFlags.Attributes"/>: the root's own attributes; without a name.</summary>
    public Entry Attributes { get; init; }
}

/// <summary>A directory of the sender and its digest. Directory 0 is the root: its own parent, without a name.</summary>
public readonly ref struct ProbeRecord
{
    /// <summary>The directory, as the sender numbers it; greater than its parent.</summary>
    public int Directory { get; init; }
    /// <summary>The directory that it lies in.</summary>
    public int Parent { get; init; }
    /// <summary>Its name there.</summary>
    public ReadOnlySpan<byte> Name { get; init; }
    /// <summary>Digest of its entries.</summary>
    public UInt128 Digest { get; init; }
}

/// <summary>No more child directories of this one will be probed.</summary>
/// <param name="Directory">The directory.</param>
public readonly record struct CloseRecord(int Directory);

/// <summary>Head of a part of a directory's entries; <see cref="Count"/> entries follow, to be read with an <see cref="EntryDecoder"/>.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="First">The index of the first entry of this part.</param>
/// <param name="Flags">Last part, incomplete.</param>
/// <param name="Count">Entries of this part.</param>
public readonly record struct EntriesRecord(int Directory, int First, EntriesFlags Flags, int Count);

/// <summary>A small file in one piece.</summary>
public readonly ref struct WholeRecord
{
    /// <summary>The directory.</summary>
    public int Directory { get; init; }
    /// <summary>The entry.</summary>
    public int Index { get; init; }
    /// <summary>Whether it held still.</summary>
    public ContentFlags Flags { get; init; }
    /// <summary>Its content, at most <see cref="ProtocolLimits.MaxWhole"/> bytes.</summary>
    public ReadOnlySpan<byte> Data { get; init; }
    /// <summary>XXH3-128 of the content.</summary>
    public UInt128 Digest { get; init; }
}

/// <summary>The tokens of a file follow.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="Size">The length that the file has now; the tokens decide.</param>
/// <param name="BasisLength">The length of the basis that Copy tokens speak of; 0 without one.</param>
public readonly record struct FileBeginRecord(int Directory, int Index, long Size, long BasisLength);

/// <summary>Token: data.</summary>
public readonly ref struct LiteralRecord
{
    /// <summary>1 to <see cref="ProtocolLimits.MaxLiteral"/> bytes.</summary>
    public ReadOnlySpan<byte> Data { get; init; }
}

/// <summary>Token: a piece of the basis.</summary>
/// <param name="Offset">Where in the basis.</param>
/// <param name="Length">At least 1; offset + length is at most 2^63 - 1.</param>
public readonly record struct CopyRecord(long Offset, long Length);

/// <summary>Token: zeros.</summary>
/// <param name="Length">At least 1.</param>
public readonly record struct HoleRecord(long Length);

/// <summary>The tokens end.</summary>
/// <param name="Flags">Whether the file held still.</param>
/// <param name="Errno">0; else the source could not be read to its end, and what came is not to be used.</param>
/// <param name="Digest">XXH3-128 of the whole content; of no meaning after an error.</param>
public readonly record struct FileEndRecord(ContentFlags Flags, int Errno, UInt128 Digest);

/// <summary>A file could not be opened or read; comes instead of Whole, FileBegin, Same or Different.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="Errno">Why.</param>
public readonly record struct FileFailedRecord(int Directory, int Index, int Errno);

/// <summary>An error that belongs to a path.</summary>
public readonly ref struct ProblemRecord
{
    /// <summary>Why: Linux's number; 0 when there is none.</summary>
    public int Errno { get; init; }
    /// <summary>What was attempted.</summary>
    public Operation Operation { get; init; }
    /// <summary>Whether it counts as an error.</summary>
    public ProblemFlags Flags { get; init; }
    /// <summary>Relative to the root; empty for the root. For messages only, to be escaped.</summary>
    public ReadOnlySpan<byte> Path { get; init; }
    /// <summary>The name of the attribute, where the problem is with one. For messages only, to be escaped.</summary>
    public ReadOnlySpan<byte> Detail { get; init; }
}

/// <summary>The name of a user or group of the sender, before the first entry that has it.</summary>
public readonly ref struct IdentityRecord
{
    /// <summary>User or group.</summary>
    public IdentityKind Kind { get; init; }
    /// <summary>The number at the sender.</summary>
    public uint Number { get; init; }
    /// <summary>Its name: 1 to 255 bytes, no NUL, colon or line feed.</summary>
    public ReadOnlySpan<byte> Name { get; init; }
}

/// <summary>Answer to Compare: the content is the same.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
public readonly record struct SameRecord(int Directory, int Index);

/// <summary>Answer to Compare: the content differs.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
public readonly record struct DifferentRecord(int Directory, int Index);

/// <summary>The digest of a whole tree; comes once, before EndOfTree, and only in a manifest.</summary>
/// <param name="Digest">XXH3-128 of the canonical description of the tree (docs/protocol.md, "TreeDigest").</param>
public readonly record struct TreeDigestRecord(UInt128 Digest);

/// <summary>Answer to WantDelta: the content has nothing in common with the basis and comes as for a Want; no more of the signature is needed.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
public readonly record struct NoDeltaRecord(int Directory, int Index);

/// <summary>Answer to Probe.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Verdict">What the receiver needs.</param>
public readonly record struct AnswerRecord(int Directory, Verdict Verdict);

/// <summary>Send the file whole.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
public readonly record struct WantRecord(int Directory, int Index);

/// <summary>Send the file as a delta; Signature records with the blocks of the basis follow.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="BasisLength">At least 1.</param>
/// <param name="BlockSize">A power of two.</param>
/// <param name="StrongLength">How many bytes of each strong checksum travel: 0 to 16.</param>
public readonly record struct WantDeltaRecord(int Directory, int Index, long BasisLength, int BlockSize, int StrongLength)
{
    /// <summary>How many blocks the signature has: the last may be short.</summary>
    public long BlockCount => ((BasisLength - 1) / BlockSize) + 1;
}

/// <summary>Blocks of the basis, in order; continues the WantDelta before it.</summary>
public readonly ref struct SignatureRecord
{
    /// <summary>How many.</summary>
    public int Count { get; init; }
    /// <summary>0 to 16, as in the WantDelta.</summary>
    public int StrongLength { get; init; }
    /// <summary>Count times weak (4 bytes, little endian) and strong.</summary>
    public ReadOnlySpan<byte> Blocks { get; init; }
}

/// <summary>Send the file only if its content differs.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="Digest">XXH3-128 of what the receiver has.</param>
public readonly record struct CompareRecord(int Directory, int Index, UInt128 Digest);

/// <summary>No more requests for files of this directory.</summary>
/// <param name="Directory">The directory.</param>
public readonly record struct SettledRecord(int Directory);

/// <summary>What was done to an entry.</summary>
/// <param name="Kind">What.</param>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="Changes">In what it differed.</param>
public readonly record struct OutcomeRecord(OutcomeKind Kind, int Directory, int Index, Changes Changes);

/// <summary>An entry was deleted.</summary>
public readonly ref struct DeletedRecord
{
    /// <summary>The nearest directory that the sender knows.</summary>
    public int Directory { get; init; }
    /// <summary>Names below it, joined by slashes.</summary>
    public ReadOnlySpan<byte> Name { get; init; }
    /// <summary>What it was.</summary>
    public EntryType Type { get; init; }
}

/// <summary>A piece of the list of --files-from, as it stands in the file.</summary>
public readonly ref struct NameListRecord
{
    /// <summary>Nothing of the list follows.</summary>
    public bool Last { get; init; }
    /// <summary>At most 262,144 bytes.</summary>
    public ReadOnlySpan<byte> Data { get; init; }
}

/// <summary>An entry is at the receiver as the source has it.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Index">The entry.</param>
/// <param name="Device">The file system that holds it; 0 unless both ends are on one machine.</param>
/// <param name="Inode">Its inode there; 0 likewise.</param>
public readonly record struct ConfirmedRecord(int Directory, int Index, ulong Device, ulong Inode);

/// <summary>A message for people.</summary>
public readonly ref struct NoteRecord
{
    /// <summary>How grave.</summary>
    public NoteLevel Level { get; init; }
    /// <summary>UTF-8, to be escaped before it is shown; at most 4096 bytes.</summary>
    public ReadOnlySpan<byte> Text { get; init; }
}
