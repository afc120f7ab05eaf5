using System.Buffers.Binary;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>Takes encoded blocks (weak u32 LE, strong bytes) as they go into a Signature record; borrowed for the call.</summary>
internal delegate void SignatureChunkHandler(int count, ReadOnlySpan<byte> encoded);

/// <summary>Reads a basis once and emits the signature of its blocks in order.</summary>
internal static class SignatureGenerator
{
    /// <summary>
    /// Emits all blocks of <paramref name="layout"/>. 0, or -errno; a basis that is shorter than the layout says is -ENODATA (it changed since it was
    /// looked at). What was emitted before a failure is of no use to the other side, which never sees it completed.
    /// </summary>
    public static int Generate(ISystemCalls io, int fd, in BlockLayout layout, SignatureChunkHandler emit)
    {
        ArgumentNullException.ThrowIfNull(io);
        ArgumentNullException.ThrowIfNull(emit);
        if (layout.BasisLength >= ParallelSignature.MinLength && Environment.ProcessorCount > 1)
        {
            using ParallelSignature parallel = new(io, fd, layout);
            return parallel.Run(emit);
        }

        FileSource source = new(io, fd);
        return Generate(ref source, layout, emit);
    }

    /// <summary>The same for any source, on this thread alone.</summary>
    public static int Generate<TSource>(ref TSource source, in BlockLayout layout, SignatureChunkHandler emit)
        where TSource : struct, IByteSource
    {
        using SignatureBuffers buffers = new(layout);
        for (long chunk = 0; chunk < buffers.ChunkCount; chunk++)
        {
            int used = buffers.Encode(ref source, chunk);
            if (used < 0)
            {
                return used;
            }

            emit(used / layout.EntrySize, buffers.Encoded[..used]);
        }

        return 0;
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
}
