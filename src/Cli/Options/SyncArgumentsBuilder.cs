using System.Globalization;
using NativeSync.Engine;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>Applies options one after the other, as rsync does: a later one may take back what an earlier one said.</summary>
internal sealed class SyncArgumentsBuilder
{
    /// <summary>rsync's bound for <c>--block-size</c>.</summary>
    private const long MaxBlockSize = 128 * 1024;

    private readonly FilterArguments _filters;
    private readonly SelectionOptions _selection;
    private readonly LineOptions _line = new();
    private readonly ConnectionOptions _connection = new();
    private readonly AttributeArguments _attributes = new();
    private readonly UpdateOptions _update = new();
    private readonly BatchOptions _batch = new();
    private readonly ContinuationOptions _continuation = new();
    private JobFlags _flags;
    private readonly InfoLevels _info = new();
    private readonly OutputOptions _output = new();
    private int _itemize, _quiet, _human = 1, _oneFileSystem;
    private bool _incremental = true;
    private bool _json, _version, _help;
    private bool? _wholeFile;
    private long _blockSize;
    private long? _remoteBandwidth;
    private int _modifyWindow;
    private long? _maxDelete;
    private string? _print;
    private bool _asRsync, _isVerify;

    private SyncArgumentsBuilder(IRuleFiles ruleFiles, JobFlags flags)
    {
        _filters = new FilterArguments(ruleFiles);
        _selection = new SelectionOptions(_filters);
        _flags = flags;
    }

    /// <summary>Makes sense of the command line of <c>sync</c>.</summary>
    /// <param name="arguments">What stood behind the command.</param>
    /// <param name="ruleFiles">Where rules are read from; null for the disk.</param>
    /// <param name="asRsync">Run under the name rsync: times are compared as rsync compares them.</param>
    /// <exception cref="UsageException">Something is wrong with it or with a rule file, or it is not supported.</exception>
    public static SyncArguments Parse(IReadOnlyList<byte[]> arguments, IRuleFiles? ruleFiles = null, bool asRsync = false) =>
        Parse(arguments, new SyncArgumentsBuilder(ruleFiles ?? (asRsync ? RuleFiles.OnDiskLikeRsync : RuleFiles.OnDisk), JobFlags.None) { _asRsync = asRsync }, static _ => true, "sync");

    /// <summary>Makes sense of the command line of <c>verify</c>: everything is compared unless an option takes it back.</summary>
    /// <exception cref="UsageException">Something is wrong with it or with a rule file, or it is not supported.</exception>
    public static SyncArguments ParseForVerify(IReadOnlyList<byte[]> arguments) =>
        Parse(arguments, new SyncArgumentsBuilder(RuleFiles.OnDisk, VerifyOptions.Everything) { _isVerify = true }, static option => HelpText.IsForVerify(option.Id), "verify");

    /// <summary>Makes sense of what <c>bench</c> shares with the others.</summary>
    /// <exception cref="UsageException">Something is wrong with it.</exception>
    public static SyncArguments ParseForBench(IReadOnlyList<byte[]> arguments) =>
        Parse(arguments, new SyncArgumentsBuilder(RuleFiles.OnDisk, JobFlags.None), static option => HelpText.IsForBench(option.Id), "bench");

    private static SyncArguments Parse(IReadOnlyList<byte[]> arguments, SyncArgumentsBuilder builder, Func<OptionSpec, bool> isFor, string command)
    {
        // "-h" is help only on its own.
        if (arguments.Count == 1 && arguments[0].AsSpan().SequenceEqual("-h"u8))
        {
            arguments = ["--help"u8.ToArray()];
        }

        ParsedCommandLine line = OptionParser.Parse(arguments, operandsEnd: Environment.GetEnvironmentVariable("POSIXLY_CORRECT") is not null);
        if (Environment.GetEnvironmentVariable("RSYNC_ICONV") is { Length: > 0 } and not ("." or "-") && !line.Options.Any(static given => given.Option.Id == OptionId.Iconv))
        {
            throw new UsageException("RSYNC_ICONV asks for names in another character set, which is not supported (unset it, or give --no-iconv)", UsageException.Unsupported);
        }

        foreach (GivenOption option in line.Options)
        {
            if (!isFor(option.Option))
            {
                throw new UsageException($"option {option.Option.Name} is not for {command} (try: nativesync {command} --help)");
            }

            try
            {
                builder.Apply(option);
            }
            catch (FilterException e)
            {
                throw new UsageException(e.Message, e.ExitCode);
            }

            if (builder._version || builder._help || builder._print is not null)
            {
                break;
            }
        }

        builder._filters.Complete();
        return builder.Build(line);
    }

    private void Apply(GivenOption given)
    {
        OptionSpec option = given.Option;
        bool on = !given.Negated;
        if (_update.Apply(given) || _batch.Apply(given) || _continuation.Apply(given) || _selection.Apply(given) || _line.Apply(given) || _connection.Apply(given))
        {
            return;
        }

        JobFlags switched = FlagOptions.Switched(option.Id);
        JobFlags always = FlagOptions.Given(option.Id);
        if ((switched | always) != 0)
        {
            Set(switched, on);
            Set(always, true);
            return;
        }

        switch (option.Id)
        {
            // Turning off what is never on does no harm.
            case OptionId.Refused when given.Negated:
            case OptionId.DaemonOnly when given.Negated:
            case OptionId.NoEffect:
                _incremental = option.Long == "inc-recursive" ? on : _incremental;
                break;
            case OptionId.Refused:
                throw new UsageException($"option {(given.Negated ? "--no-" + option.Long : option.Name)} is not supported yet", UsageException.Unsupported);
            case OptionId.DaemonOnly:
                throw new UsageException($"The {option.Name} option may only be used when accessing an rsync daemon (there is none here: destinations are reached over SSH)");
            case OptionId.Server:
                throw new UsageException($"option {option.Name} asks for rsync's own protocol, which is not spoken here (let the other side be nativesync, too)", UsageException.Unsupported);

            case OptionId.Archive: Set(SyncOptions.ArchiveFlags & ~JobFlags.Recursive, true); break;
            case OptionId.Acls: Set(on ? JobFlags.Acls | JobFlags.Permissions : JobFlags.Acls, on); break;
            case OptionId.Xattrs: Set(JobFlags.Xattrs, on); _attributes.Xattrs(on); break;
            case OptionId.Super: Set(JobFlags.SuperUser, on); Set(JobFlags.NoSuper, !on); _attributes.Super(); break;
            case OptionId.FakeSuper: Set(JobFlags.SuperUser | JobFlags.NoSuper, false); _attributes.FakeSuper(); break;
            case OptionId.ChangeMode: _attributes.ChangeMode(given); break;
            case OptionId.ChangeOwner: Set(_attributes.ChangeOwner(given), true); break;
            case OptionId.UserMap: _attributes.Map(given); Set(JobFlags.Owner, true); break;
            case OptionId.GroupMap: _attributes.Map(given); Set(JobFlags.Group, true); break;
            case OptionId.RemoteOption: ApplyRemotely(given); break;
            case OptionId.CreationTimes or OptionId.CopyAs or OptionId.Iconv: AttributeArguments.Refuse(given); break;
            case OptionId.WholeFile: _wholeFile = on; break;
            case OptionId.OneFileSystem: _oneFileSystem = on ? _oneFileSystem + 1 : 0; break;
            case OptionId.MaxDelete: _maxDelete = Math.Max(0, Number(given, int.MinValue, int.MaxValue)); break;
            case OptionId.ModifyWindow: _modifyWindow = Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.BlockSize: _blockSize = ReadBlockSize(given); break;

            case OptionId.From0: _filters.NulSeparated = on; break;
            case OptionId.Exclude or OptionId.Include or OptionId.ExcludeFrom or OptionId.IncludeFrom or OptionId.Filter or OptionId.FilterFiles
                or OptionId.CvsExclude or OptionId.MaxSize or OptionId.MinSize:
                _filters.Apply(given);
                break;

            case OptionId.Verbose: _info.Verbosity = on ? _info.Verbosity + 1 : 0; break;
            case OptionId.Quiet: _quiet++; break;
            case OptionId.Itemize: _itemize = on ? _itemize + 1 : 0; break;
            case OptionId.Stats: _info.Imply(InfoItem.Stats, 2); break;
            case OptionId.Progress: _info.ImplyProgress(on); break;
            case OptionId.PartialProgress: _info.ImplyProgress(true); Set(JobFlags.Partial, true); break;
            case OptionId.HumanReadable: _human = on ? Math.Min(_human + 1, 3) : 0; break;
            case OptionId.Info: _print = _info.ReadInfo(given.Text) ? InfoLevels.Help(debug: false) : null; break;
            case OptionId.Debug: _print = _info.ReadDebug(given.Text) ? InfoLevels.Help(debug: true) : null; break;
            case OptionId.OutFormat or OptionId.LogFile or OptionId.LogFileFormat or OptionId.EightBit or OptionId.StandardError or OptionId.MessagesToError or OptionId.OutBuffer:
                _output.Apply(given);
                break;
            case OptionId.Number: Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.Protocol: CheckProtocol(given); break;
            case OptionId.MaxAlloc: _ = ReadSize(given, 1024 * 1024, "1.00M"); break;
            case OptionId.Json: _json = true; break;

            case OptionId.Version: _version = true; break;
            case OptionId.Help: _help = true; break;
            default: throw new InvalidOperationException($"option {option.Name} is in the table and not applied");
        }
    }

    private SyncArguments Build(ParsedCommandLine line)
    {
        IReadOnlyList<byte[]> operands = line.Operands;
        _selection.Build(ref _flags, isSourceAlone: operands.Count == 1 && !_version && !_help && !_batch.Reads);
        SyncOptions update = new();
        if (!_version && !_help)
        {
            Set(JobFlags.WholeFile, _wholeFile == true);
            update = _update.Build(ref _flags, _filters, update, _isVerify);
            _wholeFile = _update.WholeFile ?? _wholeFile;
            RefuseContradictions();
        }

        // --inplace keeps what an interrupted run wrote by its nature.
        Set(JobFlags.Partial, (_flags & (JobFlags.Partial | JobFlags.InPlace)) != 0);
        Set(JobFlags.OneFileSystem, _oneFileSystem > 0);
        Set(JobFlags.OmitMountPoints, _oneFileSystem > 1);
        Set(JobFlags.NulRuleFiles, _filters.NulSeparated);
        Set(JobFlags.WholeFile, _wholeFile == true);
        Set(JobFlags.WholeSeconds, _asRsync && _modifyWindow == 0);

        // Of these two rsync looks at --size-only first.
        Set(JobFlags.IgnoreTimes, Has(JobFlags.IgnoreTimes) && !Has(JobFlags.SizeOnly));
        Set(JobFlags.ReportUnchanged, _itemize > 1 || _info[InfoItem.Name] > 1 || _info[InfoItem.Skip] > 0);
        BatchArguments? batch = _version || _help ? null : _batch.Build(line, _filters.Rules, _asRsync);
        bool isDry = Has(JobFlags.DryRun);
        Set(JobFlags.DryRun, isDry || batch is { Only: true });
        Set(JobFlags.NoCompress, !_line.IsCompressed);
        return _continuation.Build(new SyncArguments
        {
            Operands = operands,
            FilesFrom = _batch.Reads ? null : _selection.FilesFrom,
            Batch = batch,
            CodecAsked = _line.CodecAsked,
            RemoteBandwidthLimit = _remoteBandwidth,
            IsIncremental = _incremental && Has(JobFlags.Recursive) && (_flags & (JobFlags.PruneEmptyDirectories | JobFlags.DelayUpdates)) == 0
                && update.DeleteTiming is DeleteTiming.During or DeleteTiming.Delay,
            MungeLinks = _selection.MungeLinks,
            Version = _version,
            Help = _help,
            StopAt = _update.StopAt,
            Options = _line.Build(update) with
            {
                Flags = _flags,
                BatchOnly = batch is { Only: true } && !isDry,
                LocalDelta = _wholeFile == false,
                ReportContent = _output.WantsContent,
                BlockSize = (int)_blockSize,
                MaxDelete = _maxDelete,
                ModifyWindow = Math.Max(0, _modifyWindow),
                ChangeMode = _attributes.Mode,
                UserMap = _attributes.UserMap,
                GroupMap = _attributes.GroupMap,
                FakeSuper = _attributes.IsFakeSuper,
                XattrLevel = _attributes.XattrLevel,
                SourceOptions = _selection.Source,
                DropDevices = _selection.DropDevices,
                MaxSize = _filters.MaxSize,
                MinSize = _filters.MinSize,
                Rules = _filters.Rules,
            },
            Print = _print,
            Output = _output.Build(_info, _itemize) with { Quiet = _quiet > 0, HumanReadable = _human, Json = _json },
            Remote = _connection.Build(_line.Timeout ?? 0),
        }, _line.Timeout, _asRsync);
    }

    private void RefuseContradictions()
    {
        if (Has(JobFlags.Delete) && !Has(JobFlags.Recursive) && !Has(JobFlags.Dirs))
        {
            throw new UsageException("--delete does not work without --recursive (-r) or --dirs (-d)");
        }

        _attributes.RefuseContradictions();
        if (_json && (_itemize > 0 || _info[InfoItem.Progress] > 0))
        {
            throw new UsageException("--json cannot be combined with --itemize-changes or --progress: its events say the same");
        }

        if (_json && _quiet > 0)
        {
            throw new UsageException("--json cannot be combined with --quiet");
        }

        _connection.RefuseContradictions();
    }

    /// <summary>rsync speaks versions 20 to 32 of its own; ours has but one.</summary>
    private static void CheckProtocol(GivenOption given)
    {
        if (Number(given, int.MinValue, int.MaxValue) is < 20 or > 32)
        {
            throw new UsageException($"{UsageException.Quote(given.Given)}: protocol incompatibility (20 to 32 are accepted, and mean the same here)", ExitCodes.Protocol);
        }
    }

    private static long ReadBlockSize(GivenOption given)
    {
        long size = SizeValue.Parse(given.Text, 'b') ?? throw new UsageException($"--block-size={UsageException.Quote(given.Text)} is invalid");
        return size <= MaxBlockSize ? size : throw new UsageException($"--block-size={UsageException.Quote(given.Text)} is too large (max: 128K)");
    }

    private static long ReadSize(GivenOption given, long least, string leastText)
    {
        long size = SizeValue.Parse(given.Text, 'b') ?? throw new UsageException($"{UsageException.Quote(given.Given)} is invalid");
        return size == 0 || size >= least ? size : throw new UsageException($"{UsageException.Quote(given.Given)} is too small (min: {leastText} or 0 for unlimited)");
    }

    /// <summary>Seconds: the longest time that a timer counts, 24 days. Who asks for more gets this.</summary>
    internal const int LongestWait = int.MaxValue / 1000;

    internal static int Number(GivenOption given, int least, int most)
    {
        string text = given.Text;
        long value = 0;
        bool valid = text.Length == 0
            || (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
                ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
                : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));
        if (!valid)
        {
            throw new UsageException($"{UsageException.Quote(given.Given)}: invalid numeric value");
        }

        return value >= least && value <= most ? (int)value : throw new UsageException($"{UsageException.Quote(given.Given)}: the number is out of range");
    }

    /// <summary>What an option says to the other side alone. Most mean nothing to one side without the other.</summary>
    private void ApplyRemotely(GivenOption given)
    {
        GivenOption? told = OptionParser.Parse([given.Value]) is { Options: [var only], Operands: [] } ? only : null;
        switch (told?.Option.Id)
        {
            case OptionId.FakeSuper: Set(JobFlags.FakeSuper, true); break;
            case OptionId.BandwidthLimit: _remoteBandwidth = told.Negated ? 0 : SizeValue.ParseBandwidth(told.Text); break;
            case OptionId.NoEffect: break;
            default:
                throw new UsageException(
                    $"option {UsageException.Quote(given.Given)} is not supported: --fake-super and --bwlimit can be for the other side alone (give others to both)", UsageException.Unsupported);
        }
    }

    private void Set(JobFlags flags, bool on) => _flags = on ? _flags | flags : _flags & ~flags;

    private bool Has(JobFlags flag) => (_flags & flag) != 0;
}
