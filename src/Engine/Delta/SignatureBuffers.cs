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
    private readonly long _chunkLength;
    private readonly int _readLength;
    private byte[] _read;
    private byte[] _encoded;

    public SignatureBuffers(in BlockLayout layout)
    {
        _layout = layout;
        int blocks = (int)Math.Min(Math.Min(ChunkBlocks, ProtocolLimits.MaxSignatureBlocksPerRecord), Math.Max(1, layout.BlockCount));
        _chunkLength = (long)blocks * layout.BlockSize;

        // Whole blocks, so that none is cut by a read.
        _readLength = (int)Math.Min(Math.Max(ReadSize & ~(layout.BlockSize - 1), layout.BlockSize), Math.Max(1, layout.BasisLength));
        _read = ArrayPool<byte>.Shared.Rent(_readLength);
        _encoded = ArrayPool<byte>.Shared.Rent(blocks * layout.EntrySize);
    }

    /// <summary>Chunks of the whole basis.</summary>
    public long ChunkCount => (_layout.BasisLength + _chunkLength - 1) / _chunkLength;

    /// <summary>Where <see cref="Encode"/> has put its result.</summary>
    public ReadOnlySpan<byte> Encoded => _encoded;

    /// <summary>Reads and encodes a chunk; the bytes of it in <see cref="Encoded"/>, or -errno (-ENODATA when the basis is shorter).</summary>
    public int Encode<TSource>(ref TSource source, long chunk)
        where TSource : struct, IByteSource
    {
        long offset = chunk * _chunkLength;
        long end = Math.Min(offset + _chunkLength, _layout.BasisLength);
        int used = 0;
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

        return used;
    }

    public void Dispose()
    {
        Return(ref _read);
        Return(ref _encoded);
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
