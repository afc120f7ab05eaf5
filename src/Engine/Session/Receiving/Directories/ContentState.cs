namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>How far an entry's content is.</summary>
internal enum ContentState : byte
{
    /// <summary>No content is expected.</summary>
    None,

    /// <summary>Asked for, or coming unasked.</summary>
    Awaited,

    /// <summary>Handed to a writer; may come once more only when it is asked for again.</summary>
    Arriving,

    /// <summary>Waits for the first of its hard links.</summary>
    Linking,

    /// <summary>Here, and waits for the end under another name (--delay-updates).</summary>
    Aside,

    /// <summary>Here, or given up.</summary>
    Done,
}
