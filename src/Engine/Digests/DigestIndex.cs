using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Digests;

/// <summary>
/// Digests of whole files, kept from one run to the next by device, inode, size, mtime and ctime (--checksum-index), so that the next
/// run reads only what changed.
/// </summary>
/// <remarks>
/// <para>When it is wrong, a change goes unnoticed; so it is used only where it cannot be. ctime cannot be set, and moves with every
/// write. A file whose ctime is within two seconds of the moment at which its reading begins is not recorded: what is written from then
/// on could fall into the same tick of its file system's clock. A clock that was set back makes ctimes come again: when it stands before the time at which the file was
/// written, nothing in it counts. See <see cref="DigestIndexFile"/>.</para>
/// <para>Guarded by <c>_gate</c>; used by all threads.</para>
/// </remarks>
internal sealed class DigestIndex(TimeProvider clock)
{
    /// <summary>The coarsest clock of a file system that Linux writes to (FAT's) ticks every two seconds.</summary>
    private const long GrainSeconds = 2;

    /// <summary>68 bytes and a slot each.</summary>
    private const int MostEntries = 4_000_000;

    private readonly Lock _gate = new();
    private DigestEntry[] _entries = new DigestEntry[256];
    private int[] _slots = NewSlots(1024);
    private int _count;

    /// <summary>Counts up with each run that writes the file.</summary>
    public uint Run { get; init; }

    /// <summary>There is something that the file does not have.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>The digest of an open file, when it is known and the file is what it was.</summary>
    public bool TryGet(in FileStatus status, out UInt128 digest)
    {
        lock (_gate)
        {
            var at = _slots[SlotOf(status.Device, status.Inode)];
            if (at >= 0 && _entries[at].IsCurrent(status))
            {
                IsChanged |= _entries[at].LastRun != Run;
                _entries[at].LastRun = Run;
                digest = _entries[at].Digest;
                return true;
            }
        }

        digest = default;
        return false;
    }

    /// <summary>Seconds since 1970: when a reading begins, for <see cref="Put"/>.</summary>
    public long Now => clock.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Keeps a digest.</summary>
    /// <param name="status">The file, as it was before it was read and after.</param>
    /// <param name="digest">XXH3-128 of its content.</param>
    /// <param name="began"><see cref="Now"/> before its first byte was read: a long read outlasts any grain.</param>
    public void Put(in FileStatus status, UInt128 digest, long began)
    {
        if (began - status.Changed.Seconds > GrainSeconds)
        {
            Load(DigestEntry.Of(status, digest, Run));
            IsChanged = true;
        }
    }

    /// <summary>Enters what the file has.</summary>
    public void Load(in DigestEntry entry)
    {
        lock (_gate)
        {
            ref var slot = ref _slots[SlotOf(entry.Device, entry.Inode)];
            if (slot >= 0)
            {
                _entries[slot] = entry;
                return;
            }

            if (_count == MostEntries)
            {
                return;
            }

            slot = _count;
            if (_count == _entries.Length)
            {
                Array.Resize(ref _entries, _count * 2);
            }

            _entries[_count++] = entry;
            if (_count > _slots.Length / 2)
            {
                Grow();
            }
        }
    }

    /// <summary>What there is; nothing may be entered any more.</summary>
    public ReadOnlySpan<DigestEntry> Entries => _entries.AsSpan(0, _count);

    private static int[] NewSlots(int size)
    {
        var slots = new int[size];
        slots.AsSpan().Fill(-1);
        return slots;
    }

    private void Grow()
    {
        _slots = NewSlots(_slots.Length * 2);
        for (var i = 0; i < _count; i++)
        {
            _slots[SlotOf(_entries[i].Device, _entries[i].Inode)] = i;
        }
    }

    /// <summary>The slot of a file, or the free one that would be its.</summary>
    private int SlotOf(ulong device, ulong inode)
    {
        var slot = (int)(((inode ^ (device << 32)) * 0x9E3779B97F4A7C15) >> 33) & (_slots.Length - 1);
        while (_slots[slot] is >= 0 and var at && (_entries[at].Inode != inode || _entries[at].Device != device))
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return slot;
    }
}
