using System.Globalization;
using System.Text;
using NativeSync.Protocol;

namespace NativeSync.Fuzz;

/// <summary>Decoded values as text, in the form of the "=" lines of docs/protocol.md.</summary>
internal static class WireText
{
    internal static string Bytes(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte b in bytes)
        {
            if (b is >= 0x20 and < 0x7f and not (byte)'"' and not (byte)'\\')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
            }
        }

        return text.Append('"').ToString();
    }

    internal static string Digest(UInt128 digest) => digest.ToString("x32", CultureInfo.InvariantCulture);

    internal static string Entry(in Entry entry)
    {
        ref readonly EntryMetadata m = ref entry.Metadata;
        var text = new StringBuilder();
        if (!entry.Name.IsEmpty)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Bytes(entry.Name)} ");
        }

        text.Append(CultureInfo.InvariantCulture,
            $"mode {Convert.ToString(m.Mode, 8)} uid {m.Uid} gid {m.Gid} size {m.Size} mtime {m.Modified.Seconds}.{m.Modified.Nanoseconds:d9}");
        if (!entry.LinkTarget.IsEmpty)
        {
            text.Append(CultureInfo.InvariantCulture, $" target {Bytes(entry.LinkTarget)}");
        }

        if (entry.HardLinkGroup != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" group {entry.HardLinkGroup}");
        }

        if (m.IsDevice)
        {
            text.Append(CultureInfo.InvariantCulture, $" device {m.Rdev >> 32}:{(uint)m.Rdev}");
        }

        if (!entry.Xattrs.IsEmpty)
        {
            text.Append(" xattrs");
            var xattrs = new XattrReader(entry.Xattrs);
            while (xattrs.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            {
                text.Append(CultureInfo.InvariantCulture, $" {Bytes(name)}={Bytes(value)}");
            }
        }

        if (entry.HasContentDigest)
        {
            text.Append(CultureInfo.InvariantCulture, $" digest {Digest(entry.ContentDigest)}");
        }

        if (m.FileFlags != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" flags 0x{m.FileFlags:x}");
        }

        if (m.HasAccessed)
        {
            text.Append(CultureInfo.InvariantCulture, $" atime {m.Accessed.Seconds}.{m.Accessed.Nanoseconds:d9}");
        }

        if (m.ProjectId != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" project {m.ProjectId}");
        }

        if (entry.Mark != EntryMark.None)
        {
            text.Append(CultureInfo.InvariantCulture, $" mark {entry.Mark}");
        }

        return text.ToString();
    }

    internal static string Statistics(Statistics statistics)
    {
        var wire = new byte[Protocol.Statistics.MaxSize];
        var writer = new WireWriter(wire);
        statistics.Write(ref writer);
        var reader = new WireReader(writer.Written);
        int count = reader.ReadCount(ProtocolLimits.MaxStatistics);
        var values = new List<string>();
        for (int i = 0; i < count; i++)
        {
            values.Add(reader.ReadVarint().ToString(CultureInfo.InvariantCulture));
        }

        return string.Join(' ', values);
    }
}
