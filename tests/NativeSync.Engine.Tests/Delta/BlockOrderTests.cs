using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>The sample comes first, and every block once.</summary>
public sealed class BlockOrderTests
{
    [Theory]
    [InlineData(BlockOrder.MinBlocks)]
    [InlineData(BlockOrder.MinBlocks + 1)]
    [InlineData(BlockOrder.MinBlocks + 777)]
    [InlineData((3 * BlockOrder.MinBlocks) - 1)]
    public void EveryBlockHasOneSlotAndTheLastBlockTheLast(int blocks)
    {
        BlockOrder order = new(blocks);
        bool[] seen = new bool[blocks];
        for (int slot = 0; slot < blocks;)
        {
            int block = order.BlockAt(slot, out int run);
            Assert.True(run > 0);
            for (int i = 0; i < run; i++, slot++)
            {
                Assert.False(seen[block + i]);
                seen[block + i] = true;
                Assert.Equal(slot, order.SlotOf(block + i));
            }
        }

        Assert.DoesNotContain(false, seen);
        Assert.Equal(blocks - 1, order.SlotOf(blocks - 1));
    }

    [Fact]
    public void ASixteenthInPiecesAtEqualDistancesComesFirst()
    {
        const int blocks = BlockOrder.MinBlocks + 777;
        BlockOrder order = new(blocks);
        Assert.InRange(order.SampleCount, blocks / 17, blocks / 16);
        for (int piece = 0; piece < BlockOrder.Pieces; piece++)
        {
            Assert.Equal(piece * (blocks / BlockOrder.Pieces), order.BlockAt(piece * order.Piece, out int run));
            Assert.Equal(order.Piece, run);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(BlockOrder.MinBlocks - 1)]
    public void AShortBasisIsReadFromFrontToBack(int blocks)
    {
        BlockOrder order = new(blocks);
        Assert.Equal(0, order.SampleCount);
        for (int slot = 0; slot < blocks; slot += 1 + (blocks / 100))
        {
            Assert.Equal((slot, slot, blocks - slot), (order.SlotOf(slot), order.BlockAt(slot, out int run), run));
        }
    }
}
