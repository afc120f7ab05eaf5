using System.IO.Hashing;
using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>One token, as the tests look at it.</summary>
internal readonly record struct Token(char Kind, long Offset, long Length);

/// <summary>Rebuilds the content in memory, and checks each token against the rules of the wire.</summary>
internal struct RebuildSink(byte[] basis, bool inPlace = false) : ITokenSink
{
    public List<Token> Tokens { get; } = [];
    public MemoryStream Content { get; } = new();

    public readonly void Literal(ReadOnlySpan<byte> data)
    {
        Assert.InRange(data.Length, 1, TokenRun.MaxLiteral);
        Tokens.Add(new Token('L', Content.Length, data.Length));
        Content.Write(data);
    }

    public readonly void Copy(long basisOffset, long length)
    {
        Assert.True(length > 0 && basisOffset >= 0 && basisOffset + length <= basis.Length, "a copy outside the basis");
        Assert.True(!inPlace || basisOffset >= Content.Length, "a copy of what has been overwritten");
        Tokens.Add(new Token('C', basisOffset, length));
        Content.Write(basis, (int)basisOffset, (int)length);
    }

    public readonly void Hole(long length)
    {
        Assert.True(length > 0);
        Tokens.Add(new Token('H', Content.Length, length));
        Content.Write(new byte[length]);
    }
}

/// <summary>Gives at most so many bytes at a read, may end early or fail.</summary>
internal readonly struct ChunkedSource(byte[] content, int chunk, long failAt = long.MaxValue, int errno = 5) : IByteSource
{
    public int Read(long offset, Span<byte> destination)
    {
        if (offset >= failAt)
        {
            return -errno;
        }

        int count = (int)Math.Min(Math.Min(chunk, destination.Length), Math.Max(0, content.Length - offset));
        content.AsSpan((int)Math.Min(offset, content.Length), count).CopyTo(destination);
        return count;
    }
}

internal static class DeltaHarness
{
    public static Signature Sign(byte[] basis, BlockLayout layout)
    {
        Signature signature = new(layout);
        MemorySource source = new(basis);
        Assert.Equal(0, SignatureGenerator.Generate(ref source, layout, (count, encoded) =>
        {
            Assert.Equal(count * layout.EntrySize, encoded.Length);
            signature.Append(encoded);
        }));
        Assert.True(signature.Complete);
        return signature;
    }

    public static Signature Sign(byte[] basis, int blockSize = 512, int strongLength = 8) => Sign(basis, new BlockLayout(basis.Length, blockSize, strongLength));

    /// <summary>Matches, rebuilds, and asserts that the result is the content.</summary>
    public static (MatchResult Result, List<Token> Tokens) RoundTrip(
        byte[] basis, byte[] content, int blockSize = 512, MatchOptions? options = null, int chunk = int.MaxValue, int strongLength = 8)
    {
        Signature signature = Sign(basis, blockSize, strongLength);
        ChunkedSource source = new(content, chunk);
        RebuildSink sink = new(basis, options?.InPlace ?? false);
        MatchResult result = DeltaMatcher.Match(ref source, content.Length, signature, ref sink, options);
        Assert.Equal(0, result.Error);
        Assert.Equal(content.Length, result.Length);
        Assert.True(content.AsSpan().SequenceEqual(sink.Content.GetBuffer().AsSpan(0, (int)sink.Content.Length)), "the tokens do not give the content");
        Assert.Equal(XxHash128.HashToUInt128(content), result.Digest);
        Assert.Equal(content.Length, result.LiteralBytes + result.CopiedBytes + result.HoleBytes);
        AssertMerged(sink.Tokens);
        return (result, sink.Tokens);
    }

    public static byte[] Random(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static byte[] Concat(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    private static void AssertMerged(List<Token> tokens)
    {
        for (int i = 1; i < tokens.Count; i++)
        {
            Token a = tokens[i - 1];
            Token b = tokens[i];
            Assert.False(a.Kind == 'C' && b.Kind == 'C' && a.Offset + a.Length == b.Offset, "adjacent copies were not merged");
            Assert.False(a.Kind == 'H' && b.Kind == 'H', "adjacent holes were not merged");
        }
    }
}
