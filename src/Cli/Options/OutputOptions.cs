using NativeSync.Cli.Output;

namespace NativeSync.Cli.Options;

/// <summary>The options that say how and where to write, in the order in which they come.</summary>
internal sealed class OutputOptions
{
    private OutFormat? _format, _logFormat;
    private byte[]? _logFile;
    private bool _eightBit, _allToError, _hasLogFormat;
    private OutBuffer _buffer;

    /// <summary>Whether a format asks for what the engine only keeps when it is told to.</summary>
    public bool WantsContent => WantsContentOf(_format) || (_logFile is not null && WantsContentOf(_logFormat));

    /// <summary>Applies one option.</summary>
    public void Apply(GivenOption given)
    {
        switch (given.Option.Id)
        {
            case OptionId.OutFormat: _format = OutFormat.Parse(given.Text); break;
            case OptionId.LogFile: _logFile = given.Value; break;
            case OptionId.LogFileFormat:
                _logFormat = given.Value.Length > 0 ? OutFormat.Parse(given.Text) : null;
                _hasLogFormat = true;
                break;
            case OptionId.EightBit: _eightBit = !given.Negated; break;
            case OptionId.MessagesToError: _allToError = !given.Negated; break;
            case OptionId.StandardError: _allToError = ReadStandardError(given); break;
            default: _buffer = ReadBuffer(given); break;
        }
    }

    /// <summary>What they add up to.</summary>
    public OutputArguments Build(InfoLevels info, int itemize) => new()
    {
        Info = info,
        Itemize = itemize,
        Format = _format ?? (itemize > 0 ? OutFormat.Itemized : info[InfoItem.Name] > 0 ? OutFormat.Named : null),
        LogFile = _logFile,
        LogFormat = _hasLogFormat ? _logFormat : OutFormat.Itemized,
        Names = _eightBit ? NameStyle.EightBit : NameStyle.Utf8,
        AllToError = _allToError,
        Buffer = _buffer,
    };

    private static bool WantsContentOf(OutFormat? format) => format is not null && (format.Has('b') || format.Has('C'));

    private static bool ReadStandardError(GivenOption given) => given.Text switch
    {
        "e" or "errors" or "c" or "client" => false,
        "a" or "all" => true,
        var mode => throw new UsageException($"--stderr mode \"{UsageException.Quote(mode)}\" is not one of errors, all, or client"),
    };

    private static OutBuffer ReadBuffer(GivenOption given) => given.Text switch
    {
        ['n' or 'N' or 'u' or 'U' or 'l' or 'L', ..] => OutBuffer.Line,
        ['b' or 'B' or 'f' or 'F', ..] => OutBuffer.Block,
        _ => throw new UsageException("Invalid --outbuf setting -- specify N, L, or B."),
    };
}
