using System.IO.Hashing;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>What becomes of a file of the destination.</summary>
internal enum Fate : byte
{
    /// <summary>A directory on the way to it has not been compared yet.</summary>
    Unknown,

    /// <summary>It stays, or is replaced: its content may be copied.</summary>
    Kept,

    /// <summary>It, or a directory that it lies in, was found extraneous: it may be moved.</summary>
    Doomed,
}

/// <summary>
/// Which directories of the destination have been compared, and what was found extraneous in them; by digests of paths, so that a
/// million of them fit.
/// </summary>
/// <remarks>Used by the dispatcher alone.</remarks>
/// <param name="seed">Random, so that nobody can make two paths that are taken for each other.</param>
internal sealed class Fates(long seed)
{
    private readonly HashSet<ulong> _compared = [];
    private readonly HashSet<ulong> _doomed = [];

    /// <summary>The entries of a directory have been compared: what stays of it is not doomed.</summary>
    /// <returns>Its key; see <see cref="Of"/>.</returns>
    public ulong Compared(ReadOnlySpan<byte> directory)
    {
        var key = Key(directory);
        _compared.Add(key);
        return key;
    }

    public void Doom(ReadOnlySpan<byte> path) => _doomed.Add(Key(path));

    /// <summary>Looks from the root down to a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="waitsFor">When nothing is known: the key of the directory whose comparison will tell more.</param>
    public Fate Of(ReadOnlySpan<byte> path, out ulong waitsFor)
    {
        for (var end = 0; ;)
        {
            waitsFor = Key(path[..end]);
            if (!_compared.Contains(waitsFor))
            {
                return Fate.Unknown;
            }

            var start = end == 0 ? 0 : end + 1;
            var length = path[start..].IndexOf((byte)'/');
            end = length < 0 ? path.Length : start + length;
            if (_doomed.Contains(Key(path[..end])))
            {
                return Fate.Doomed;
            }

            if (length < 0)
            {
                return Fate.Kept;
            }
        }
    }

    private ulong Key(ReadOnlySpan<byte> path) => XxHash3.HashToUInt64(path, seed);
}
