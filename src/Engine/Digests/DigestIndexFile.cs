using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Session.Receiving;

namespace NativeSync.Engine.Digests;

/// <summary>
/// The file of a <see cref="DigestIndex"/>: magic, time of writing, number of the run, entries, XXH3-128 of it all. One that is damaged, or
/// from a time that has not come yet, counts as empty: all it can cost is reading again. Written beside and renamed.
/// </summary>
internal static class DigestIndexFile
{
    private const int HeaderLength = 8 + 8 + 4;
    private const int DigestLength = 16;
    private const uint WritableByOthers = 0x12;

    /// <summary>What so many runs have not used is forgotten.</summary>
    private const uint RunsKept = 30;

    private static ReadOnlySpan<byte> Magic => "NSDIGST1"u8;

    /// <exception cref="SessionException">11: it cannot be used.</exception>
    public static DigestIndex Read(ISystemCalls io, TimeProvider clock, byte[] path)
    {
        CheckPlace(io, path);
        var content = ReadAll(io, path);
        var isOurs = content.Length >= HeaderLength + DigestLength && content.AsSpan().StartsWith(Magic)
            && (content.Length - HeaderLength - DigestLength) % Marshal.SizeOf<DigestEntry>() == 0
            && XxHash128.HashToUInt128(content.AsSpan(0, content.Length - DigestLength)) == BinaryPrimitives.ReadUInt128LittleEndian(content.AsSpan(content.Length - DigestLength))
            && BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(8)) <= clock.GetUtcNow().ToUnixTimeSeconds();
        if (!isOurs)
        {
            return new DigestIndex(clock) { Run = 1 };
        }

        var index = new DigestIndex(clock) { Run = BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(16)) + 1 };
        foreach (ref readonly var entry in MemoryMarshal.Cast<byte, DigestEntry>(content.AsSpan(HeaderLength, content.Length - HeaderLength - DigestLength)))
        {
            index.Load(entry);
        }

        return index;
    }

    /// <summary>Writes it. 0, or -errno: then the file is what it was.</summary>
    public static int Write(ISystemCalls io, TimeProvider clock, byte[] path, DigestIndex index)
    {
        var (place, name) = PathBytes.Split(path);
        var directory = io.OpenPath(place.Length > 0 ? place : "."u8, OpenFlags.Read | OpenFlags.Directory);
        if (directory < 0)
        {
            return directory;
        }

        var temporary = TemporaryName.For(name);
        var fd = io.OpenAt(directory, temporary, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
        var error = fd < 0 ? fd : WriteAll(io, fd, clock, index);
        if (fd >= 0)
        {
            io.Close(fd);
            error = error < 0 ? error : io.RenameAt(directory, temporary, directory, name);
            if (error < 0)
            {
                io.UnlinkAt(directory, temporary, directory: false);
            }
        }

        io.Close(directory);
        return error;
    }

    /// <summary>That it cannot be written is found at the start, and not when all is done.</summary>
    private static void CheckPlace(ISystemCalls io, byte[] path)
    {
        var (place, name) = PathBytes.Split(path);
        var directory = io.OpenPath(place.Length > 0 ? place : "."u8, OpenFlags.Read | OpenFlags.Directory);
        var error = directory;
        if (directory >= 0)
        {
            var temporary = TemporaryName.For(name);
            error = io.OpenAt(directory, temporary, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
            if (error >= 0)
            {
                io.Close(error);
                io.UnlinkAt(directory, temporary, directory: false);
            }

            io.Close(directory);
        }

        if (error < 0)
        {
            throw Unusable(path, $"{Errno.Describe(-error)} (give a file in a directory that exists and can be written)");
        }
    }

    private static byte[] ReadAll(ISystemCalls io, byte[] path)
    {
        var fd = io.OpenPath(path, OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd == -Errno.ENOENT)
        {
            return [];
        }

        if (fd < 0)
        {
            throw Unusable(path, Errno.Describe(-fd));
        }

        try
        {
            var error = io.Stat(fd, out var status);
            if (error >= 0 && (!status.IsRegular || status.Uid != io.EffectiveUserId() || (status.Mode & WritableByOthers) != 0))
            {
                // Who can write it can hide a change.
                throw Unusable(path, "it is no file, belongs to another user, or others may write it (remove it, or give another file)");
            }

            var content = new byte[error < 0 ? 0 : Math.Min(status.Size, int.MaxValue / 2)];
            for (var at = 0; at < content.Length;)
            {
                var count = (int)io.ReadAt(fd, content.AsSpan(at), at);
                if (count <= 0)
                {
                    return [];
                }

                at += count;
            }

            return content;
        }
        finally
        {
            io.Close(fd);
        }
    }

    private static int WriteAll(ISystemCalls io, int fd, TimeProvider clock, DigestIndex index)
    {
        var hash = new XxHash128();
        var header = new byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), clock.GetUtcNow().ToUnixTimeSeconds());
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), index.Run);
        var error = Append(io, fd, hash, header);
        var entries = index.Entries;
        for (var i = 0; i < entries.Length && error >= 0;)
        {
            // In runs of what is kept.
            var start = i;
            while (i < entries.Length && index.Run - entries[i].LastRun <= RunsKept)
            {
                i++;
            }

            error = Append(io, fd, hash, MemoryMarshal.AsBytes(entries[start..i]));
            i++;
        }

        var digest = new byte[DigestLength];
        BinaryPrimitives.WriteUInt128LittleEndian(digest, hash.GetCurrentHashAsUInt128());
        return error < 0 ? error : Append(io, fd, hash, digest);
    }

    private static int Append(ISystemCalls io, int fd, XxHash128 hash, ReadOnlySpan<byte> data)
    {
        hash.Append(data);
        return io.WriteAll(fd, data);
    }

    private static SessionException Unusable(byte[] path, string why) =>
        new(ExitCodes.FileIo, $"the checksum index \"{ByteText.Escape(path)}\": {why}");
}
