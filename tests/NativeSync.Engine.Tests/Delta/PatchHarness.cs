using System.IO.Hashing;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>Hands tokens to a patcher.</summary>
internal readonly struct PatchSink(Patcher patcher) : ITokenSink
{
    public void Literal(ReadOnlySpan<byte> data) => patcher.Literal(data);

    public void Copy(long basisOffset, long length) => patcher.Copy(basisOffset, length);

    public void Hole(long length) => patcher.Hole(length);
}

/// <summary>A basis and an output as real files in memory, and the whole way from one to the other.</summary>
internal sealed class PatchHarness : IDisposable
{
    private readonly TemporaryTree _tree = new("/dev/shm");

    public PatchHarness(byte[] basis, ISystemCalls? io = null)
    {
        Io = io ?? LinuxSystemCalls.Instance;
        _tree.File("basis"u8, basis);
        _tree.File("output"u8);
        BasisLength = basis.Length;
        BasisFd = Open("basis"u8);
        OutputFd = Open("output"u8);
    }

    public ISystemCalls Io { get; }

    public int BasisFd { get; }

    public int OutputFd { get; }

    public long BasisLength { get; }

    /// <summary>The output begins with what the basis holds, as after a clone.</summary>
    public bool Cloned { get; init; }

    /// <summary>At the end the output is cut where it is no beginning of the content: what <see cref="Patcher.CutBack"/> said.</summary>
    public long? Beginning { get; private set; }

    public bool CutsBack { get; init; }

    public PatchTarget Target(long size, bool inPlace = false, bool sparse = false) => new()
    {
        Cloned = Cloned && !inPlace,
        OutputFd = inPlace ? BasisFd : OutputFd,
        BasisFd = BasisFd,
        BasisLength = BasisLength,
        Size = size,
        InPlace = inPlace,
        Sparse = sparse,
    };

    /// <summary>Signature from the file, match, patch; the outcome and the bytes of the output.</summary>
    public PatchOutcome Synchronise(byte[] content, BlockLayout layout, bool inPlace, bool sparse, out int error, UInt128? digest = null)
    {
        Signature signature = new(layout);
        error = SignatureGenerator.Generate(Io, BasisFd, layout, (_, encoded) => signature.Append(encoded));
        if (error != 0)
        {
            return PatchOutcome.Failed;
        }

        if (Cloned && !inPlace)
        {
            File.Copy($"{_tree.Path}/basis", $"{_tree.Path}/output", overwrite: true);
        }

        using Patcher patcher = new(Io, Target(content.Length, inPlace, sparse));
        MemorySource source = new(content);
        PatchSink sink = new(patcher);
        MatchResult result = DeltaMatcher.Match(ref source, content.Length, signature, ref sink, new MatchOptions { InPlace = inPlace });
        PatchOutcome outcome = patcher.Finish(digest ?? result.Digest);
        error = patcher.Error;
        Beginning = CutsBack ? patcher.CutBack() : null;
        Assert.Equal(content.Length, patcher.Length);
        return outcome;
    }

    public byte[] Read(bool inPlace) => File.ReadAllBytes($"{_tree.Path}/{(inPlace ? "basis" : "output")}");

    public long AllocatedBytes(int fd)
    {
        TemporaryTree.Check(Io.Stat(fd, out FileStatus status));
        return status.Blocks * 512;
    }

    public static UInt128 Digest(byte[] content) => XxHash128.HashToUInt128(content);

    public void Dispose()
    {
        LinuxSystemCalls.Instance.Close(BasisFd);
        LinuxSystemCalls.Instance.Close(OutputFd);
        _tree.Dispose();
    }

    private int Open(ReadOnlySpan<byte> name)
        => TemporaryTree.Check(LinuxSystemCalls.Instance.OpenAt(_tree.Handle, name, OpenFlags.ReadWrite));
}
