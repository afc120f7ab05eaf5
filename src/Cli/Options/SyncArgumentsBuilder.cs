using System.Globalization;
using NativeSync.Engine;
using NativeSync.Engine.Compression;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;
using NativeSync.Transport;

namespace NativeSync.Cli.Options;

/// <summary>Applies options one after the other, as rsync does: a later one may take back what an earlier one said.</summary>
internal sealed class SyncArgumentsBuilder
{
    /// <summary>rsync's bound for <c>--block-size</c>.</summary>
    private const long MaxBlockSize = 128 * 1024;

    /// <summary>
    /// Without --timeout: a line from which nothing has come for so many seconds, not even the answer to a sign of life, is dead. rsync waits for ever.
    /// </summary>
    private const int DeadLine = 300;

    private readonly FilterArguments _filters;
    private readonly List<string> _identities = [];
    private readonly List<string> _knownHosts = [];
    private readonly HashSet<OptionId> _given = [];
    private readonly AttributeArguments _attributes = new();
    private readonly UpdateOptions _update = new();
    private readonly BatchOptions _batch = new();
    private readonly ContinuationOptions _continuation = new();
    private JobFlags _flags;
    private readonly InfoLevels _info = new();
    private readonly OutputOptions _output = new();
    private int _itemize, _quiet, _human = 1, _oneFileSystem;
    private bool _incremental = true;
    private bool _json, _compress, _version, _help;
    private bool? _wholeFile;
    private bool? _recursive = false, _dirs, _relative;
    private bool _noImpliedDirs, _listOnly, _mungeLinks, _copyDevices, _dropDevices;
    private SourceOptions _missing, _sourceOptions;
    private byte[]? _filesFrom;
    private int? _compressLevel;
    private bool _compressNone;
    private BandwidthPlan? _bandwidth;
    private BandwidthFile? _bandwidthFile;
    private int _lanes;
    private long _blockSize;
    private long? _remoteBandwidth;
    private int? _timeout;
    private int _connectTimeout, _ipVersion, _modifyWindow;
    private long? _maxDelete;
    private string? _rsh, _rsyncPath, _sshConfig;
    private string? _print;
    private byte[] _skipCompress = [];
    private string? _codecAsked;
    private int? _port;
    private HostKeyCheck? _hostKeyCheck;
    private bool _asRsync, _isVerify;

    private SyncArgumentsBuilder(IRuleFiles ruleFiles, JobFlags flags)
    {
        _filters = new FilterArguments(ruleFiles);
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
        _given.Add(option.Id);
        if (_update.Apply(given) || _batch.Apply(given) || _continuation.Apply(given))
        {
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

            // With a list of names -a does not descend, but -r does.
            case OptionId.Archive: Set(SyncOptions.ArchiveFlags & ~JobFlags.Recursive, true); _recursive = _recursive == true ? true : null; break;
            case OptionId.Recursive: _recursive = on; break;
            case OptionId.Links: Set(JobFlags.Links, on); break;
            case OptionId.Permissions: Set(JobFlags.Permissions, on); break;
            case OptionId.Times: Set(JobFlags.Times, on); break;
            case OptionId.Group: Set(JobFlags.Group, on); break;
            case OptionId.Owner: Set(JobFlags.Owner, on); break;
            case OptionId.DevicesAndSpecials: Set(JobFlags.Devices | JobFlags.Specials, on); break;
            case OptionId.Devices: Set(JobFlags.Devices, on); break;
            case OptionId.Specials: Set(JobFlags.Specials, on); break;
            case OptionId.HardLinks: Set(JobFlags.HardLinks, on); break;
            case OptionId.Acls: Set(on ? JobFlags.Acls | JobFlags.Permissions : JobFlags.Acls, on); break;
            case OptionId.Xattrs: Set(JobFlags.Xattrs, on); _attributes.Xattrs(on); break;
            case OptionId.Executability: Set(JobFlags.Executability, on); break;
            case OptionId.Sparse: Set(JobFlags.Sparse, on); break;
            case OptionId.NumericIds: Set(JobFlags.NumericIds, on); break;
            case OptionId.OmitDirectoryTimes: Set(JobFlags.OmitDirectoryTimes, on); break;
            case OptionId.AccessTimes: Set(JobFlags.AccessTimes, on); break;
            case OptionId.OmitLinkTimes: Set(JobFlags.OmitLinkTimes, on); break;
            case OptionId.FileFlags: Set(JobFlags.FileFlags, on); break;
            case OptionId.ProjectIds: Set(JobFlags.ProjectIds, on); break;
            case OptionId.Super: Set(JobFlags.SuperUser, on); Set(JobFlags.NoSuper, !on); _attributes.Super(); break;
            case OptionId.FakeSuper: Set(JobFlags.SuperUser | JobFlags.NoSuper, false); _attributes.FakeSuper(); break;
            case OptionId.ChangeMode: _attributes.ChangeMode(given); break;
            case OptionId.ChangeOwner: Set(_attributes.ChangeOwner(given), true); break;
            case OptionId.UserMap: _attributes.Map(given); Set(JobFlags.Owner, true); break;
            case OptionId.GroupMap: _attributes.Map(given); Set(JobFlags.Group, true); break;
            case OptionId.RemoteOption: ApplyRemotely(given); break;
            case OptionId.CreationTimes or OptionId.CopyAs or OptionId.Iconv: AttributeArguments.Refuse(given); break;
            case OptionId.DryRun: Set(JobFlags.DryRun, true); break;
            case OptionId.Checksum: Set(JobFlags.Checksum, on); break;
            case OptionId.Update: Set(JobFlags.Update, on); break;
            case OptionId.Existing: Set(JobFlags.Existing, true); break;
            case OptionId.IgnoreExisting: Set(JobFlags.IgnoreExisting, true); break;
            case OptionId.SizeOnly: Set(JobFlags.SizeOnly, true); break;
            case OptionId.IgnoreTimes: Set(JobFlags.IgnoreTimes, true); break;
            case OptionId.InPlace: Set(JobFlags.InPlace, on); break;
            case OptionId.Partial: Set(JobFlags.Partial, on); break;
            case OptionId.Delete: Set(JobFlags.Delete, true); break;
            case OptionId.DeleteExcluded: Set(JobFlags.Delete | JobFlags.DeleteExcluded, true); break;
            case OptionId.IgnoreErrors: Set(JobFlags.IgnoreErrors, on); break;
            case OptionId.Force: Set(JobFlags.Force, on); break;
            case OptionId.MakePath: Set(JobFlags.MakePath, on); break;
            case OptionId.Fsync: Set(JobFlags.Fsync, true); break;
            case OptionId.WholeFile: _wholeFile = on; break;
            case OptionId.OneFileSystem: _oneFileSystem = on ? _oneFileSystem + 1 : 0; break;
            case OptionId.MaxDelete: _maxDelete = Math.Max(0, Number(given, int.MinValue, int.MaxValue)); break;
            case OptionId.ModifyWindow: _modifyWindow = Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.BlockSize: _blockSize = ReadBlockSize(given); break;

            case OptionId.Relative: _relative = on; break;
            case OptionId.ImpliedDirs: _noImpliedDirs = !on; break;
            case OptionId.Dirs: _dirs = on; break;
            case OptionId.OldDirs: _dirs = _recursive = true; _filters.HideBelow(); break;
            case OptionId.FilesFrom: _filesFrom = given.Value; break;
            case OptionId.IgnoreMissing: _missing = SourceOptions.IgnoreMissing; break;
            case OptionId.DeleteMissing: _missing = SourceOptions.DeleteMissing; break;
            case OptionId.ListOnly: _listOnly = true; break;
            case OptionId.RemoveSourceFiles: Set(JobFlags.RemoveSourceFiles, true); break;
            case OptionId.CopyLinks: Set(JobFlags.CopyLinks, true); break;
            case OptionId.CopyUnsafeLinks: Set(JobFlags.CopyUnsafeLinks, true); break;
            case OptionId.CopyDirLinks: Set(JobFlags.CopyDirLinks, true); break;
            case OptionId.SafeLinks: Set(JobFlags.SafeLinks, true); break;
            case OptionId.KeepDirLinks: Set(JobFlags.KeepDirLinks, true); break;
            case OptionId.MungeLinks: _mungeLinks = on; break;
            case OptionId.CopyDevices: _copyDevices = true; break;
            case OptionId.WriteDevices: Set(JobFlags.WriteDevices, on); break;
            case OptionId.DropDevices: _dropDevices = on; break;

            case OptionId.PruneEmptyDirectories: Set(JobFlags.PruneEmptyDirectories, on); break;
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
            case OptionId.Ipv4: _ipVersion = 4; break;
            case OptionId.Ipv6: _ipVersion = 6; break;
            case OptionId.ConnectTimeout: _connectTimeout = on ? Number(given, 0, int.MaxValue) : 0; break;
            case OptionId.Number: Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.Protocol: CheckProtocol(given); break;
            case OptionId.MaxAlloc: _ = ReadSize(given, 1024 * 1024, "1.00M"); break;
            case OptionId.Json: _json = true; break;

            case OptionId.Compress: _compress = on; break;
            case OptionId.CompressLevel: _compressLevel = Number(given, int.MinValue, int.MaxValue); break;
            case OptionId.SkipCompress: _skipCompress = ReadSkipCompress(given); break;
            case OptionId.CompressChoice: ReadCompressChoice(given); break;
            case OptionId.BandwidthLimit: (_bandwidth, _bandwidthFile) = (on ? BandwidthText.Parse(given.Text) : null, null); break;
            case OptionId.BandwidthFile: _bandwidthFile = new BandwidthFile(given.Text); break;
            case OptionId.Lanes: _lanes = given.Text == "auto" ? 0 : Number(given, 1, ProtocolLimits.MaxLane + 1); break;
            case OptionId.Timeout: _timeout = on ? Math.Max(0, Number(given, int.MinValue, int.MaxValue)) : 0; break;

            case OptionId.Rsh: _rsh = given.Text; break;
            case OptionId.RsyncPath: _rsyncPath = given.Text; break;
            case OptionId.Port: _port = Number(given, 1, 65535); break;
            case OptionId.Identity: _identities.Add(given.Text); break;
            case OptionId.KnownHosts: _knownHosts.Add(given.Text); break;
            case OptionId.SshConfig: _sshConfig = given.Text; break;
            case OptionId.HostKeyCheck: _hostKeyCheck = ReadHostKeyCheck(given); break;
            case OptionId.Version: _version = true; break;
            case OptionId.Help: _help = true; break;
            default: throw new InvalidOperationException($"option {option.Name} is in the table and not applied");
        }
    }

    private SyncArguments Build(ParsedCommandLine line)
    {
        IReadOnlyList<byte[]> operands = line.Operands;
        BuildSelection(operands);
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
        bool compress = !_compressNone && (_compressLevel is null ? _compress : _compressLevel != 0);
        Set(JobFlags.NoCompress, !compress);
        return _continuation.Build(new SyncArguments
        {
            Operands = operands,
            FilesFrom = _batch.Reads ? null : _filesFrom,
            Batch = batch,
            CodecAsked = compress ? _codecAsked : null,
            RemoteBandwidthLimit = _remoteBandwidth,
            IsIncremental = _incremental && Has(JobFlags.Recursive) && (_flags & (JobFlags.PruneEmptyDirectories | JobFlags.DelayUpdates)) == 0
                && update.DeleteTiming is DeleteTiming.During or DeleteTiming.Delay,
            MungeLinks = _mungeLinks,
            Version = _version,
            Help = _help,
            StopAt = _update.StopAt,
            Options = update with
            {
                Flags = _flags,
                BatchOnly = batch is { Only: true } && !isDry,
                LocalDelta = _wholeFile == false,
                CompressLevel = compress ? _compressLevel is { } level ? Math.Min(level, MaxLevel) : SyncOptions.AdaptLevel : null,
                SkipCompress = _skipCompress,
                BandwidthLimit = _bandwidthFile?.Now() ?? _bandwidth?.At(DateTime.Now) ?? 0,
                BandwidthNow = _bandwidthFile is { } file ? file.Now : _bandwidth is { IsFixed: false } plan ? () => plan.At(DateTime.Now) : null,
                Lanes = _lanes,
                ReportContent = _output.WantsContent,
                TimeoutSeconds = _timeout ?? DeadLine,
                BlockSize = (int)_blockSize,
                MaxDelete = _maxDelete,
                ModifyWindow = Math.Max(0, _modifyWindow),
                ChangeMode = _attributes.Mode,
                UserMap = _attributes.UserMap,
                GroupMap = _attributes.GroupMap,
                FakeSuper = _attributes.IsFakeSuper,
                XattrLevel = _attributes.XattrLevel,
                SourceOptions = _sourceOptions,
                DropDevices = _dropDevices,
                MaxSize = _filters.MaxSize,
                MinSize = _filters.MinSize,
                Rules = _filters.Rules,
            },
            Print = _print,
            Output = _output.Build(_info, _itemize) with { Quiet = _quiet > 0, HumanReadable = _human, Json = _json },
            Remote = new RemoteArguments
            {
                IpVersion = _ipVersion,
                ConnectSeconds = _connectTimeout,
                Rsh = _rsh,
                RsyncPath = _rsyncPath,
                Port = _port,
                Identities = _identities,
                KnownHosts = _knownHosts,
                HostKeyCheck = _hostKeyCheck,
                SshConfig = _sshConfig,
                TimeoutSeconds = _timeout ?? 0,
            },
        }, _asRsync);
    }

    /// <summary>What is sent: a list of names and a listing change what is taken for granted, wherever they stand.</summary>
    private void BuildSelection(IReadOnlyList<byte[]> operands)
    {
        // The only operand is a source: list it.
        _listOnly |= operands.Count == 1 && !_version && !_help && !_batch.Reads;
        Set(JobFlags.ListOnly, _listOnly);
        Set(JobFlags.Recursive, _recursive ?? _filesFrom is null);
        Set(JobFlags.Dirs, !Has(JobFlags.Recursive) && (_dirs ?? (_filesFrom is not null || _listOnly)));
        Set(JobFlags.InPlace, Has(JobFlags.InPlace) || Has(JobFlags.WriteDevices));
        bool relative = _relative ?? _filesFrom is not null;
        _sourceOptions = _missing
            | (relative ? SourceOptions.Relative : 0)
            | (relative && _noImpliedDirs ? SourceOptions.NoImpliedDirs : 0)
            | (_copyDevices ? SourceOptions.CopyDevices : 0)
            | (_filters.NulSeparated && _filesFrom is not null ? SourceOptions.From0 : 0);
    }

    /// <summary>zstd's highest.</summary>
    private const int MaxLevel = 22;

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

        if (_rsh is not null && (_given.Overlaps([OptionId.Port, OptionId.Identity, OptionId.KnownHosts, OptionId.HostKeyCheck, OptionId.SshConfig])))
        {
            throw new UsageException("--port, --identity, --known-hosts, --host-key-check and --ssh-config are for the built-in SSH (put them into the command of --rsh)");
        }
    }

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

    private static byte[] ReadSkipCompress(GivenOption given) => SuffixList.TryParse(given.Value, out _)
        ? given.Value
        : throw new UsageException($"{UsageException.Quote(given.Given)}: a [ is not closed");

    private static HostKeyCheck ReadHostKeyCheck(GivenOption given) => given.Text switch
    {
        "yes" => HostKeyCheck.Yes,
        "accept-new" => HostKeyCheck.AcceptNew,
        "no" => HostKeyCheck.No,
        _ => throw new UsageException($"{UsageException.Quote(given.Given)}: yes, accept-new or no is expected"),
    };

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
