namespace NativeSync.Protocol;

/// <summary>The kinds of records (docs/protocol.md, "Records of the sender", "Records of the receiver").</summary>
public enum RecordType : byte
{
    /// <summary>First of all: what the root is.</summary>
    Root = 0x01,
    /// <summary>A directory and its digest.</summary>
    Probe = 0x02,
    /// <summary>No more child directories of this one will be probed.</summary>
    Close = 0x03,
    /// <summary>Entries of a directory, or a part of them.</summary>
    Entries = 0x04,
    /// <summary>A small file in one piece.</summary>
    Whole = 0x05,
    /// <summary>The tokens of a file follow.</summary>
    FileBegin = 0x06,
    /// <summary>Token: data.</summary>
    Literal = 0x07,
    /// <summary>Token: a piece of the basis.</summary>
    Copy = 0x08,
    /// <summary>Token: zeros.</summary>
    Hole = 0x09,
    /// <summary>The tokens end; the digest of the result.</summary>
    FileEnd = 0x0a,
    /// <summary>A file could not be read.</summary>
    FileFailed = 0x0b,
    /// <summary>The sender met an error that belongs to no wanted file.</summary>
    Problem = 0x0c,
    /// <summary>Everything has been announced.</summary>
    EndOfTree = 0x0d,
    /// <summary>The name of a user or group of the sender.</summary>
    Identity = 0x0e,
    /// <summary>Answer to Compare: the content is the same.</summary>
    Same = 0x0f,
    /// <summary>Answer to Compare: the content differs; the receiver asks for it as it likes.</summary>
    Different = 0x10,
    /// <summary>The digest of a whole tree, at the end of a manifest.</summary>
    TreeDigest = 0x11,
    /// <summary>Answer to WantDelta: the content comes whole, and no more of the signature is needed.</summary>
    NoDelta = 0x12,
    /// <summary>Answer to Probe.</summary>
    Answer = 0x21,
    /// <summary>Send the file whole.</summary>
    Want = 0x22,
    /// <summary>Send the file as a delta against blocks that follow.</summary>
    WantDelta = 0x23,
    /// <summary>Blocks of the basis.</summary>
    Signature = 0x24,
    /// <summary>Send the file only if its content differs.</summary>
    Compare = 0x25,
    /// <summary>No more requests for files of this directory.</summary>
    Settled = 0x26,
    /// <summary>What was done to an entry.</summary>
    Outcome = 0x27,
    /// <summary>An entry was deleted.</summary>
    Deleted = 0x28,
    /// <summary>The receiver met an error.</summary>
    ReceiverProblem = 0x29,
    /// <summary>All is done; the receiver's statistics.</summary>
    Finished = 0x2a,
    /// <summary>A message for people, from either side.</summary>
    Note = 0x2b,
    /// <summary>A piece of the list of --files-from.</summary>
    NameList = 0x2c,
    /// <summary>An entry is here as the source has it.</summary>
    Confirmed = 0x2d,
}

/// <summary>Who may send a record.</summary>
[Flags]
public enum RecordSide : byte
{
    /// <summary>Nobody.</summary>
    None = 0,
    /// <summary>The side that has the files.</summary>
    Sender = 1,
    /// <summary>The side that gets them.</summary>
    Receiver = 2,
    /// <summary>Either.</summary>
    Both = 3,
}
