using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>A basis, a content made from it by edits, and how both are cut and read.</summary>
public sealed record DeltaCase(byte[] Basis, byte[] Content, int BlockSize, int BufferSize, int Chunk, bool InPlace, int Strong, string Script)
{
    public override string ToString()
        => $"basis {Basis.Length}, content {Content.Length}, block {BlockSize}, buffer {BufferSize}, chunk {Chunk}, in place {InPlace}, strong {Strong}, {Script}";
}

public static class DeltaCases
{
    private static readonly int[] BlockSizes = [256, 512, 1024, 4096];
    private static readonly int[] Buffers = [1, 8192, 20_000, 1 << 20];
    private static readonly int[] Chunks = [1000, 4096, 70_001, int.MaxValue];

    public static Arbitrary<DeltaCase> Case()
        => (from seed in Gen.Choose(0, int.MaxValue)
            from block in Gen.Elements(BlockSizes)
            from buffer in Gen.Elements(Buffers)
            from chunk in Gen.Elements(Chunks)
            from inPlace in Gen.Elements(true, false)
            from strong in Gen.Frequency((2, Gen.Constant(0)), (1, Gen.Constant(1)), (2, Gen.Choose(2, 16)))
            from edits in Gen.Choose(0, 12)
            select Make(seed, block, buffer, chunk, inPlace, strong, edits)).ToArbitrary();

    private static DeltaCase Make(int seed, int block, int buffer, int chunk, bool inPlace, int strong, int edits)
    {
        Random random = new(seed);
        byte[] basis = Piece(random, random.Next(0, 200_000));
        List<byte> content = [.. basis];
        List<string> script = [$"seed {seed}"];
        for (int i = 0; i < edits; i++)
        {
            int at = random.Next(0, content.Count + 1);
            int length = Math.Min(content.Count - at, random.Next(0, random.Next(2) == 0 ? 20 : 20_000));
            switch (random.Next(6))
            {
                case 0:
                    content.InsertRange(at, Piece(random, length));
                    script.Add($"insert {length} at {at}");
                    break;
                case 1:
                    content.RemoveRange(at, length);
                    script.Add($"remove {length} at {at}");
                    break;
                case 2:
                    content.RemoveRange(at, length);
                    content.InsertRange(at, Piece(random, length));
                    script.Add($"overwrite {length} at {at}");
                    break;
                case 3:
                    byte[] moved = [.. content.GetRange(at, length)];
                    content.RemoveRange(at, length);
                    int to = random.Next(0, content.Count + 1);
                    content.InsertRange(to, moved);
                    script.Add($"move {length} from {at} to {to}");
                    break;
                case 4:
                    content.InsertRange(random.Next(0, content.Count + 1), [.. content.GetRange(at, length)]);
                    script.Add($"duplicate {length} from {at}");
                    break;
                default:
                    content.RemoveRange(at, content.Count - at);
                    content.AddRange(new byte[length]);
                    script.Add($"cut at {at}, {length} zeros");
                    break;
            }
        }

        return new DeltaCase(basis, [.. content], block, buffer, chunk, inPlace, strong, string.Join(", ", script));
    }

    /// <summary>Random, regular, constant or zero bytes, so that equal blocks and zero pages come up.</summary>
    private static byte[] Piece(Random random, int length)
    {
        byte[] bytes = new byte[length];
        int at = 0;
        while (at < length)
        {
            Span<byte> part = bytes.AsSpan(at, Math.Min(length - at, random.Next(1, 40_000)));
            switch (random.Next(5))
            {
                case 0:
                    break;
                case 1:
                    part.Fill((byte)random.Next(256));
                    break;
                case 2:
                    int period = random.Next(1, 3000);
                    for (int i = 0; i < part.Length; i++)
                    {
                        part[i] = (byte)(i % period * 7);
                    }

                    break;
                default:
                    random.NextBytes(part);
                    break;
            }

            at += part.Length;
        }

        return bytes;
    }
}

public sealed class DeltaPropertyTests
{
    [Property(MaxTest = 400, Arbitrary = [typeof(DeltaCases)])]
    public void AnyEditScriptIsRebuiltExactly(DeltaCase c)
    {
        MatchOptions options = new() { InPlace = c.InPlace, BufferSize = c.BufferSize };
        DeltaHarness.RoundTrip(c.Basis, c.Content, c.BlockSize, options, c.Chunk, c.Strong);
    }

    [Property(MaxTest = 100, Arbitrary = [typeof(DeltaCases)])]
    public void ASearchWithoutBudgetIsStillExact(DeltaCase c)
    {
        MatchOptions options = new() { InPlace = c.InPlace, BufferSize = c.BufferSize, SearchBudget = 1000, SearchReward = 0 };
        DeltaHarness.RoundTrip(c.Basis, c.Content, c.BlockSize, options, c.Chunk, c.Strong);
    }

    [Property(MaxTest = 100, Arbitrary = [typeof(DeltaCases)])]
    public void ASignatureThatComesLateGivesTheSameContent(DeltaCase c)
    {
        BlockLayout layout = new(c.Basis.Length, c.BlockSize, c.Strong);
        List<byte[]> records = [];
        MemorySource basis = new(c.Basis);
        SignatureGenerator.Generate(ref basis, layout, (_, encoded) => records.AddRange(encoded.ToArray().Chunk(layout.EntrySize * 3)));
        Signature signature = new(layout);
        RebuildSink sink = new(c.Basis, c.InPlace);
        ChunkedSource source = new(c.Content, c.Chunk);
        using DeltaMatcher matcher = new(signature, c.Content.Length, new MatchOptions { InPlace = c.InPlace, BufferSize = c.BufferSize });
        int next = 0;
        MatchStatus status;
        while ((status = matcher.Step(ref source, ref sink)) is MatchStatus.Continue or MatchStatus.NeedsSignature)
        {
            if (status == MatchStatus.NeedsSignature)
            {
                Assert.True(next < records.Count, "asks for more signature than there is");
                signature.Append(records[next++]);
            }
        }

        Assert.Equal(MatchStatus.Finished, status);
        Assert.Equal(c.Content, sink.Content.ToArray());
        Assert.Equal(c.Content.Length, matcher.Result.Length);
    }
}
