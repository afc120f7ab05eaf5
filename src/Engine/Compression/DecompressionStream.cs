using System.Numerics;
using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>What a <see cref="PackStream"/> of the other end sends. Of one thread at a time.</summary>
internal sealed unsafe class DecompressionStream : IDisposable
{
    private ZSTD_DCtx_s* _context = Methods.ZSTD_createDCtx();
    private bool _begun;

    /// <param name="window">The largest that it may ask memory for, in bytes: a power of two.</param>
    public DecompressionStream(int window)
    {
        if (_context is null || Methods.ZSTD_isError(Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, BitOperations.Log2((uint)window))))
        {
            Dispose();
            throw new InsufficientMemoryException("no memory for decompressing");
        }
    }

    /// <summary>Whether a part is sound, and gives exactly as much as there is room. After one that is not, only one that begins anew is.</summary>
    /// <param name="packed">The part; nobody has looked at it.</param>
    /// <param name="raw">Takes what it brings.</param>
    /// <param name="anew">The stream begins with it.</param>
    public bool TryDecompress(ReadOnlySpan<byte> packed, Span<byte> raw, bool anew)
    {
        if (!anew && !_begun)
        {
            return false;
        }

        if (anew)
        {
            _ = Methods.ZSTD_DCtx_reset(_context, ZSTD_ResetDirective.ZSTD_reset_session_only);
        }

        _begun = false;
        byte none;
        fixed (byte* from = packed)
        fixed (byte* to = raw)
        {
            var input = new ZSTD_inBuffer_s { src = from, size = (nuint)packed.Length };
            var output = new ZSTD_outBuffer_s { dst = to, size = (nuint)raw.Length };
            if (!TryMove(&input, &output) || input.pos != input.size || output.pos != output.size)
            {
                return false;
            }

            // There may be no more in it.
            var more = new ZSTD_outBuffer_s { dst = &none, size = 1 };
            _begun = !Methods.ZSTD_isError(Methods.ZSTD_decompressStream(_context, &more, &input)) && more.pos == 0;
        }

        return _begun;
    }

    public void Dispose()
    {
        Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }

    /// <summary>Until nothing moves any more; false when it is no zstd.</summary>
    private bool TryMove(ZSTD_inBuffer_s* input, ZSTD_outBuffer_s* output)
    {
        while (true)
        {
            var (read, written) = (input->pos, output->pos);
            if (Methods.ZSTD_isError(Methods.ZSTD_decompressStream(_context, output, input)))
            {
                return false;
            }

            if ((input->pos == input->size && output->pos == output->size) || (input->pos == read && output->pos == written))
            {
                return true;
            }
        }
    }
}
