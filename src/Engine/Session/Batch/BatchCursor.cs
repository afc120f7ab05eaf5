using System.Buffers;
using NativeSync.Engine.Buffers;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>A place in a batch file whose bytes were verified: one frame of it, unpacked. Belongs to one thread.</summary>
internal sealed class BatchCursor(ISystemCalls io, int fd) : IDisposable
{
    private readonly PackReader _packs = new(inOrder: false);
    private readonly byte[] _head = new byte[FrameHeader.MaxSize];
    private byte[] _payload = [];
    private SharedBuffer? _unpacked;

    /// <summary>Where the frame begins; -1 before the first.</summary>
    public long Frame { get; private set; } = -1;

    /// <summary>Where the next one begins.</summary>
    public long Next { get; private set; }

    public FrameType Type { get; private set; }

    /// <summary>Its records; the payload of a frame that has none.</summary>
    public ReadOnlyMemory<byte> Content { get; private set; }

    /// <summary>Goes to the frame that begins there.</summary>
    /// <exception cref="ProtocolException">There is no frame.</exception>
    public void Load(long frame)
    {
        if (frame == Frame)
        {
            return;
        }

        var got = Read(_head, frame);
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(_head, 0, got));
        if (!FrameHeader.TryRead(ref reader, out var header))
        {
            throw Damaged();
        }

        // Unpack gives the same buffer back when there was nothing to unpack; only others are rented.
        Release();
        if (_payload.Length < header.Length)
        {
            _payload = new byte[header.Length];
        }

        var start = frame + reader.Consumed;
        if (Read(_payload.AsSpan(0, header.Length), start) < header.Length)
        {
            throw Damaged();
        }

        Content = _payload.AsMemory(0, header.Length);
        if (header.Type == FrameType.Records)
        {
            SharedSlice packed = new(new SharedBuffer(_payload), 0, header.Length);
            var records = _packs.Unpack(packed);
            _unpacked = ReferenceEquals(records.Buffer, packed.Buffer) ? null : records.Buffer;
            Content = records.Memory;
        }

        Type = header.Type;
        Frame = frame;
        Next = start + header.Length;
    }

    public void Dispose()
    {
        Release();
        _packs.Dispose();
    }

    private static ProtocolException Damaged() => new(ProtocolError.Truncated, "the batch file ends inside a frame");

    private int Read(Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var count = (int)io.ReadAt(fd, buffer[total..], offset + total);
            if (count <= 0)
            {
                return count < 0 ? throw new SessionException(ExitCodes.FileIo, $"reading the batch file failed: {Errno.Describe(-count)} ({-count})") : total;
            }

            total += count;
        }

        return total;
    }

    private void Release()
    {
        Frame = -1;
        if (_unpacked is { } rented)
        {
            _unpacked = null;
            rented.Release();
        }
    }
}
