namespace NativeSync.Protocol;

/// <summary>
/// Reads entries (docs/protocol.md, "Entry"). Call <see cref="Reset"/> at the start of each Entries record. A mutable struct: pass it by
/// reference. It has a buffer of 255 bytes for the name, kept from record to record.
/// </summary>
public struct EntryDecoder
{
    private byte[]? _name;
    private int _nameLength;
    private EntryState _before;

    /// <summary>Forgets the entry before.</summary>
    public void Reset()
    {
        _nameLength = 0;
        _before = default;
    }

    /// <summary>
    /// Reads the next entry. Its name is valid until the next call, its other spans as long as the data of the reader. Names ascend
    /// within a record; that they ascend from one part of a directory to the next is for the caller to check.
    /// </summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public Entry Read(scoped ref WireReader reader)
    {
        byte[] before = _name ??= new byte[ProtocolLimits.MaxNameLength];
        EntryFlags flags = EntryFields.ReadFlags(ref reader);
        int prefix = 0;
        if ((flags & EntryFlags.Prefix) != 0)
        {
            prefix = reader.ReadLimited(ProtocolLimits.MaxNameLength);
            if (prefix == 0 || prefix > _nameLength)
            {
                Throw.Protocol(ProtocolError.BadName, $"a name shares {prefix} bytes with one of {_nameLength}");
            }
        }

        ReadOnlySpan<byte> rest = reader.ReadBlob(ProtocolLimits.MaxNameLength - prefix);
        if (rest.SequenceCompareTo(before.AsSpan(prefix, _nameLength - prefix)) <= 0)
        {
            Throw.Protocol(rest.IsEmpty && prefix == 0 ? ProtocolError.BadName : ProtocolError.BadOrder, "a name is empty or does not come behind the name before");
        }

        rest.CopyTo(before.AsSpan(prefix));
        _nameLength = prefix + rest.Length;
        ReadOnlySpan<byte> name = before.AsSpan(0, _nameLength);
        WireNames.CheckName(name);
        Entry entry = EntryFields.Read(ref reader, flags, ref _before);
        entry.Name = name;
        return entry;
    }
}
