using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>One content that is looked for: what was found, and how far its proof is. One thread at a time has it.</summary>
/// <param name="delta">What is asked for when nothing is found: a delta, against the basis that was chosen, or all of it.</param>
internal sealed class Attempt(bool delta)
{
    public bool Delta { get; } = delta;

    /// <summary>Files of the index that may be it.</summary>
    public int[] Found { get; set; } = [];

    /// <summary>How much of the destination the index knew when it was asked.</summary>
    public int Round { get; set; }

    /// <summary>Which of them comes next.</summary>
    public int Next { get; set; }

    /// <summary>The file whose digest the sender was told.</summary>
    public int File { get; set; }

    /// <summary>Stands for the directory in which that was among the open handles.</summary>
    public int Key => -2 - Place;

    /// <summary>The number of that directory in the index.</summary>
    public int Place { get; set; }

    /// <summary>The path of the directory in which that was when it was read.</summary>
    public byte[] Directory { get; set; } = [];

    /// <summary>Its name there.</summary>
    public byte[] Name { get; set; } = [];

    /// <summary>What that was when it was read.</summary>
    public FileStatus Status { get; set; }

    /// <summary>Its handle, which survives that the name gets another file; -1 when too many were open.</summary>
    public int Fd { get; set; } = -1;

    /// <summary>It is extraneous: moved rather than copied.</summary>
    public bool MayMove { get; set; }
}
