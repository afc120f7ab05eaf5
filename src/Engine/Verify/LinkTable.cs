using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Verify;

/// <summary>A file with several names: its number, the first of them in the order of the walk, and its digest once that is known.</summary>
internal sealed class LinkedFile(ulong group, byte[] leader)
{
    public ulong Group { get; } = group;

    /// <summary>Path of the name that was met first.</summary>
    public byte[] Leader { get; } = leader;

    /// <summary>Written by the reader of the first name before its directory completes, read afterwards.</summary>
    public UInt128 Digest { get; set; }

    public bool HasDigest { get; set; }
}

/// <summary>
/// The files with more than one name, by device and inode. Numbers count from 1 in the order of the walk. Filled by the walker
/// alone; a <see cref="LinkedFile"/> passes to other threads with the directory that it was found in.
/// </summary>
internal sealed class LinkTable
{
    private readonly Dictionary<(ulong Device, ulong Inode), LinkedFile> _files = [];

    /// <summary>The file of this inode; <paramref name="first"/> tells that this name is the first.</summary>
    public LinkedFile Meet(in FileIdentity identity, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name, out bool first)
    {
        (ulong, ulong) key = (identity.Device, identity.Inode);
        first = !_files.TryGetValue(key, out LinkedFile? file);
        if (first)
        {
            byte[] path = directory.IsEmpty ? name.ToArray() : [.. directory, (byte)'/', .. name];
            file = new LinkedFile((ulong)_files.Count + 1, path);
            _files.Add(key, file);
        }

        return file!;
    }
}
