using NativeSync.Engine;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>The options about what goes over the line: compressed or not, how fast, over how many lanes, how long it may be silent.</summary>
internal sealed class LineOptions
{
    /// <summary>zstd's highest.</summary>
    private const int MaxLevel = 22;

    /// <summary>
    /// Without --timeout: a line from which nothing has come for so many seconds, not even the answer to a sign of life, is dead. rsync waits for ever.
    /// </summary>
    private const int DeadLine = 300;

    private bool _compress, _compressNone;
    private int? _compressLevel;
    private byte[] _skipCompress = [];
    private string? _codecAsked;
    private BandwidthPlan? _bandwidth;
    private BandwidthFile? _bandwidthFile;
    private int _lanes;
    private int? _timeout;

    /// <summary>Something is compressed.</summary>
    public bool IsCompressed => !_compressNone && (_compressLevel is null ? _compress : _compressLevel != 0);

    /// <summary>The codec of <c>--compress-choice</c> that another one stands for; null for none.</summary>
    public string? CodecAsked => IsCompressed ? _codecAsked : null;

    /// <summary><c>--timeout</c>: 0 for none; null where it was not given.</summary>
    public int? Timeout => _timeout;

    /// <summary>Takes an option; false when it is about something else.</summary>
    public bool Apply(GivenOption given)
    {
        bool on = !given.Negated;
        switch (given.Option.Id)
        {
            case OptionId.Compress: _compress = on; break;
            case OptionId.CompressLevel: _compressLevel = SyncArgumentsBuilder.Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.SkipCompress: _skipCompress = ReadSkipCompress(given); break;
            case OptionId.CompressChoice: ReadCompressChoice(given); break;
            case OptionId.BandwidthLimit: (_bandwidth, _bandwidthFile) = (on ? BandwidthText.Parse(given.Text) : null, null); break;
            case OptionId.BandwidthFile: _bandwidthFile = new BandwidthFile(given.Text); break;
            case OptionId.Lanes: _lanes = given.Text == "auto" ? 0 : SyncArgumentsBuilder.Number(given, 1, ProtocolLimits.MaxLane + 1); break;
            case OptionId.Timeout: _timeout = on ? Math.Clamp(SyncArgumentsBuilder.Number(given, int.MinValue, int.MaxValue), 0, SyncArgumentsBuilder.LongestWait) : 0; break;
            default: return false;
        }

        return true;
    }

    /// <summary>Adds what they say.</summary>
    public SyncOptions Build(SyncOptions options) => options with
    {
        CompressLevel = !IsCompressed ? null : _compressLevel is { } level ? Math.Min(level, MaxLevel) : SyncOptions.AdaptLevel,
        SkipCompress = _skipCompress,
        BandwidthLimit = _bandwidthFile?.Now() ?? _bandwidth?.At(DateTime.Now) ?? 0,
        BandwidthNow = _bandwidthFile is { } file ? file.Now : _bandwidth is { IsFixed: false } plan ? () => plan.At(DateTime.Now) : null,
        Lanes = _lanes,
        TimeoutSeconds = _timeout ?? DeadLine,
    };

    private void ReadCompressChoice(GivenOption given)
    {
        switch (given.Text)
        {
            case "auto": break;
            // Whatever the other side would have unpacked: here it is zstd that travels.
            case "lz4" or "zlib" or "zlibx": _codecAsked = given.Text; goto case "zstd";
            case "zstd": _compress = true; _compressNone = false; break;
            case "none": _compressNone = true; break;
            default: throw new UsageException($"unknown compress name: {UsageException.Quote(given.Text)}", UsageException.Unsupported);
        }
    }

    private static byte[] ReadSkipCompress(GivenOption given) => SuffixList.TryParse(given.Value, out _)
        ? given.Value
        : throw new UsageException($"{UsageException.Quote(given.Given)}: a [ is not closed");
}
