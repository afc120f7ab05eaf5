using System.Buffers;
using System.Buffers.Binary;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>Takes encoded blocks (weak u32 LE, strong bytes) as they go into a Signature record; borrowed for the call.</summary>
internal delegate void SignatureChunkHandler(int count, ReadOnlySpan<byte> encoded);

/// <summary>Reads a basis once, front to back, and emits the signature of its blocks.</summary>
internal static class SignatureGenerator
{
    private const int ReadSize = 1 << 20;

    /// <summary>Some 16 KiB a record at four bytes a block: the other side can begin early, and the records pack well.</summary>
    private const int ChunkBlocks = 4096;

    /// <summary>
    /// Emits all blocks of <paramref name="layout"/>. 0, or -errno; a basis that is shorter than the layout says is -ENODATA (it changed since it was
    /// looked at). What was emitted before a failure is of no use to the other side, which never sees it completed.
    /// </summary>
    public static int Generate(ISystemCalls io, int fd, in BlockLayout layout, SignatureChunkHandler emit)
    {
        ArgumentNullException.ThrowIfNull(io);
        ArgumentNullException.ThrowIfNull(emit);
        FileSource source = new(io, fd);
        return Generate(ref source, layout, emit);
    }

    /// <summary>The same for any source.</summary>
    public static int Generate<TSource>(ref TSource source, in BlockLayout layout, SignatureChunkHandler emit)
        where TSource : struct, IByteSource
    {
        int bufferSize = (int)Math.Min(Math.Max(ReadSize, layout.BlockSize), Math.Max(1, layout.BasisLength));
        int chunkBlocks = (int)Math.Min(Math.Min(ChunkBlocks, ProtocolLimits.MaxSignatureBlocksPerRecord), Math.Max(1, layout.BlockCount));
        byte[] buffer = ArrayPool<byte>.Shared.Rent(bufferSize);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(chunkBlocks * layout.EntrySize);
        try
        {
            return Generate(ref source, layout, emit, buffer.AsSpan(0, bufferSize), chunk.AsSpan(0, chunkBlocks * layout.EntrySize));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Weak checksum and strong hash of one block, encoded; returns the bytes written.</summary>
    public static int Encode(ReadOnlySpan<byte> block, int strongLength, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, RollingChecksum.Compute(block));
        if (strongLength > 0)
        {
            StrongHash.Compute(block, strongLength).Write(destination[sizeof(uint)..], strongLength);
        }

        return sizeof(uint) + strongLength;
    }

    private static int Generate<TSource>(
        ref TSource source, in BlockLayout layout, SignatureChunkHandler emit, Span<byte> buffer, Span<byte> chunk)
        where TSource : struct, IByteSource
    {
        int blockSize = layout.BlockSize;
        int entrySize = layout.EntrySize;
        long offset = 0;
        int used = 0;
        while (offset < layout.BasisLength)
        {
            // Whole blocks, or all that is left.
            long rest = layout.BasisLength - offset;
            Span<byte> piece = rest <= buffer.Length ? buffer[..(int)rest] : buffer[..(buffer.Length & ~(blockSize - 1))];
            int error = ReadFully(ref source, offset, piece);
            if (error != 0)
            {
                return error;
            }

            offset += piece.Length;
            while (!piece.IsEmpty)
            {
                int length = Math.Min(blockSize, piece.Length);
                used += Encode(piece[..length], layout.StrongLength, chunk[used..]);
                piece = piece[length..];
                if (used == chunk.Length)
                {
                    emit(used / entrySize, chunk);
                    used = 0;
                }
            }
        }

        if (used > 0)
        {
            emit(used / entrySize, chunk[..used]);
        }

        return 0;
    }

    private static int ReadFully<TSource>(ref TSource source, long offset, Span<byte> destination)
        where TSource : struct, IByteSource
    {
        while (!destination.IsEmpty)
        {
            int count = source.Read(offset, destination);
            if (count <= 0)
            {
                return count < 0 ? count : -Errno.ENODATA;
            }

            offset += count;
            destination = destination[count..];
        }

        return 0;
    }
}
