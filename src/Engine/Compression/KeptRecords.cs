namespace NativeSync.Engine.Compression;

/// <summary>Records of a pack in the buffer where they were put together.</summary>
internal readonly record struct KeptRecords(SharedBuffer Buffer, int Start, int Length)
{
    public ReadOnlySpan<byte> Span => Buffer.Array.AsSpan(Start, Length);

    /// <inheritdoc cref="SharedBuffer.Hold"/>
    public KeptRecords Hold() => this with { Buffer = Buffer.Hold() };

    /// <inheritdoc cref="SharedBuffer.Release"/>
    public void Release() => Buffer.Release();
}
