namespace NativeSync.Engine.Buffers;

/// <summary>A part of a buffer that others may have parts of, too.</summary>
/// <param name="Buffer">The whole.</param>
/// <param name="Start">Where the part begins in its array.</param>
/// <param name="Length">Bytes of the part.</param>
internal readonly record struct SharedSlice(SharedBuffer Buffer, int Start, int Length)
{
    public Span<byte> Span => Buffer.Array.AsSpan(Start, Length);

    public Memory<byte> Memory => Buffer.Array.AsMemory(Start, Length);

    /// <inheritdoc cref="SharedBuffer.Release"/>
    public void Release() => Buffer.Release();
}
