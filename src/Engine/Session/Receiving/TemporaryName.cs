namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Names for what is not complete yet: <c>.name.XXXXXX</c> in the same directory, as rsync's, cut so that it fits 255 bytes.
/// </summary>
internal static class TemporaryName
{
    private const int MaxLength = 255;
    private const int SuffixLength = 7;

    public static byte[] For(ReadOnlySpan<byte> name)
    {
        var kept = name[..Math.Min(name.Length, MaxLength - SuffixLength - 1)];
        var result = new byte[1 + kept.Length + SuffixLength];
        result[0] = (byte)'.';
        kept.CopyTo(result.AsSpan(1));
        result[1 + kept.Length] = (byte)'.';
        Random.Shared.GetItems("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"u8, result.AsSpan(2 + kept.Length));
        return result;
    }
}
