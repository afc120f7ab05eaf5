using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Output;

/// <summary>The file of <c>--log-file</c>: each line with the time and the process in front, appended at once.</summary>
internal sealed class LogFile : IDisposable
{
    private const uint Mode = 0x1a4;

    private readonly ISystemCalls _io;
    private readonly TimeProvider _clock;
    private readonly int _fd;

    private LogFile(ISystemCalls io, TimeProvider clock, int fd) => (_io, _clock, _fd) = (io, clock, fd);

    /// <summary>Opens or makes the file; through a link only when it is the user's own or root's, since others could plant one.</summary>
    /// <param name="path">Its path, as raw bytes.</param>
    /// <param name="clock">For the time in front of lines.</param>
    /// <param name="trouble">Why there is no log; null when there is one.</param>
    public static LogFile? Open(byte[] path, TimeProvider clock, out string? trouble)
    {
        LinuxSystemCalls io = LinuxSystemCalls.Instance;
        bool isForeign = io.StatPath(path, follow: false, out FileStatus status) >= 0 && status.IsSymbolicLink && status.Uid != 0 && status.Uid != io.EffectiveUserId();
        int fd = isForeign ? -Errno.EPERM : io.OpenPath(path, OpenFlags.Write | OpenFlags.Create | OpenFlags.Append | OpenFlags.NonBlocking, Mode);
        trouble = fd >= 0 ? null
            : $"failed to open log-file {ByteText.Escape(path)}: {(isForeign ? "it is a symbolic link that belongs to another user" : Errno.Describe(-fd))} ({-fd}); going on without a log";
        return fd >= 0 ? new LogFile(io, clock, fd) : null;
    }

    /// <summary>Writes one line; safe for several threads, since one append is one call.</summary>
    public void WriteLine(string line) =>
        _ = _io.Write(_fd, NameText.Encode(FormattableString.Invariant($"{EntryValues.Time(_clock.GetLocalNow())} [{Environment.ProcessId}] {line}\n")));

    /// <inheritdoc/>
    public void Dispose() => _io.Close(_fd);
}
