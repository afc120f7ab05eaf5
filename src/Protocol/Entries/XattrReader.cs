namespace NativeSync.Protocol;

/// <summary>
/// Extended attributes as one piece (docs/protocol.md, "Extended attributes"): name blob and value blob of each, names ascending bytewise.
/// </summary>
public ref struct XattrReader(ReadOnlySpan<byte> encoded)
{
    private WireReader _reader = new(encoded);

    /// <summary>Reads the next attribute; false at the end. Both spans borrow from the encoded piece.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public bool TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (_reader.End)
        {
            name = value = default;
            return false;
        }

        name = _reader.ReadBlob(ProtocolLimits.MaxXattrName);
        if (name.IsEmpty || name.Contains((byte)0))
        {
            Throw.Protocol(ProtocolError.BadName, "the name of an extended attribute is empty or has a NUL in it");
        }

        value = _reader.ReadBlob(ProtocolLimits.MaxXattrValue);
        return true;
    }

    /// <summary>Checks a whole piece: at least one attribute, every size, and that names ascend.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static void Validate(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty || encoded.Length > ProtocolLimits.MaxXattrsPerEntry)
        {
            Throw.Length("the size of the extended attributes of an entry", (ulong)encoded.Length, ProtocolLimits.MaxXattrsPerEntry);
        }

        var reader = new XattrReader(encoded);
        ReadOnlySpan<byte> before = default;
        while (reader.TryRead(out ReadOnlySpan<byte> name, out _))
        {
            if (name.SequenceCompareTo(before) <= 0)
            {
                Throw.Protocol(ProtocolError.BadOrder, "the names of extended attributes do not ascend");
            }

            before = name;
        }
    }
}
