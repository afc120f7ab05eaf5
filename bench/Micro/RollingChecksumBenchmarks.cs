using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Delta;

namespace NativeSync.Bench.Micro;

/// <summary>The weak checksum of whole blocks (signature), and rolled over every position (search) past the filter of 2^18 blocks, as of 1 GiB.</summary>
[MemoryDiagnoser]
public class RollingChecksumBenchmarks
{
    private const int Window = 4096;
    private byte[] _data = [];
    private RollingSearch _search;

    [GlobalSetup]
    public void Setup()
    {
        _data = BenchData.Random(64 << 20);
        Signature signature = new(new BlockLayout((1L << 18) * Window, Window, 0));
        signature.Append(BenchData.Random((1 << 18) * signature.Layout.EntrySize, 7));
        _search = new RollingSearch(signature.Index(preferLast: false), Window);
    }

    [Benchmark]
    public uint Blocks64MiB()
    {
        uint total = 0;
        for (int at = 0; at < _data.Length; at += Window)
        {
            total ^= RollingChecksum.Compute(_data.AsSpan(at, Window));
        }

        return total;
    }

    [Benchmark]
    public int Roll64MiB()
    {
        int hits = 0;
        int stop = _data.Length - Window;
        uint sum = RollingChecksum.Compute(_data.AsSpan(0, Window));
        for (int at = 0; ;)
        {
            at += _search.Find(ref _data[at], stop - at, ref sum);
            if (at + 1 >= stop)
            {
                return hits;
            }

            hits++;
            sum = _search.Roll(sum, _data[at], _data[at + Window]);
            at++;
        }
    }
}
