using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// Says in the place of the partials, while a session writes whose end flushes the disks, since when and in which boot of this machine
/// something may not be on them. A session that finds a mark of another boot takes no file that was touched since by its size and
/// time: its content may never have got there. docs/journal.md.
/// </summary>
/// <remarks>
/// A line a boot: its id, a space, seconds since 1970. Lines are only added, so that what was cut short by a second power cut
/// counts, too, and the mark is flushed before anything is written. Where it cannot be written (no room) the session goes on without.
/// Read at the beginning and removed at the end by the dispatcher; <see cref="Written"/> is for all threads, guarded by <c>_gate</c>.
/// </remarks>
internal sealed class UnflushedMark(SyncContext context, ResumePlace place, int rootFd) : IDisposable
{
    /// <summary>Times of files come from a clock that is read a few milliseconds late.</summary>
    private const long Margin = 2;

    private readonly Lock _gate = new();
    private byte[] _boot = [];
    private long? _doubtedSince;
    private long _begun = long.MaxValue;
    private long _length;
    private int _fd = -1;

    private static ReadOnlySpan<byte> Name => "unflushed"u8;

    /// <summary>Something of an earlier boot may not be on the disks.</summary>
    public bool IsDoubting => _doubtedSince is not null;

    /// <summary>A file's content may not be on the disk, whatever its size and time say.</summary>
    public bool Doubts(in FileIdentity file) => _doubtedSince is { } since && file.Changed.Seconds >= since;

    /// <summary>Looks for the mark of an earlier session, and leaves this one's.</summary>
    public void Begin()
    {
        if (!context.Options.Durable || !context.Resumes || rootFd < 0)
        {
            return;
        }

        _boot = BootId(context.Io);
        var writes = !context.Has(Protocol.JobFlags.DryRun);
        if ((writes ? place.Make() : place.Directory >= 0)
            && context.Io.OpenAt(place.Directory, Name, writes ? OpenFlags.ReadWrite | OpenFlags.Create : OpenFlags.Read, ModeBits.PrivateFile) is >= 0 and var fd)
        {
            _fd = fd;
            Read(SmallFile.Read(context.Io, fd));
            context.Io.Stat(fd, out var status);

            // Behind what is there, whenever that comes: a clock may be set back long after this.
            _length = status.Size;
            if (writes && Now < _begun)
            {
                Add(Math.Min(status.Changed.Seconds, Now));
                context.Io.Sync(place.Directory);
                context.Io.Sync(rootFd);
            }
        }
    }

    /// <summary>A file has got its place. If the clock was set back meanwhile, it looks older than the mark, which therefore says more from now on.</summary>
    public void Written()
    {
        if (_fd < 0 || Now >= Volatile.Read(ref _begun))
        {
            return;
        }

        lock (_gate)
        {
            if (Now < _begun)
            {
                Add(Now);
            }
        }
    }

    /// <summary>All is on the disks: the mark goes, and leaves no trace.</summary>
    /// <param name="all">The whole tree was gone through, so that nothing of an earlier boot is in doubt any more.</param>
    public void End(bool all)
    {
        if (_fd < 0 || context.Has(Protocol.JobFlags.DryRun) || (IsDoubting && !all))
        {
            return;
        }

        var isKnown = context.Io.Stat(rootFd, out var root) >= 0;
        context.Io.UnlinkAt(place.Directory, Name, directory: false);
        if (!place.RemoveIfEmpty())
        {
            context.Io.Sync(place.Directory);
            return;
        }

        if (isKnown)
        {
            context.Io.SetTimes(rootFd, null, root.Modified);
        }

        context.Io.Sync(rootFd);
    }

    public void Dispose()
    {
        if (_fd >= 0)
        {
            context.Io.Close(_fd);
        }
    }

    private long Now => context.Clock.GetUtcNow().ToUnixTimeSeconds();

    private void Add(long now)
    {
        var since = now - Margin;
        var line = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Encoding.ASCII.GetString(_boot)} {since}\n"));
        if (context.Io.WriteAt(_fd, line, _length) == line.Length && context.Io.Sync(_fd) >= 0)
        {
            _length += line.Length;
        }

        Volatile.Write(ref _begun, since);
    }

    /// <summary>Since when files are in doubt, and since when this boot's are. A line that cannot be read puts all files in doubt.</summary>
    private void Read(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var end = content.IndexOf((byte)'\n');
            var line = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            var space = line.IndexOf((byte)' ');
            var since = space > 0 && long.TryParse(line[(space + 1)..], CultureInfo.InvariantCulture, out var seconds) ? seconds : long.MinValue;
            if (space > 0 && line[..space].SequenceEqual(_boot))
            {
                _begun = Math.Min(_begun, since);
            }
            else
            {
                _doubtedSince = Math.Min(_doubtedSince ?? since, since);
            }
        }
    }

    /// <summary>The id of this boot; where the kernel does not tell it, one that no other session has: then every mark is of another boot.</summary>
    private static byte[] BootId(ISystemCalls io)
    {
        var fd = io.OpenPath("/proc/sys/kernel/random/boot_id"u8, OpenFlags.Read);
        var id = fd < 0 ? [] : SmallFile.Read(io, fd).AsSpan().Trim((byte)'\n').ToArray();
        if (fd >= 0)
        {
            io.Close(fd);
        }

        if (id.Length == 0)
        {
            Span<byte> random = stackalloc byte[16];
            io.GetRandom(random);
            id = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(random));
        }

        return id;
    }
}
