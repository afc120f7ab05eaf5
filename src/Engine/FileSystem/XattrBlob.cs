using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Writes and searches extended attributes in the form in which they travel: {name length, name, value length, value}… with lengths
/// as varints, names ascending bytewise (docs/protocol.md, "Extended attributes"; <see cref="XattrReader"/> walks it).
/// </summary>
internal static class XattrBlob
{
    /// <summary>The value of an attribute; false when it is not there.</summary>
    public static bool TryFind(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        XattrReader reader = new(encoded);
        while (reader.TryRead(out ReadOnlySpan<byte> found, out value))
        {
            if (found.SequenceEqual(name))
            {
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Whether a filter takes an attribute; ACLs are no matter of filters.</summary>
    public static bool Takes(XattrFilter? filter, ReadOnlySpan<byte> name) => filter is null || XattrNames.IsAcl(name) || filter(name);

    /// <summary>The attributes that a filter takes.</summary>
    public static ReadOnlySpan<byte> Select(ReadOnlySpan<byte> encoded, XattrFilter? filter)
    {
        if (filter is null || encoded.IsEmpty)
        {
            return encoded;
        }

        byte[] selected = new byte[encoded.Length];
        int length = 0;
        XattrReader reader = new(encoded);
        while (reader.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            length += Takes(filter, name) ? Write(selected.AsSpan(length), name, value) : 0;
        }

        return selected.AsSpan(0, length);
    }

    /// <summary>Bytes that an attribute takes at most.</summary>
    public static int SizeBound(int nameLength, int valueLength) => nameLength + valueLength + 6;

    /// <summary>Writes one attribute and returns its length.</summary>
    public static int Write(Span<byte> to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int at = WriteLength(to, name.Length);
        name.CopyTo(to[at..]);
        at += name.Length;
        at += WriteLength(to[at..], value.Length);
        value.CopyTo(to[at..]);
        return at + value.Length;
    }

    private static int WriteLength(Span<byte> to, int length)
    {
        int at = 0;
        uint rest = (uint)length;
        while (rest >= 0x80)
        {
            to[at++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        to[at++] = (byte)rest;
        return at;
    }
}
