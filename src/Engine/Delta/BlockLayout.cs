using System.Numerics;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>
/// How a basis is cut into blocks and how much of each block's strong hash travels. Both sides derive everything from the
/// three numbers of a WantDelta record (docs/protocol.md): basis length, block size, strong length.
/// </summary>
/// <remarks>
/// <para><b>Block size.</b> A signature costs (4 + strong) bytes a block; each isolated change costs up to one block of
/// unchanged data beside it, which zstd shrinks to some 0.17 of itself on the files of design §8 (rsync's 23 MB for 2,600
/// pages in 32 KiB blocks give that figure). With 1 GiB and 8 bytes a block, in MB:</para>
/// <code>
/// block     signature   2,600 random pages          160 x 64 KiB + 100 edits
///  4 KiB      2.10      10.65 + 0.00 + sig = 12.8    10.49 + 0.2 + sig = 12.8
///  8 KiB      1.05      10.65 + 1.8  + sig = 13.5    10.49 + 0.4 + sig = 11.9
/// 16 KiB      0.52      10.65 + 5.4  + sig = 16.6    10.49 + 0.8 + sig = 11.8
/// bound                              13.8                         12.1
/// </code>
/// <para>Only 8 KiB meets both, and only with a strong hash of four bytes (with eight the second column is 12.4). The best size for a
/// given number of changes grows with the root of the length, so 8 KiB at 1 GiB gives sqrt(length) / 4.</para>
/// <para><b>Strong length.</b> A search compares (positions x blocks) pairs; a pair agrees by accident with 2^-(weak + strong)
/// bits, of which the weak checksum is trusted for 30. What is wanted is less than one such accident in 2^10 searches of
/// wholly unrelated data. The digest of the whole file catches it, and the redo uses 16 bytes.</para>
/// </remarks>
internal readonly record struct BlockLayout
{
    /// <summary>Below this, the hash of a block costs more to start than to run.</summary>
    public const int MinBlockSize = ProtocolLimits.MinBlockSize;

    /// <summary>What <see cref="For"/> chooses at least: half a page of the databases and images that deltas pay for.</summary>
    public const int DefaultMinBlockSize = 2048;

    /// <summary>Bounds the buffers of both sides.</summary>
    public const int MaxBlockSize = ProtocolLimits.MaxBlockSize;

    /// <summary>What <see cref="For"/> chooses at most unless <see cref="MaxBlockCount"/> demands more.</summary>
    public const int DefaultMaxBlockSize = 1 << 20;

    /// <summary>Bounds the memory of a signature: 2^24 blocks at some 20 bytes.</summary>
    public const int MaxBlockCount = ProtocolLimits.MaxSignatureBlocks;

    /// <summary>The whole XXH3-128.</summary>
    public const int FullStrongLength = 16;

    /// <summary>Four bytes: a same-offset comparison has no weak checksum to help, and 2^-32 a block is rare enough.</summary>
    public const int MinStrongLength = 4;

    private const int TrustedWeakBits = 30;
    private const int AccidentBits = 10;

    /// <summary>Takes three numbers that are in range (see <see cref="TryCreate"/>).</summary>
    public BlockLayout(long basisLength, int blockSize, int strongLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(basisLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(BitOperations.IsPow2(blockSize), true, nameof(blockSize));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(strongLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strongLength, FullStrongLength);
        BasisLength = basisLength;
        BlockSize = blockSize;
        StrongLength = strongLength;
    }

    /// <summary>Bytes of the basis.</summary>
    public long BasisLength { get; }

    /// <summary>Bytes of each block but perhaps the last; a power of two.</summary>
    public int BlockSize { get; }

    /// <summary>Leading bytes of each block's XXH3-128 that travel, 4 to 16.</summary>
    public int StrongLength { get; }

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

    /// <summary>Bytes of a block.</summary>
    public int LengthOf(long block) => (int)Math.Min(BlockSize, BasisLength - (block << BlockShift));

    /// <summary>
    /// The layout for a basis. <paramref name="requestedBlockSize"/> (rsync's <c>-B</c>; 0 = choose) is rounded up to a power of
    /// two within bounds. <paramref name="fullStrongHash"/> is for the redo after a digest mismatch.
    /// </summary>
    public static BlockLayout For(long basisLength, int requestedBlockSize = 0, bool fullStrongHash = false)
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

        return new BlockLayout(basisLength, blockSize, fullStrongHash ? FullStrongLength : ChooseStrongLength(basisLength, blockSize));
    }

    /// <summary>The layout that a peer asks for; false when a number is out of range.</summary>
    public static bool TryCreate(long basisLength, long blockSize, int strongLength, out BlockLayout layout)
    {
        layout = default;
        if (basisLength < 0
            || blockSize is < MinBlockSize or > MaxBlockSize
            || !BitOperations.IsPow2(blockSize)
            || strongLength is < MinStrongLength or > FullStrongLength
            || basisLength > MaxBlockCount * blockSize)
        {
            return false;
        }

        layout = new BlockLayout(basisLength, (int)blockSize, strongLength);
        return true;
    }

    private static int ChooseBlockSize(long basisLength)
    {
        // sqrt(length) / 4, rounded down to a power of two: 2 KiB up to 256 MiB, 4 KiB from there, 8 KiB at 1 GiB, 32 KiB at 16 GiB.
        int rootLog = BitOperations.Log2((ulong)Math.Max(1, basisLength)) / 2;
        return Math.Clamp(1 << Math.Max(0, rootLog - 2), DefaultMinBlockSize, DefaultMaxBlockSize);
    }

    private static int ChooseStrongLength(long basisLength, int blockSize)
    {
        int positions = BitOperations.Log2((ulong)Math.Max(1, basisLength)) + 1;
        int blocks = BitOperations.Log2((ulong)Math.Max(1, basisLength / blockSize)) + 1;
        int bits = positions + blocks + AccidentBits - TrustedWeakBits;
        return Math.Clamp((bits + 7) / 8, MinStrongLength, FullStrongLength);
    }
}
