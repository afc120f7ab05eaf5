using System.Buffers;
using System.IO.Hashing;
using NativeSync.Engine.Compression;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>Records what a sender says to a receiver, for others to hear later. docs/batch.md. Guarded by its gate.</summary>
internal sealed class BatchWriter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ISystemCalls _io;
    private readonly byte[] _path;
    private readonly int _fd;
    private readonly int? _level;
    private readonly PackCodec _codec = new();
    private readonly XxHash128 _digest = new();
    private byte[] _packed = [];

    /// <summary>Begins a batch file; what stood under its name is gone.</summary>
    /// <param name="io">The system.</param>
    /// <param name="path">Where to.</param>
    /// <param name="level">The zstd level for what is recorded; null for none.</param>
    /// <exception cref="SessionException">3, as rsync: it cannot be made.</exception>
    public BatchWriter(ISystemCalls io, byte[] path, int? level)
    {
        _io = io;
        _path = path;
        // A file is no line that could be waited for: rsync's usual level.
        _level = level == AdaptiveLevel.Adapt ? 3 : level;
        _fd = io.OpenPath(path, OpenFlags.Write | OpenFlags.Create | OpenFlags.Truncate, ModeBits.PrivateFile);
        if (_fd < 0)
        {
            throw new SessionException(ExitCodes.FileSelection, $"batch file \"{ByteText.Escape(path)}\": creating it failed: {Errno.Describe(-_fd)} ({-_fd})");
        }
    }

    /// <summary>Says what the batch is made with.</summary>
    public void Begin(SyncOptions options)
    {
        var head = new ArrayBufferWriter<byte>(256);
        head.Write(BatchFormat.Magic);
        BatchFormat.Describe(options).Write(head);
        Write(head.WrittenSpan);
    }

    /// <summary>Records a pack as the sender made it.</summary>
    public void Append(ReadOnlySpan<byte> records)
    {
        lock (_gate)
        {
            Span<byte> prefix = stackalloc byte[RecordsFrame.MaxPrefixSize];
            if (_level is { } level)
            {
                if (_packed.Length < records.Length)
                {
                    _packed = new byte[records.Length];
                }

                if (_codec.Compress(records, _packed, level) is > 0 and var length)
                {
                    Write(prefix[..new RecordsFrame(RecordsCodec.Zstd, records.Length).WritePrefix(prefix, length)]);
                    Write(_packed.AsSpan(0, length));
                    return;
                }
            }

            Write(prefix[..new RecordsFrame(RecordsCodec.Plain, records.Length).WritePrefix(prefix, records.Length)]);
            Write(records);
        }
    }

    /// <summary>Records what the receiver compares with: when the answer is that it is the same, this is the source's digest.</summary>
    public void Compare(int directory, int index, UInt128 digest)
    {
        Span<byte> room = stackalloc byte[Records.CompareBound];
        var writer = new WireWriter(room);
        Records.WriteCompare(ref writer, directory, index, digest);
        Append(room[..writer.Position]);
    }

    /// <summary>All has been recorded, and the session went well: from now on the file is a batch.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            Write(ControlFrames.Goodbye());
            var digest = new byte[BatchFormat.DigestLength];
            _digest.GetCurrentHash(digest);
            Write(digest);
        }
    }

    public void Dispose()
    {
        _codec.Dispose();
        _io.Close(_fd);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _digest.Append(bytes);
        while (!bytes.IsEmpty)
        {
            var count = (int)_io.Write(_fd, bytes);
            if (count <= 0)
            {
                throw new SessionException(ExitCodes.FileIo,
                    $"batch file \"{ByteText.Escape(_path)}\": writing failed: {Errno.Describe(-count)} ({-count}); what is there of it cannot be applied");
            }

            bytes = bytes[count..];
        }
    }
}
