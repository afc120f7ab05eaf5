namespace NativeSync.Engine.Compression;

/// <summary>Chooses the level of each pack (design §4, "zstd adapts"). Called by one thread at a time.</summary>
internal interface ICompressionPolicy
{
    /// <summary>The zstd level for the next pack; <see cref="PackCodec.NoCompression"/> for none.</summary>
    int NextLevel();

    /// <summary>Tells what became of a pack, and how the line stands.</summary>
    void Observe(in PackObservation observation);
}

/// <summary>One pack as it was sent.</summary>
/// <param name="RawLength">Bytes before compression.</param>
/// <param name="PackedLength">Bytes sent; equal to <paramref name="RawLength"/> when not compressed.</param>
/// <param name="Elapsed">Time spent compressing.</param>
/// <param name="Backlog">Bytes that wait to be sent: grows when the line is slower than the processor.</param>
internal readonly record struct PackObservation(int RawLength, int PackedLength, TimeSpan Elapsed, long Backlog);

/// <summary>The same level always.</summary>
internal sealed class FixedCompressionPolicy(int level) : ICompressionPolicy
{
    /// <inheritdoc/>
    public int NextLevel() => level;

    /// <inheritdoc/>
    public void Observe(in PackObservation observation)
    {
    }
}
