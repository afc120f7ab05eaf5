namespace NativeSync.Protocol;

/// <summary>
/// Walks through one unpacked pack. After <see cref="TryNext"/> exactly one Read method of <see cref="Records"/> (or <see cref="Skip"/>)
/// must take the fields from <see cref="Wire"/>:
/// <code>while (reader.TryNext(out RecordType type)) switch (type) { case RecordType.Close: CloseRecord close = Records.ReadClose(ref reader.Wire); … }</code>
/// </summary>
public ref struct RecordReader(ReadOnlySpan<byte> pack, RecordSide from = RecordSide.Both)
{
    private readonly RecordSide _from = from;

    /// <summary>The fields of the current record.</summary>
    public WireReader Wire = new(pack);

    /// <summary>Reads the type of the next record; false at the end of the pack.</summary>
    /// <exception cref="ProtocolException">A type that is unknown or that this side may not send.</exception>
    public bool TryNext(out RecordType type)
    {
        if (Wire.End)
        {
            type = default;
            return false;
        }

        type = (RecordType)Wire.ReadByte();
        RecordSide side = Records.SideOf(type);
        if (side == RecordSide.None)
        {
            Throw.Protocol(ProtocolError.UnknownRecord, $"record type 0x{(byte)type:x2} is not known to protocol version {ProtocolVersion.Current}");
        }

        if ((side & _from) == 0)
        {
            Throw.Protocol(ProtocolError.UnexpectedRecord, $"a {type} record cannot come from the {_from.ToString().ToLowerInvariant()}");
        }

        return true;
    }

    /// <summary>Checks and passes the fields of a record whose content is of no use, so that the stream stays in step.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public void Skip(RecordType type) => Records.Skip(ref Wire, type);
}
