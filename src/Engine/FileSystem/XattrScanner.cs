using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>False for an attribute that filter rules leave out; it is as if it were not there.</summary>
internal delegate bool XattrFilter(ReadOnlySpan<byte> name);

/// <summary>
/// Reads the extended attributes of entries into a listing's arena, encoded and sorted. Remembers the last file system that has
/// none, so that a tree on it costs one failed call. One scanner serves one thread.
/// </summary>
internal sealed class XattrScanner(ISystemCalls io, XattrFilter? filter = null)
{
    /// <summary>XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel (linux/limits.h).</summary>
    private const int KernelMax = 65536;

    private byte[] _names = [];
    private byte[] _values = [];
    private (int Offset, int Length)[] _order = new (int, int)[16];
    private ulong _withoutXattrs = ulong.MaxValue;

    /// <summary>Sets the attributes of entry <paramref name="index"/> of the listing. 0, or -errno.</summary>
    public int Read(int dirfd, int index, ulong device, ScanFields fields, DirectoryListing into)
    {
        int length = Read(dirfd, into, index, default, device, fields, into);
        if (length > 0)
        {
            into.SetXattrs(index, into.Commit(length), length);
        }

        return Math.Min(length, 0);
    }

    /// <summary>The attributes of an open object, in the scratch's arena until it is cleared; the length, or -errno.</summary>
    public int Read(int fd, ScanFields fields, DirectoryListing scratch, ulong device, out ReadOnlySpan<byte> encoded)
    {
        int length = Read(fd, null, 0, default, device, fields, scratch);
        encoded = length > 0 ? scratch.Stored(scratch.Commit(length), length) : default;
        return length;
    }

    /// <summary>The attributes of a name, not followed.</summary>
    public int Read(int dirfd, ReadOnlySpan<byte> name, ScanFields fields, DirectoryListing scratch, ulong device, out ReadOnlySpan<byte> encoded)
    {
        int length = Read(dirfd, null, 0, name, device, fields, scratch);
        encoded = length > 0 ? scratch.Stored(scratch.Commit(length), length) : default;
        return length;
    }

    /// <summary>The name is entry <paramref name="index"/> of <paramref name="names"/>, or <paramref name="name"/>, or empty for the handle itself.</summary>
    private int Read(int fd, DirectoryListing? names, int index, ReadOnlySpan<byte> name, ulong device, ScanFields fields, DirectoryListing into)
    {
        if (device == _withoutXattrs)
        {
            return 0;
        }

        if (_names.Length == 0)
        {
            _names = GC.AllocateUninitializedArray<byte>(KernelMax);
            _values = GC.AllocateUninitializedArray<byte>(KernelMax);
        }

        // The arena that holds the name may move while it grows: asked for anew at each use.
        ReadOnlySpan<byte> entry = names == null ? name : names.Name(index);
        int length = entry.IsEmpty ? io.ListXattrs(fd, _names) : io.ListXattrsAt(fd, entry, _names);
        if (length <= 0)
        {
            if (length == -Errno.EOPNOTSUPP)
            {
                _withoutXattrs = device;
                return 0;
            }

            return length;
        }

        int count = Order(length, fields);
        int total = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> attribute = Name(_order[i]);
            entry = names == null ? name : names.Name(index);
            int n = entry.IsEmpty ? io.GetXattr(fd, attribute, _values) : io.GetXattrAt(fd, entry, attribute, _values);
            if (n == -Errno.ENODATA)
            {
                continue; // removed meanwhile
            }

            total = n < 0 ? n : Encode(into, attribute, _values.AsSpan(0, n), total);
            if (total < 0)
            {
                return total;
            }
        }

        return total;
    }

    /// <summary>Appends one attribute behind what is already reserved for the entry; the new total, or -E2BIG.</summary>
    private static int Encode(DirectoryListing into, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value, int total)
    {
        int bound = total + XattrBlob.SizeBound(attribute.Length, value.Length);
        if (bound > ProtocolLimits.MaxXattrsPerEntry)
        {
            return -Errno.E2BIG;
        }

        return total + XattrBlob.Write(into.Reserve(bound)[total..], attribute, value);
    }

    /// <summary>Splits the list of names, drops what was not asked for, sorts the rest.</summary>
    private int Order(int length, ScanFields fields)
    {
        int count = 0;
        for (int at = 0; at < length;)
        {
            int end = _names.AsSpan(at, length - at).IndexOf((byte)0);
            if (end < 0)
            {
                break;
            }

            if (XattrNames.IsWanted(_names.AsSpan(at, end), fields) && XattrBlob.Takes(filter, _names.AsSpan(at, end)))
            {
                if (count == _order.Length)
                {
                    Array.Resize(ref _order, count * 2);
                }

                int place = count++;
                for (; place > 0 && Name(_order[place - 1]).SequenceCompareTo(_names.AsSpan(at, end)) > 0; place--)
                {
                    _order[place] = _order[place - 1];
                }

                _order[place] = (at, end);
            }

            at += end + 1;
        }

        return count;
    }

    private ReadOnlySpan<byte> Name((int Offset, int Length) at) => _names.AsSpan(at.Offset, at.Length);
}
