using System.Text;
using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Filters;

namespace NativeSync.Bench.Micro;

/// <summary>What a name costs that no rule matches: every rule is asked.</summary>
[MemoryDiagnoser]
public class FilterListBenchmarks
{
    private const int Names = 10_000;

    private byte[][] _paths = [];
    private DirectoryRules _rules = DirectoryRules.Of([], [], DirMergeLists.None);

    /// <summary>Anchored directories, suffixes and wildcards in turn.</summary>
    [Params(8, 200)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _paths = [.. Enumerable.Range(0, Names).Select(i => Encoding.UTF8.GetBytes($"usr/share/doc/package-{i % 300}/file-{i}.txt"))];
        FilterList list = FilterList.Parse([.. Enumerable.Range(0, Rules).Select(i => Encoding.UTF8.GetBytes((i % 3) switch
        {
            0 => $"- /proc{i}/*",
            1 => $"- *.o{i}",
            _ => $"- /var/**/cache{i}/[a-f]*",
        }))]);
        _rules = DirectoryRules.Of(list.Entries, [], DirMergeLists.None);
    }

    /// <summary>Names that take part: all.</summary>
    [Benchmark(OperationsPerInvoke = Names)]
    public int Check()
    {
        int included = 0;
        foreach (byte[] path in _paths)
        {
            included += _rules.Check(path, isDirectory: false, FilterSide.Sender) == FilterDecision.Included ? 1 : 0;
        }

        return included;
    }
}
