using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Delta;

namespace NativeSync.Bench.Micro;

/// <summary>The matcher over 256 MiB in memory: the cases of design §8 at a quarter of their size.</summary>
[MemoryDiagnoser]
public class MatcherBenchmarks
{
    private byte[] _content = [];
    private Signature _signature = new(new BlockLayout(0, 4096, 0));
    private readonly MatchOptions _searchAll = new() { SearchBudget = long.MaxValue / 2 };

    [Params("same", "pages", "regions", "shifted", "shuffled", "unrelated", "zeros")]
    public string Case { get; set; } = "same";

    [GlobalSetup]
    public void Setup()
    {
        byte[] basis = BenchData.Random(BenchData.FileSize);
        _content = Case switch
        {
            "pages" => BenchData.Overwrite(basis, 650, 4096, 4096),
            "regions" => BenchData.InsertAndDelete(BenchData.Overwrite(basis, 40, 64 << 10, 1), 25),
            "shifted" => [0x42, .. basis.AsSpan()],
            "shuffled" => Shuffle(basis),
            "unrelated" => BenchData.Random(BenchData.FileSize, 99),
            "zeros" => new byte[BenchData.FileSize],
            _ => basis,
        };
        BlockLayout layout = new(basis.Length, 4096, 0); // as for 1 GiB
        _signature = new Signature(layout);
        MemorySource source = new(basis);
        SignatureGenerator.Generate(ref source, layout, (_, encoded) => _signature.Append(encoded));
        _signature.Index(preferLast: false);
    }

    [Benchmark]
    public long Match256MiB() => Run(MatchOptions.Default);

    [Benchmark]
    public long MatchWithoutBudget() => Run(_searchAll);

    private long Run(MatchOptions options)
    {
        MemorySource source = new(_content);
        CountingSink sink = default;
        return DeltaMatcher.Match(ref source, _content.Length, _signature, ref sink, options).LiteralBytes + sink.Tokens;
    }

    private static byte[] Shuffle(byte[] basis)
    {
        int[] order = [.. Enumerable.Range(0, basis.Length / 8192)];
        new Random(5).Shuffle(order);
        byte[] content = new byte[basis.Length];
        for (int i = 0; i < order.Length; i++)
        {
            basis.AsSpan(order[i] * 8192, 8192).CopyTo(content.AsSpan(i * 8192));
        }

        return content;
    }

    private struct CountingSink : ITokenSink
    {
        public long Tokens { get; private set; }

        public void Literal(ReadOnlySpan<byte> data) => Tokens++;

        public void Copy(long basisOffset, long length) => Tokens++;

        public void Hole(long length) => Tokens++;
    }
}
