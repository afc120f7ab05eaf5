using System.Buffers;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>What one thread needs to read and encode a signature chunk by chunk; a chunk becomes one Signature record.</summary>
internal sealed class SignatureBuffers : IDisposable
{
    private const int ReadSize = 1 << 20;

    /// <summary>Some 16 KiB a record at four bytes a block: the other side can begin early, and the records pack well.</summary>
    private const int ChunkBlocks = 4096;

    private readonly BlockLayout _layout;
    private readonly BlockOrder _order;
    private readonly int _chunkBlocks;
    private readonly int _readLength;
    private byte[] _read;
    private byte[] _encoded;

    public SignatureBuffers(in BlockLayout layout)
    {
        _layout = layout;
        _order = layout.Order;
        _chunkBlocks = (int)Math.Min(Math.Min(ChunkBlocks, ProtocolLimits.MaxSignatureBlocksPerRecord), Math.Max(1, layout.BlockCount));

        // Whole blocks, so that none is cut by a read.
        _readLength = (int)Math.Min(Math.Max(ReadSize & ~(layout.BlockSize - 1), layout.BlockSize), Math.Max(1, layout.BasisLength));
        _read = ArrayPool<byte>.Shared.Rent(_readLength);
        _encoded = ArrayPool<byte>.Shared.Rent(_chunkBlocks * layout.EntrySize);
    }

    /// <summary>Chunks of the whole basis.</summary>
    public long ChunkCount => (_layout.BlockCount + _chunkBlocks - 1) / _chunkBlocks;

    /// <summary>The first of them, which have the sample in them.</summary>
    public long SampleChunkCount => (_order.SampleCount + _chunkBlocks - 1) / _chunkBlocks;

    /// <summary>Where <see cref="Encode"/> has put its result.</summary>
    public ReadOnlySpan<byte> Encoded => _encoded;

    /// <summary>Reads and encodes a chunk; the bytes of it in <see cref="Encoded"/>, or -errno (-ENODATA when the basis is shorter).</summary>
    public int Encode<TSource>(ref TSource source, long chunk)
        where TSource : struct, IByteSource
    {
        int slot = checked((int)(chunk * _chunkBlocks));
        int last = (int)Math.Min((long)slot + _chunkBlocks, _layout.BlockCount);
        int used = 0;
        while (slot < last)
        {
            long block = _order.BlockAt(slot, out int run);
            run = Math.Min(run, last - slot);
            slot += run;
            int error = EncodeRun(ref source, block << _layout.BlockShift, Math.Min((block + run) << _layout.BlockShift, _layout.BasisLength), ref used);
            if (error != 0)
            {
                return error;
            }
        }

        return used;
    }

    public void Dispose()
    {
        Return(ref _read);
        Return(ref _encoded);
    }

    private int EncodeRun<TSource>(ref TSource source, long offset, long end, ref int used)
        where TSource : struct, IByteSource
    {
        while (offset < end)
        {
            Span<byte> piece = _read.AsSpan(0, (int)Math.Min(_readLength, end - offset));
            int error = ReadFully(ref source, offset, piece);
            if (error != 0)
            {
                return error;
            }

            offset += piece.Length;
            while (!piece.IsEmpty)
            {
                int length = Math.Min(_layout.BlockSize, piece.Length);
                used += SignatureGenerator.Encode(piece[..length], _layout.StrongLength, _encoded.AsSpan(used));
                piece = piece[length..];
            }
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

    private static void Return(ref byte[] buffer)
    {
        byte[] own = Interlocked.Exchange(ref buffer, []);
        if (own.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(own);
        }
    }
}
