using BenchmarkDotNet.Attributes;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Bench.Micro;

/// <summary>Puts 256 MiB together in a memory-backed file system, every hundredth 8 KiB as a literal.</summary>
[MemoryDiagnoser]
public class PatcherBenchmarks
{
    private const int Block = 8192;
    private const int Blocks = BenchData.FileSize / Block;
    private readonly ISystemCalls _io = LinuxSystemCalls.Instance;
    private readonly byte[] _literal = BenchData.Random(Block, 9);
    private int _basis;
    private int _output;

    [Params(false, true)]
    public bool InPlace { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _basis = Create("/dev/shm/nativesync-bench-basis"u8);
        _output = Create("/dev/shm/nativesync-bench-output"u8);
        byte[] content = BenchData.Random(BenchData.FileSize);
        for (int at = 0; at < content.Length;)
        {
            at += (int)_io.WriteAt(_basis, content.AsSpan(at), at);
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _io.Close(_basis);
        _io.Close(_output);
    }

    [Benchmark]
    public long Patch256MiB()
    {
        if (!InPlace)
        {
            _io.Truncate(_output, 0);
        }

        using Patcher patcher = new(_io, new PatchTarget
        {
            OutputFd = InPlace ? _basis : _output,
            BasisFd = _basis,
            BasisLength = BenchData.FileSize,
            Size = BenchData.FileSize,
            InPlace = InPlace,
        });
        for (int block = 0; block < Blocks; block += 100)
        {
            patcher.Literal(_literal);
            patcher.Copy((block + 1L) * Block, (Math.Min(block + 100, Blocks) - block - 1L) * Block);
        }

        patcher.Finish(0);
        return patcher.Length;
    }

    private int Create(ReadOnlySpan<byte> path)
    {
        int fd = _io.OpenPath(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate, 0x180);
        File.Delete(System.Text.Encoding.ASCII.GetString(path)); // the handle keeps it
        return fd;
    }
}
