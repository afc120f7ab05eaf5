using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Delta;

/// <summary>Writes of one output, at any offsets. The first failure is kept, and nothing is written after it. Used by one thread at a time.</summary>
internal sealed class PatchOutput(ISystemCalls io, in PatchTarget target)
{
    private const int Page = ContentWindow.HolePage;

    private static readonly byte[] Zeros = new byte[64 << 10];

    private readonly PatchTarget _target = target;
    private int _error;
    private long _written;

    /// <summary>Where what is not zeros ends: zeros behind it may have been written, where their page came in two pieces or is the last one.</summary>
    private long _dataEnd;
    private bool _punched;

    /// <summary>What belongs from here on has not been written.</summary>
    private long _missing = long.MaxValue;

    /// <summary>0, or -errno of the first failure; may be read by any thread.</summary>
    public int Error => Volatile.Read(ref _error);

    /// <summary>Up to here everything that was handed over has been written.</summary>
    public long Beginning => _missing;

    /// <summary>Keeps a failure, if it is the first; a result that is none changes nothing.</summary>
    public void Fail(int result)
    {
        if (result < 0)
        {
            Interlocked.CompareExchange(ref _error, result, 0);
        }
    }

    /// <summary>Writes, without the pages of zeros when sparse.</summary>
    public void Put(ReadOnlySpan<byte> data, long offset)
    {
        if (!_target.Sparse)
        {
            Write(data, offset);
            return;
        }

        while (Error == 0 && !data.IsEmpty)
        {
            int zeros = ZeroPages(data, offset, out int before);
            Write(data[..before], offset);
            if (zeros > 0 && _target.HasContent)
            {
                Clear(offset + before, zeros);
            }

            offset += before + zeros;
            data = data[(before + zeros)..];
        }

        Miss(data.Length, offset);
    }

    /// <summary>Zeros over what was there: a punched hole when sparse, else (or where that is not possible) written.</summary>
    public void Clear(long offset, long length)
    {
        if (_target.Sparse && io.Allocate(_target.OutputFd, AllocateMode.PunchHole, offset, length) >= 0)
        {
            _punched = true;
            return;
        }

        long end = offset + length;
        while (Error == 0 && offset < end)
        {
            int count = (int)Math.Min(end - offset, Zeros.Length);
            Write(Zeros.AsSpan(0, count), offset);
            offset += count;
        }

        Miss(end - offset, offset);
    }

    /// <summary>
    /// Something was written, and the length does not come from that: zeros follow it, of which no more than some may have been written, or the file is a
    /// clone or was there.
    /// </summary>
    public bool LengthSaysNothing { get; private set; }

    /// <summary>Gives the output its length, where the writes did not.</summary>
    public void SetLength(long length)
    {
        LengthSaysNothing = _target.HasContent ? _punched || _written > 0 : _written > 0 && ((_dataEnd + Page - 1) & -Page) < length;
        if (Error == 0 && (_target.HasContent || _written < length))
        {
            Fail(io.Truncate(_target.OutputFd, length));
        }
    }

    /// <summary>Finds the first run of whole zero pages (by output offset); all is <paramref name="before"/> when there is none. The last page of the file is whole however short it is.</summary>
    private int ZeroPages(ReadOnlySpan<byte> data, long offset, out int before)
    {
        bool isEnd = offset + data.Length == _target.Size;
        for (int index = (int)(-offset & (Page - 1)); index < data.Length; index += Page)
        {
            int length = Math.Min(Page, data.Length - index);
            if (length < Page && !isEnd)
            {
                break;
            }

            if (data[index] == 0 && data.Slice(index, length).SequenceEqual(Zeros.AsSpan(0, length)))
            {
                before = index;
                int run = data[index..].IndexOfAnyExcept((byte)0);
                return run >= 0 ? run & ~(Page - 1) : isEnd ? data.Length - index : (data.Length - index) & ~(Page - 1);
            }
        }

        before = data.Length;
        return 0;
    }

    private void Write(ReadOnlySpan<byte> data, long offset)
    {
        if (data.LastIndexOfAnyExcept((byte)0) is >= 0 and var last)
        {
            _dataEnd = offset + last + 1;
        }

        while (Error == 0 && !data.IsEmpty)
        {
            nint count = io.WriteAt(_target.OutputFd, data, offset);
            if (count <= 0)
            {
                Fail(count < 0 ? (int)count : -Errno.EIO);
                break;
            }

            offset += count;
            data = data[(int)count..];
            _written = offset;
        }

        Miss(data.Length, offset);
    }

    private void Miss(long length, long offset) => _missing = length > 0 ? Math.Min(_missing, offset) : _missing;
}
