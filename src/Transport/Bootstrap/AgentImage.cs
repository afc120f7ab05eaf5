using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>The executable that serves as the remote end, and what it is called there: its name holds a digest of its content.</summary>
/// <remarks>The digest is taken on a thread of its own, since connecting takes longer.</remarks>
public sealed class AgentImage
{
    /// <summary>Hexadecimal digits of the digest in the name: 64 bits, against confusion, not against forgery (the directory is private).</summary>
    private const int NameDigits = 16;

    private readonly Task<string> _digest;

    private AgentImage(string path, long size, string machine)
    {
        Path = path;
        Size = size;
        Machine = machine;
        _digest = Task.Run(Digest);
    }

    /// <summary>Where it lies here.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long Size { get; }

    /// <summary>The machine it is for, as <c>uname -m</c> calls it.</summary>
    public string Machine { get; }

    /// <summary>This very program.</summary>
    /// <exception cref="TransportException">It cannot be read, or is no executable for Linux.</exception>
    public static AgentImage Self() => FromFile("/proc/self/exe");

    /// <summary>An executable in a file.</summary>
    /// <exception cref="TransportException">It cannot be read, or is no executable for Linux.</exception>
    public static AgentImage FromFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] header = new byte[64];
            int got = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
            return new AgentImage(path, file.Length, MachineOf(header.AsSpan(0, got)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TransportException(1, $"the agent's executable {Printable.Line(path)} cannot be read: {Printable.Line(e.Message)}",
                "Build it with ./build.sh, or give --rsync-path to use one that is installed there.", e);
        }
    }

    /// <summary>SHA-256 of the content, in lower-case hexadecimal digits.</summary>
    public Task<string> Sha256Async() => _digest;

    /// <summary>The file's name at the remote side.</summary>
    public async Task<string> RemoteNameAsync() => "nativesync-" + (await _digest.ConfigureAwait(false))[..NameDigits];

    /// <summary>From the ELF header; anything else (a script, in tests) runs on any machine.</summary>
    private static string MachineOf(ReadOnlySpan<byte> header)
    {
        if (header.Length < 20 || !header.StartsWith("\u007fELF"u8))
        {
            return "any";
        }

        return BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) switch
        {
            62 => "x86_64",
            183 => "aarch64",
            ushort other => "elf-" + other,
        };
    }

    private string Digest()
    {
        // In large pieces: of a stream 4 KiB are hashed at a time, which are 4,800 system calls while others log in.
        using SafeFileHandle file = File.OpenHandle(Path);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = GC.AllocateUninitializedArray<byte>(256 * 1024);
        for (long at = 0; RandomAccess.Read(file, piece, at) is > 0 and int count; at += count)
        {
            hash.AppendData(piece, 0, count);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>How to start the remote end.</summary>
public sealed record AgentOptions
{
    /// <summary>Run this there (a path, or a command such as <c>sudo nativesync</c>, read by the remote shell) and upload nothing.</summary>
    public string? RemotePath { get; init; }

    /// <summary>Makes another connection to the same server, as the same user and without asking anybody, for further lanes; null for none.</summary>
    public Func<CancellationToken, Task<SshSession>>? AnotherSession { get; init; }

    /// <summary>How long the agent may take to answer after it was started.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Paces the upload: waits until some of so many bytes may go, and gives how many. Null: as fast as the line takes them.</summary>
    public Func<int, CancellationToken, ValueTask<int>>? Pace { get; init; }

    /// <summary>While nothing moves for so long during the upload the line is dead: both ends give up. <see cref="Timeout.InfiniteTimeSpan"/>: never.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the agent waits for its job, which comes at once unless somebody is asked for something meanwhile; null: as long as it usually does.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Where the time for <see cref="StartTimeout"/> and <see cref="Silence"/> comes from.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Agents of other versions in the same place that are older than this are removed when a new one is installed; 0 keeps all.</summary>
    public int RemoveAgentsOlderThanDays { get; init; } = 60;
}
