using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Delta;

namespace NativeSync.Bench.Micro;

/// <summary>The signature of 256 MiB in memory, and the index that the other side builds from it.</summary>
[MemoryDiagnoser]
public class SignatureBenchmarks
{
    private byte[] _basis = [];
    private BlockLayout _layout;
    private byte[] _encoded = [];

    [GlobalSetup]
    public void Setup()
    {
        _basis = BenchData.Random(BenchData.FileSize);
        _layout = new BlockLayout(_basis.Length, 4096, 0); // as for 1 GiB
        using MemoryStream all = new();
        MemorySource source = new(_basis);
        SignatureGenerator.Generate(ref source, _layout, (_, encoded) => all.Write(encoded));
        _encoded = all.ToArray();
    }

    [Benchmark]
    public int Generate256MiB()
    {
        int blocks = 0;
        MemorySource source = new(_basis);
        SignatureGenerator.Generate(ref source, _layout, (count, _) => blocks += count);
        return blocks;
    }

    [Benchmark]
    public int Index64KBlocks()
    {
        Signature signature = new(_layout);
        signature.Append(_encoded);
        return signature.Index(preferLast: false).Count;
    }
}
