namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Names for what is not complete yet: <c>.name.XXXXXX</c> in the same directory, as rsync's, cut so that it fits 255 bytes.
/// </summary>
internal static class TemporaryName
{
    private const int MaxLength = 255;
    private const int SuffixLength = 7;

    /// <param name="name">What it will be called.</param>
    /// <param name="hidden">False in a directory for temporary files, where rsync's have no leading dot either.</param>
    public static byte[] For(ReadOnlySpan<byte> name, bool hidden = true)
    {
        var dot = hidden ? 1 : 0;
        var kept = name[..Math.Min(name.Length, MaxLength - SuffixLength - dot)];
        var result = new byte[dot + kept.Length + SuffixLength];
        result[0] = (byte)'.';
        kept.CopyTo(result.AsSpan(dot));
        result[dot + kept.Length] = (byte)'.';
        Random.Shared.GetItems("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"u8, result.AsSpan(dot + kept.Length + 1));
        return result;
    }
}
