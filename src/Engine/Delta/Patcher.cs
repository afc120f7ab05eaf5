using System.Buffers;
using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

/// <summary>
/// Puts a new content together from tokens, hashing it on the way. Where the system fails (no space, input/output error) the first errno is
/// kept and the remaining tokens of the file are checked but not applied, so that the stream stays in step.
/// </summary>
/// <remarks>
/// Bounds: a copy lies inside the basis, in place never behind the write position; the sum of all tokens stays within the announced size. Anything else
/// is the peer's fault and ends the session (<see cref="ProtocolException"/>). Not for use by two threads at once.
/// </remarks>
internal sealed class Patcher : IDisposable
{
    /// <summary>Written, and read from the basis, at a time.</summary>
    private const int BufferSize = 256 << 10;

    private static readonly byte[] Zeros = new byte[64 << 10];

    /// <summary>What is longer is written from where it is rather than gathered first.</summary>
    private const int DirectFrom = 64 << 10;

    /// <summary>
    /// From this size on, a thread of its own writes while the next tokens are read and hashed. Not without a basis: then there is only the hash,
    /// a fifth of the writing, and handing it over costs more.
    /// </summary>
    private const long BehindFrom = 16L << 20;

    private readonly ISystemCalls _io;
    private readonly PatchTarget _target;
    private readonly PatchOutput _output;
    private readonly WriteBehind? _behind;
    private readonly XxHash128 _digest = new();

    /// <summary>In place the output itself: what stays in it is then hashed where it stays, whatever became of the name meanwhile.</summary>
    private readonly int _basisFd;

    private byte[] _buffer;

    // The buffer holds what belongs at _length - _used; all before that has been handed on.
    private int _used;
    private long _length;
    private bool _basisChanged;

    /// <summary>What belongs from here on never got as far as the output.</summary>
    private long _missing = long.MaxValue;

    public Patcher(ISystemCalls io, in PatchTarget target)
    {
        ArgumentNullException.ThrowIfNull(io);
        ArgumentOutOfRangeException.ThrowIfNegative(target.Size);
        _io = io;
        _target = target;
        _basisFd = target.InPlace && target.BasisFd >= 0 ? target.OutputFd : target.BasisFd;
        _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        _output = new PatchOutput(io, target);
        _behind = target.Size >= BehindFrom && target.BasisFd >= 0 && Environment.ProcessorCount > 1 ? new WriteBehind(_output, BufferSize) : null;
    }

    /// <summary>0, or -errno of the first failure.</summary>
    public int Error => _output.Error;

    /// <summary>Bytes of the new content that tokens have described.</summary>
    public long Length => _length;

    /// <summary>Appends new data; 0 or -errno.</summary>
    public int Literal(ReadOnlySpan<byte> data)
    {
        Claim(data.Length);
        if (Error == 0)
        {
            _digest.Append(data);
            while (Error == 0 && !data.IsEmpty)
            {
                int count = Math.Min(data.Length, BufferSize - _used);
                if (_used == 0 && _behind is null && count >= DirectFrom)
                {
                    _output.Put(data[..count], _length);
                    _length += count;
                    data = data[count..];
                    continue;
                }

                data[..count].CopyTo(_buffer.AsSpan(_used));
                Used(count);
                data = data[count..];
            }
        }

        Lose();
        _length += data.Length; // what was burnt
        return Error;
    }

    /// <summary>Appends a stretch of the basis; 0 or -errno.</summary>
    public int Copy(long basisOffset, long length)
    {
        if (_basisFd < 0 || basisOffset < 0 || length < 0 || basisOffset > _target.BasisLength || length > _target.BasisLength - basisOffset)
        {
            throw DeltaErrors.Malformed("a copy reaches beyond the basis");
        }

        if (_target.InPlace && basisOffset < _length)
        {
            throw DeltaErrors.Malformed("a copy in place from what has been overwritten");
        }

        Claim(length);
        bool stays = _target.HasContent && basisOffset == _length;
        if (stays)
        {
            Flush();
            if (_length == 0 && length == _target.TrustedLength)
            {
                _length = length;
                return Error;
            }
        }

        while (Error == 0 && length > 0)
        {
            Span<byte> piece = _buffer.AsSpan(_used, (int)Math.Min(length, BufferSize - _used));
            ReadBasis(basisOffset, piece);
            if (Error != 0)
            {
                break;
            }

            _digest.Append(piece);
            basisOffset += piece.Length;
            length -= piece.Length;
            if (stays)
            {
                _length += piece.Length;
            }
            else
            {
                Used(piece.Length);
            }
        }

        Lose();
        _length += length; // what was burnt
        return Error;
    }

    /// <summary>Appends zeros; 0 or -errno.</summary>
    public int Hole(long length)
    {
        if (length < 0)
        {
            throw DeltaErrors.Malformed("a hole of negative length");
        }

        Claim(length);
        Flush();
        if (Error != 0)
        {
            Lose();
            _length += length;
            return Error;
        }

        for (long rest = length; rest > 0;)
        {
            int count = (int)Math.Min(rest, Zeros.Length);
            _digest.Append(Zeros.AsSpan(0, count));
            rest -= count;
        }

        long start = _length;
        _length += length;
        if (_target.HasContent)
        {
            _behind?.Drain();
            _output.Clear(start, length);
        }

        return Error;
    }

    /// <summary>
    /// Writes what is left, gives the output its length, and compares the digest. <paramref name="shortened"/>: the sender says that its file changed
    /// while it was read, so that less than the announced size may have come.
    /// </summary>
    /// <exception cref="ProtocolException">Less came than was announced.</exception>
    public PatchOutcome Finish(UInt128 expected, bool shortened = false)
    {
        if (_length < _target.Size && !shortened)
        {
            throw DeltaErrors.Malformed("a file ends before its announced length");
        }

        Flush();
        _behind?.Drain();
        _output.SetLength(_length);

        if (Error != 0)
        {
            return PatchOutcome.Failed;
        }

        return !_basisChanged && _digest.GetCurrentHashAsUInt128() == expected ? PatchOutcome.Verified : PatchOutcome.Mismatch;
    }

    /// <summary>
    /// After <see cref="Finish"/>: cuts the output where it is no beginning of the new content any more, and before its last byte: nobody has verified
    /// all of it. Its length then, or -errno.
    /// </summary>
    public long CutBack()
    {
        long length = Math.Min(Math.Min(_length, Math.Max(0, _target.Size - 1)), Math.Min(_missing, _output.Beginning));
        int error = _io.Truncate(_target.OutputFd, length);
        return error < 0 ? error : length;
    }

    /// <summary>After <see cref="Finish"/>: a file system may know the length long before it has written the content.</summary>
    public bool LengthSaysNothing => _output.LengthSaysNothing;

    /// <summary>Returns the buffers; what has not been flushed is lost.</summary>
    public void Dispose()
    {
        _behind?.Dispose();
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Claim(long length)
    {
        if (length > _target.Size - _length)
        {
            throw DeltaErrors.Malformed("the tokens of a file exceed its announced length");
        }
    }

    private void Used(int count)
    {
        _used += count;
        _length += count;
        if (_used == BufferSize)
        {
            Flush();
        }
    }

    private void Flush()
    {
        if (_used > 0 && Error == 0)
        {
            long offset = _length - _used;
            if (_behind is not null)
            {
                _buffer = _behind.Take(_buffer, _used, offset);
            }
            else
            {
                _output.Put(_buffer.AsSpan(0, _used), offset);
            }
        }

        Lose();
        _used = 0;
    }

    /// <summary>After a failure: what is in the buffer, and all that follows, gets nowhere.</summary>
    private void Lose() => _missing = Error == 0 ? _missing : Math.Min(_missing, _length - _used);

    /// <summary>A basis that has become shorter gives zeros, and the outcome will be a mismatch: the redo sees the basis as it is then.</summary>
    private void ReadBasis(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            nint count = _io.ReadAt(_basisFd, destination, offset);
            if (count < 0)
            {
                _output.Fail((int)count);
                return;
            }

            if (count == 0)
            {
                _missing = Math.Min(_missing, _length);
                destination.Clear();
                _basisChanged = true;
                return;
            }

            offset += count;
            destination = destination[(int)count..];
        }
    }
}
