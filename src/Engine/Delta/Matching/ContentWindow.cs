using System.Buffers;
using System.Diagnostics;
using System.IO.Hashing;

namespace NativeSync.Engine.Delta;

/// <summary>The piece of a content that the matcher has before it. The content is read once, front to back, and hashed as it comes.</summary>
/// <remarks>
/// The buffer holds the content from <see cref="OffsetOf"/>(0) to <see cref="End"/>. What lies before <see cref="Literal"/> has been emitted;
/// from there to <see cref="Position"/> is literal that has not been emitted yet.
/// </remarks>
/// <param name="size">Bytes of the content; what a growing file has beyond is left for the next time.</param>
/// <param name="capacity">Bytes of the buffer.</param>
internal sealed class ContentWindow(long size, int capacity) : IDisposable
{
    /// <summary>Zeros are recognised by whole pages at multiples of this offset, which is also what a file system can leave out.</summary>
    public const int HolePage = 4096;

    /// <summary>Content is read and hashed in such pieces, so that it is hashed from the cache.</summary>
    private const int ReadPiece = 256 << 10;

    private static readonly byte[] ZeroPage = new byte[HolePage];

    private readonly XxHash128 _digest = new();
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(capacity);
    private long _base;

    /// <summary>Where the matcher is.</summary>
    public int Position { get; set; }

    /// <summary>The first byte that has not been emitted.</summary>
    public int Literal { get; set; }

    /// <summary>The end of what has been read.</summary>
    public int End { get; private set; }

    /// <summary>There is nothing more to read.</summary>
    public bool Ended { get; private set; }

    /// <summary>XXH3-128 of what has been read.</summary>
    public UInt128 Digest => _digest.GetCurrentHashAsUInt128();

    /// <summary>Where an index of the buffer lies in the content.</summary>
    public long OffsetOf(int index) => _base + index;

    /// <summary>The reverse; the index need not be in the buffer.</summary>
    public long IndexOf(long offset) => offset - _base;

    /// <summary>A piece of the buffer.</summary>
    public ReadOnlySpan<byte> Slice(int index, int length) => _buffer.AsSpan(index, length);

    /// <summary>Moves what is not done to the front, and reads until the buffer is full or the content ends.</summary>
    /// <returns>0, or the -errno of a read.</returns>
    public int Fill<TSource>(ref TSource source)
        where TSource : struct, IByteSource
    {
        Debug.Assert(Literal == Position);
        int keep = End - Position;
        _buffer.AsSpan(Position, keep).CopyTo(_buffer);
        _base += Position;
        Literal = Position = 0;
        End = keep;
        while (End < capacity && OffsetOf(End) < size)
        {
            long rest = size - OffsetOf(End);
            Span<byte> piece = _buffer.AsSpan(End, (int)Math.Min(rest, Math.Min(ReadPiece, capacity - End)));
            int count = source.Read(OffsetOf(End), piece);
            if (count < 0)
            {
                return count;
            }

            if (count == 0)
            {
                Ended = true; // shorter than announced
                break;
            }

            _digest.Append(piece[..count]);
            End += count;
        }

        Ended |= OffsetOf(End) == size;
        return 0;
    }

    /// <summary>The first page of zeros at a multiple of <see cref="HolePage"/> from the position on and before <paramref name="limit"/>, or int.MaxValue.</summary>
    public int NextZeroPage(int limit)
    {
        int index = Position + (int)(-OffsetOf(Position) & (HolePage - 1));
        for (; index < limit && index + HolePage <= End; index += HolePage)
        {
            ReadOnlySpan<byte> page = _buffer.AsSpan(index, HolePage);
            if (page[0] == 0 && page.SequenceEqual(ZeroPage))
            {
                return index;
            }
        }

        return int.MaxValue;
    }

    /// <summary>Bytes of whole zero pages at the position, as far as the buffer reaches.</summary>
    public int ZeroPages()
    {
        int run = _buffer.AsSpan(Position, End - Position).IndexOfAnyExcept((byte)0);
        return (run < 0 ? End - Position : run) & ~(HolePage - 1);
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
