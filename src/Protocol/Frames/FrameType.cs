namespace NativeSync.Protocol;

/// <summary>The kinds of frames (docs/protocol.md, "Frames").</summary>
public enum FrameType : byte
{
    /// <summary>First frame in each direction of the first lane: versions, capabilities, role, credit.</summary>
    Hello = 0x01,
    /// <summary>Instead of a job, on a further lane: which session it belongs to.</summary>
    Join = 0x02,
    /// <summary>Client to agent: what to do.</summary>
    Job = 0x03,
    /// <summary>Agent to client: the answer to a job or join.</summary>
    Ready = 0x04,
    /// <summary>Grants bytes of records, on the first lane.</summary>
    Credit = 0x05,
    /// <summary>Asks for a sign of life.</summary>
    Ping = 0x06,
    /// <summary>The sign of life.</summary>
    Pong = 0x07,
    /// <summary>The session ends with an error.</summary>
    Abort = 0x08,
    /// <summary>Nothing more comes; the session ended well.</summary>
    Goodbye = 0x09,
    /// <summary>Where there are further lanes: how many packs have come over this one.</summary>
    Arrived = 0x0a,
    /// <summary>Client to agent: from now on so many bytes a second.</summary>
    Limit = 0x0b,
    /// <summary>A pack of records, the only frames that use credit.</summary>
    Records = 0x10,
}

internal static class FrameTypes
{
    /// <summary>The longest payload of a frame of this type, so that a peer cannot make us hold megabytes for a ping.</summary>
    internal static int MaxPayload(FrameType type) => type switch
    {
        FrameType.Hello => ProtocolLimits.MaxHello,
        FrameType.Join => JoinFrame.MaxSize,
        FrameType.Job or FrameType.Records => ProtocolLimits.MaxPayload,
        FrameType.Ready => ReadyFrame.MaxSize,
        FrameType.Credit or FrameType.Ping or FrameType.Pong or FrameType.Arrived or FrameType.Limit => WireWriter.MaxVarint,
        FrameType.Abort => AbortFrame.MaxSize,
        FrameType.Goodbye => 0,
        _ => -1,
    };
}
