using NativeSync.Engine;

namespace NativeSync.Cli.Options;

/// <summary><c>--bwlimit-file</c>: the limit of the moment, from a file that may change while the transfer runs.</summary>
internal sealed class BandwidthFile
{
    /// <summary>A timetable has no use for more.</summary>
    private const int MaxLength = 64 * 1024;

    private readonly string _path;
    private (DateTime Written, long Length) _seen;
    private BandwidthPlan _plan;

    /// <exception cref="UsageException">It cannot be read, or understood.</exception>
    public BandwidthFile(string path)
    {
        _path = path;
        _plan = Read() ?? throw new UsageException($"--bwlimit-file: {UsageException.Quote(path)} cannot be read", Engine.ExitCodes.FileIo);
    }

    /// <summary>Bytes per second now. A file that is gone, or makes no sense while somebody writes it, changes nothing.</summary>
    public long Now()
    {
        try
        {
            _plan = Read() ?? _plan;
        }
        catch (UsageException)
        {
            // Read again at the next change.
        }

        return _plan.At(DateTime.Now);
    }

    private BandwidthPlan? Read()
    {
        try
        {
            FileInfo file = new(_path);
            (DateTime, long) now = (file.LastWriteTimeUtc, file.Exists ? file.Length : -1);
            if (now == _seen || now.Item2 is < 0 or > MaxLength)
            {
                return null;
            }

            _seen = now;
            return BandwidthText.Parse(File.ReadAllText(_path).Trim(), "--bwlimit-file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
