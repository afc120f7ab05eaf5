namespace NativeSync.Engine.Delta;

/// <summary>Bytes at offsets. Implemented by structs, so that the matcher's calls are direct.</summary>
internal interface IByteSource
{
    /// <summary>Reads up to <paramref name="destination"/>'s length; 0 at the end; -errno on failure. May read less than asked.</summary>
    int Read(long offset, Span<byte> destination);
}

/// <summary>An array as a source, for tests, benchmarks and content that is in memory anyway.</summary>
internal readonly struct MemorySource(ReadOnlyMemory<byte> content) : IByteSource
{
    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination)
    {
        if (offset >= content.Length)
        {
            return 0;
        }

        ReadOnlySpan<byte> rest = content.Span[(int)offset..];
        int count = Math.Min(rest.Length, destination.Length);
        rest[..count].CopyTo(destination);
        return count;
    }
}
