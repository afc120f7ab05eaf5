using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>A context of zstd that decompresses. Of one thread at a time.</summary>
internal sealed unsafe class DecompressionContext : IDisposable
{
    private ZSTD_DCtx_s* _context = Methods.ZSTD_createDCtx();

    public DecompressionContext()
    {
        if (_context is null)
        {
            throw new InsufficientMemoryException("no memory for decompressing");
        }
    }

    /// <summary>Whether it is sound, and gives exactly as much as there is room.</summary>
    /// <param name="packed">A frame; nobody has looked at it.</param>
    /// <param name="raw">Takes what it holds.</param>
    public bool TryDecompress(ReadOnlySpan<byte> packed, Span<byte> raw)
    {
        fixed (byte* from = packed)
        fixed (byte* to = raw)
        {
            return Methods.ZSTD_decompressDCtx(_context, to, (nuint)raw.Length, from, (nuint)packed.Length) == (nuint)raw.Length;
        }
    }

    public void Dispose()
    {
        Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }
}
