using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Compression;

namespace NativeSync.Bench.Micro;

/// <summary>Packs of 1 MiB: text, incompressible (sampled and refused), and back.</summary>
[MemoryDiagnoser]
public class CodecBenchmarks
{
    private readonly PackCodec _codec = new();
    private readonly byte[] _text = BenchData.Text(1 << 20);
    private readonly byte[] _random = BenchData.Random(1 << 20);
    private readonly byte[] _packed = new byte[1 << 20];
    private readonly byte[] _raw = new byte[1 << 20];
    private byte[] _packedText = [];

    [GlobalSetup]
    public void Setup()
    {
        int length = _codec.Compress(_text, _packed, 1);
        _packedText = _packed[..length];
    }

    [Benchmark]
    [Arguments(-3)]
    [Arguments(1)]
    [Arguments(3)]
    public int CompressText(int level) => _codec.Compress(_text, _packed, level);

    [Benchmark]
    public int RefuseIncompressible() => _codec.Compress(_random, _packed, 1);

    [Benchmark]
    public void DecompressText() => _codec.Decompress(_packedText, _raw);
}
