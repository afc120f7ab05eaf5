using NativeSync.Cli.Output;
using NativeSync.Engine;
using NativeSync.Protocol;
using NativeSync.Transport;

namespace NativeSync.Cli.Options;

/// <summary>Everything that the options of <c>nativesync sync</c> say, after contradictions were refused.</summary>
internal sealed record SyncArguments
{
    /// <summary>What to do, for the engine.</summary>
    public required SyncOptions Options { get; init; }

    /// <summary>SRC… DEST, as raw bytes.</summary>
    public required IReadOnlyList<byte[]> Operands { get; init; }

    /// <summary><c>--files-from</c> as given; null for none.</summary>
    public byte[]? FilesFrom { get; init; }

    /// <summary>A batch that is written or read; null for none.</summary>
    public BatchArguments? Batch { get; init; }

    /// <summary><c>--bwlimit</c> of the other side alone, in bytes per second; null where both have the same.</summary>
    public long? RemoteBandwidthLimit { get; init; }

    /// <summary>Another codec that <c>--compress-choice</c> named in place of zstd; null for none.</summary>
    public string? CodecAsked { get; init; }

    /// <summary>rsync would begin before it knows the whole list: it says so in its heading.</summary>
    public bool IsIncremental { get; init; }

    /// <summary><c>--munge-links</c>, which is for this side.</summary>
    public bool MungeLinks { get; init; }

    /// <summary>How to say what is done.</summary>
    public required OutputArguments Output { get; init; }

    /// <summary>How to reach the other side.</summary>
    public required RemoteArguments Remote { get; init; }

    /// <summary>A text that was asked for and is all there is to do: <c>--info=help</c>.</summary>
    public string? Print { get; init; }

    /// <summary>When to stop, with exit code 30; null for never.</summary>
    public DateTimeOffset? StopAt { get; init; }

    /// <summary><c>--reconnect</c>; zero for not at all.</summary>
    public TimeSpan Reconnect { get; init; }

    /// <summary><c>--until-converged</c>; null for one pass.</summary>
    public PassArguments? Passes { get; init; }

    /// <summary><c>--version</c> was given.</summary>
    public bool Version { get; init; }

    /// <summary><c>--help</c> was given.</summary>
    public bool Help { get; init; }

    /// <summary>Whether all of <paramref name="flags"/> are asked for.</summary>
    public bool Has(JobFlags flags) => Options.Has(flags);
}

/// <summary>How to say what is done.</summary>
internal sealed record OutputArguments
{
    /// <summary><c>-q</c>.</summary>
    public bool Quiet { get; init; }

    /// <summary>How often <c>-i</c> was given.</summary>
    public int Itemize { get; init; }

    /// <summary>The levels of <c>--info</c>, <c>--debug</c> and <c>-v</c>.</summary>
    public InfoLevels Info { get; init; } = new();

    /// <summary>How standard output tells an entry; null when it does not.</summary>
    public OutFormat? Format { get; init; }

    /// <summary><c>--log-file</c>, as raw bytes.</summary>
    public byte[]? LogFile { get; init; }

    /// <summary>How the log tells an entry; null when it does not.</summary>
    public OutFormat? LogFormat { get; init; }

    /// <summary>How names are written.</summary>
    public NameStyle Names { get; init; }

    /// <summary>When standard output is flushed.</summary>
    public OutBuffer Buffer { get; init; }

    /// <summary><c>--stderr=all</c>: everything goes to standard error.</summary>
    public bool AllToError { get; init; }

    /// <summary>Under which name errors are told.</summary>
    public ProgramVoice Voice { get; init; }

    /// <summary>0 plain digits, 1 with separators (the default), 2 units of 1000, 3 units of 1024.</summary>
    public int HumanReadable { get; init; } = 1;

    /// <summary><c>--json</c>.</summary>
    public bool Json { get; init; }
}

/// <summary><c>--outbuf</c>.</summary>
internal enum OutBuffer
{
    /// <summary>Ten times a second, and when there is much.</summary>
    Default,

    /// <summary>Each line at once (<c>N</c>, <c>L</c>).</summary>
    Line,

    /// <summary>Only when there is much, and at the end (<c>B</c>).</summary>
    Block,
}

/// <summary>How to reach the other side.</summary>
internal sealed record RemoteArguments
{
    /// <summary><c>-e</c>, else RSYNC_RSH; null for the built-in SSH.</summary>
    public string? Rsh { get; init; }

    /// <summary><c>--rsync-path</c>.</summary>
    public string? RsyncPath { get; init; }

    /// <summary>4 or 6 with <c>-4</c>, <c>-6</c>; 0 for either.</summary>
    public int IpVersion { get; init; }

    /// <summary><c>--contimeout</c>, in seconds; 0 leaves it to <see cref="TimeoutSeconds"/>.</summary>
    public int ConnectSeconds { get; init; }

    /// <summary><c>--port</c>.</summary>
    public int? Port { get; init; }

    /// <summary><c>--identity</c>.</summary>
    public IReadOnlyList<string> Identities { get; init; } = [];

    /// <summary><c>--known-hosts</c>.</summary>
    public IReadOnlyList<string> KnownHosts { get; init; } = [];

    /// <summary><c>--host-key-check</c>; null leaves it to the configuration.</summary>
    public HostKeyCheck? HostKeyCheck { get; init; }

    /// <summary><c>--ssh-config</c>.</summary>
    public string? SshConfig { get; init; }

    /// <summary><c>--timeout</c>, which also limits connecting.</summary>
    public int TimeoutSeconds { get; init; }
}
