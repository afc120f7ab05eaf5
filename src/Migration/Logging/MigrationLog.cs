using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Logging;

/// <summary>The levels of --log-level.</summary>
public enum MigrationLogLevel
{
    /// <summary>1: errors only.</summary>
    Error = 1,

    /// <summary>2: also what is being done. The default.</summary>
    Info = 2,

    /// <summary>3: also each call and command.</summary>
    Debug = 3,
}

/// <summary>
/// The log file: one line for each event, and further ones set in where a message has several, for people to read. Secrets that it was told of never reach the file, whatever
/// a message holds; control characters neither.
/// </summary>
public sealed class MigrationLog : IApiLog, IDisposable
{
    private readonly Lock _gate = new();
    private readonly TextWriter? _writer; // guarded by _gate, as is _secrets
    private readonly List<string> _secrets = [];
    private readonly TimeProvider _time;
    private readonly MigrationLogLevel _level;

    /// <summary>Writes to a writer, or nowhere when that is null.</summary>
    public MigrationLog(TextWriter? writer, MigrationLogLevel level, TimeProvider time)
    {
        _writer = writer;
        _level = level;
        _time = time;
    }

    /// <summary>Called with each warning, so that it reaches the console too.</summary>
    public Action<string>? Warned { get; set; }

    /// <summary>Opens a log file for appending, readable by its owner only.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static MigrationLog Open(string path, MigrationLogLevel level, TimeProvider time)
    {
        FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (OperatingSystem.IsLinux())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new MigrationLog(new StreamWriter(path, new UTF8Encoding(false), options) { AutoFlush = true }, level, time);
    }

    /// <summary>Remembers a text that must never be shown.</summary>
    public void Hide(string? secret)
    {
        if (secret is { Length: >= 4 })
        {
            lock (_gate)
            {
                _secrets.Add(secret);
            }
        }
    }

    /// <summary>The message with every secret replaced and every control character escaped; of several lines all but the first are set in.</summary>
    public string Clean(string message)
    {
        lock (_gate)
        {
            foreach (string secret in _secrets)
            {
                message = message.Replace(secret, "***", StringComparison.Ordinal);
            }
        }

        // Further lines are set in: none of another's text looks like an event of ours.
        return ByteText.EscapeText(message.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n'), keepLines: true).Replace("\n", "\n    ", StringComparison.Ordinal);
    }

    /// <summary>Level 1.</summary>
    public void Error(string message) => Write(MigrationLogLevel.Error, "ERROR", message);

    /// <summary>Level 2.</summary>
    public void Info(string message) => Write(MigrationLogLevel.Info, "INFO ", message);

    /// <inheritdoc/>
    public void Debug(string message) => Write(MigrationLogLevel.Debug, "DEBUG", message);

    /// <inheritdoc/>
    public void Warn(string message)
    {
        Write(MigrationLogLevel.Info, "WARN ", message);
        Warned?.Invoke(Clean(message));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _writer?.Dispose();
        }
    }

    private void Write(MigrationLogLevel level, string name, string message)
    {
        if (_writer is null || level > _level)
        {
            return;
        }

        string line = string.Create(CultureInfo.InvariantCulture, $"{_time.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff} {name} {Clean(message)}");
        lock (_gate)
        {
            try
            {
                _writer.WriteLine(line);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A full disk under the log must not end a migration.
            }
        }
    }
}
