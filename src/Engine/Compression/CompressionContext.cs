using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>A context of zstd that compresses, with the tables that it keeps from one call to the next. Of one thread at a time.</summary>
internal sealed unsafe class CompressionContext : IDisposable
{
    private ZSTD_CCtx_s* _context = Methods.ZSTD_createCCtx();

    public CompressionContext()
    {
        if (_context is null)
        {
            throw new InsufficientMemoryException("no memory for compressing");
        }

        // Every file has its digest, and SSH its own.
        Set(ZSTD_cParameter.ZSTD_c_checksumFlag, 0);
    }

    /// <summary>One frame. False when the destination is too small.</summary>
    /// <param name="raw">What it holds.</param>
    /// <param name="destination">Takes the frame.</param>
    /// <param name="level">zstd's level.</param>
    /// <param name="written">Bytes of the frame.</param>
    public bool TryCompress(ReadOnlySpan<byte> raw, Span<byte> destination, int level, out int written)
    {
        Set(ZSTD_cParameter.ZSTD_c_compressionLevel, level);
        fixed (byte* from = raw)
        fixed (byte* to = destination)
        {
            var result = Methods.ZSTD_compress2(_context, to, (nuint)destination.Length, from, (nuint)raw.Length);
            written = Methods.ZSTD_isError(result) ? 0 : (int)result;
            return written > 0 || (Methods.ZSTD_getErrorCode(result) == ZSTD_ErrorCode.ZSTD_error_dstSize_tooSmall ? false : throw Failure(result));
        }
    }

    public void Dispose()
    {
        Methods.ZSTD_freeCCtx(_context);
        _context = null;
    }

    private void Set(ZSTD_cParameter parameter, int value) => Check(Methods.ZSTD_CCtx_setParameter(_context, parameter, value));

    private static void Check(nuint result)
    {
        if (Methods.ZSTD_isError(result))
        {
            throw Failure(result);
        }
    }

    /// <summary>Nothing that a line could do: with sound parameters it is memory that there is too little of.</summary>
    private static InsufficientMemoryException Failure(nuint result) => new($"zstd: {Methods.ZSTD_getErrorName(result)}");
}
