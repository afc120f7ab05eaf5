using System.Numerics;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>
/// How a basis is cut into blocks and how much of each block's strong hash travels. Both sides derive everything from the
/// three numbers of a WantDelta record (docs/protocol.md): basis length, block size, strong length.
/// </summary>
/// <remarks>
/// <para><b>What is compared.</b> A block at an expected place is one comparison for one block, and 32 bits decide it well enough: of the
/// 2,600 changed pages of design §8 one would be mistaken in 1.6 million runs, the digest of the whole file catches it, and the
/// redo asks for all of the file. A search compares (positions x blocks) pairs; there two neighbours must match, 64 bits. So below
/// 4 GiB the weak checksum travels alone, and for its bytes the blocks can be half as long.</para>
/// <para><b>Block size.</b> A signature costs (4 + strong) bytes a block; each isolated change costs up to one block of
/// unchanged data beside it, which zstd shrinks to q of itself. rsync's own figures on the files of design §8 (32 KiB blocks) give q = 0.17;
/// beside random pages it is hardly better than 0.2. With 1 GiB, in MB:</para>
/// <code>
/// block, entry       signature   2,600 random pages            160 x 64 KiB + 100 edits
///  4 KiB, 12 bytes     3.1       10.6 + 0       + sig = 13.8    10.5 + 1.1 q + sig = 13.8
///  8 KiB,  8 bytes     1.0       10.6 + 10.6 q  + sig = 13.8    10.5 + 2.1 q + sig = 12.0
///  4 KiB,  4 bytes     1.0       10.6 + 0       + sig = 11.7    10.5 + 1.1 q + sig = 11.8     (this)
///  8 KiB,  4 bytes     0.5       10.6 + 10.6 q  + sig = 13.3    10.5 + 2.1 q + sig = 11.4
/// wanted                                              13.8                           12.1
/// </code>
/// <para>The best size for a given number of changes grows with the root of the length; 4 KiB at 1 GiB makes that sqrt(length) / 8.</para>
/// </remarks>
internal readonly record struct BlockLayout
{
    /// <summary>Below this, the hash of a block costs more to start than to run.</summary>
    public const int MinBlockSize = ProtocolLimits.MinBlockSize;

    /// <summary>What <see cref="For"/> chooses at least: 0.2 % of a file for its signature.</summary>
    public const int DefaultMinBlockSize = 2048;

    /// <summary>Bounds the buffers of both sides.</summary>
    public const int MaxBlockSize = ProtocolLimits.MaxBlockSize;

    /// <summary>What <see cref="For"/> chooses at most unless <see cref="MaxBlockCount"/> demands more.</summary>
    public const int DefaultMaxBlockSize = 1 << 20;

    /// <summary>Bounds the memory of a signature: 2^24 blocks at some 20 bytes.</summary>
    public const int MaxBlockCount = ProtocolLimits.MaxSignatureBlocks;

    /// <summary>The whole XXH3-128.</summary>
    public const int FullStrongLength = 16;

    /// <summary>With fewer strong bytes than this, a block found by search counts only with its neighbour, and the weak checksum is always compared.</summary>
    public const int SufficientStrongLength = 4;

    /// <summary>What the weak checksum is trusted for, of its 32 bits.</summary>
    private const int TrustedWeakBits = 31;

    /// <summary>A search of wholly unrelated data may go wrong once in 2^10.</summary>
    private const int AccidentBits = 10;

    /// <summary>Takes three numbers that are in range (see <see cref="TryCreate"/>).</summary>
    public BlockLayout(long basisLength, int blockSize, int strongLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(basisLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(BitOperations.IsPow2(blockSize), true, nameof(blockSize));
        ArgumentOutOfRangeException.ThrowIfNegative(strongLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strongLength, FullStrongLength);
        BasisLength = basisLength;
        BlockSize = blockSize;
        StrongLength = strongLength;
    }

    /// <summary>Bytes of the basis.</summary>
    public long BasisLength { get; }

    /// <summary>Bytes of each block but perhaps the last; a power of two.</summary>
    public int BlockSize { get; }

    /// <summary>Leading bytes of each block's XXH3-128 that travel, 0 to 16.</summary>
    public int StrongLength { get; }

    /// <summary>One block's bits do not suffice for a search: its neighbour must match too.</summary>
    public bool Paired => StrongLength < SufficientStrongLength;

    /// <summary>Bytes of one block in a Signature record: weak u32 LE, then the strong bytes.</summary>
    public int EntrySize => sizeof(uint) + StrongLength;

    /// <summary>log2 of <see cref="BlockSize"/>.</summary>
    public int BlockShift => BitOperations.Log2((uint)BlockSize);

    /// <summary>Blocks, a short last one included.</summary>
    public long BlockCount => (BasisLength + BlockSize - 1) >> BlockShift;

    /// <summary>Blocks of full size.</summary>
    public long FullBlockCount => BasisLength >> BlockShift;

    /// <summary>Bytes of the short last block, 0 when there is none.</summary>
    public int TailLength => (int)(BasisLength & (BlockSize - 1));

    /// <summary>How the blocks follow one another in a signature.</summary>
    public BlockOrder Order => new(BlockCount);

    /// <summary>Bytes of a block.</summary>
    public int LengthOf(long block) => (int)Math.Min(BlockSize, BasisLength - (block << BlockShift));

    /// <summary>
    /// The layout for a basis. <paramref name="requestedBlockSize"/> (rsync's <c>-B</c>; 0 = choose) is rounded up to a power of
    /// two within bounds.
    /// </summary>
    public static BlockLayout For(long basisLength, int requestedBlockSize = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(basisLength);
        basisLength = Math.Min(basisLength, (long)MaxBlockSize * MaxBlockCount); // what lies beyond 64 TiB is no basis
        int blockSize = requestedBlockSize > 0
            ? (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(requestedBlockSize, MinBlockSize, MaxBlockSize))
            : ChooseBlockSize(basisLength);
        while (basisLength > (long)blockSize * MaxBlockCount)
        {
            blockSize <<= 1;
        }

        return new BlockLayout(basisLength, blockSize, ChooseStrongLength(basisLength, blockSize));
    }

    /// <summary>The layout that a peer asks for; false when a number is out of range.</summary>
    public static bool TryCreate(long basisLength, long blockSize, int strongLength, out BlockLayout layout)
    {
        layout = default;
        if (basisLength < 0
            || blockSize is < MinBlockSize or > MaxBlockSize
            || !BitOperations.IsPow2(blockSize)
            || strongLength is < 0 or > FullStrongLength
            || basisLength > MaxBlockCount * blockSize)
        {
            return false;
        }

        layout = new BlockLayout(basisLength, (int)blockSize, strongLength);
        return true;
    }

    private static int ChooseBlockSize(long basisLength)
    {
        // sqrt(length) / 8, rounded down to a power of two: 2 KiB up to 1 GiB, 4 KiB from there, 16 KiB at 16 GiB.
        int rootLog = BitOperations.Log2((ulong)Math.Max(1, basisLength)) / 2;
        return Math.Clamp(1 << Math.Max(0, rootLog - 3), DefaultMinBlockSize, DefaultMaxBlockSize);
    }

    private static int ChooseStrongLength(long basisLength, int blockSize)
    {
        int positions = BitOperations.Log2((ulong)Math.Max(1, basisLength)) + 1;
        int blocks = BitOperations.Log2((ulong)Math.Max(1, basisLength / blockSize)) + 1;
        int bits = ((positions + blocks + AccidentBits + 1) / 2) - TrustedWeakBits; // of each of the two neighbours
        return Math.Clamp((bits + 7) / 8, 0, FullStrongLength);
    }
}
