using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>
/// The options about how the receiving side brings files about: backups, when to delete, where incomplete files lie, other
/// hierarchies, appending. Contradictions end as rsync ends them.
/// </summary>
internal sealed class UpdateOptions
{
    /// <summary>rsync's variable for a place for incomplete files; counts with <c>--partial</c> alone.</summary>
    private const string PartialVariable = "RSYNC_PARTIAL_DIR";

    private readonly List<byte[]> _alternates = [];
    private AlternateUse _use;
    private bool _backup, _before, _during, _after, _delay, _partialGiven, _checksumNone, _compareNone;
    private byte[]? _backupDirectory, _suffix, _partialDirectory, _tempDirectory;
    private int _fuzzy, _append;
    private bool _detectRenamed;
    private byte[]? _checksumIndex;
    private JobFlags _flags;

    /// <summary>When to stop; null for never.</summary>
    public DateTimeOffset? StopAt { get; private set; }

    /// <summary>A transfer that cannot be checked, or must be appended to, settles whether files go whole.</summary>
    public bool? WholeFile => _checksumNone ? true : _append > 0 ? false : null;

    /// <summary>Takes an option; false when it is not about updating.</summary>
    public bool Apply(GivenOption given)
    {
        bool on = !given.Negated;
        switch (given.Option.Id)
        {
            case OptionId.Backup: _backup = on; break;
            case OptionId.BackupDirectory: _backupDirectory = given.Value; break;
            case OptionId.Suffix: _suffix = given.Value; break;
            case OptionId.Append: _append = on ? _append + 1 : 0; break;
            case OptionId.AppendVerify: _append = 2; break;
            case OptionId.DeleteBefore: _before = true; break;
            case OptionId.DeleteDuring: _during = true; break;
            case OptionId.DeleteDelay: _during = _delay = true; break;
            case OptionId.DeleteAfter: _after = true; break;
            case OptionId.PartialDirectory: _partialGiven = true; _partialDirectory = given.Value; break;
            case OptionId.DelayUpdates: Set(JobFlags.DelayUpdates, on); break;
            case OptionId.TempDirectory: _tempDirectory = given.Value.Length > 0 ? given.Value : throw new UsageException("the temp-dir does not exist: (no name was given)"); break;
            case OptionId.Fuzzy: _fuzzy = on ? Math.Min(2, _fuzzy + 1) : 0; break;
            case OptionId.DetectRenamed: _detectRenamed = on; break;
            case OptionId.ChecksumIndex: _checksumIndex = on ? given.Value : null; break;
            case OptionId.CompareDest: AddAlternate(AlternateUse.Compare, given); break;
            case OptionId.CopyDest: AddAlternate(AlternateUse.Copy, given); break;
            case OptionId.LinkDest: AddAlternate(AlternateUse.Link, given); break;
            case OptionId.Preallocate: Set(JobFlags.Preallocate, true); break;
            case OptionId.StopAfter: StopAt = StopTime.After(given.Text, TimeProvider.System.GetLocalNow()); break;
            case OptionId.StopAt: StopAt = StopTime.At(given.Text, TimeProvider.System.GetLocalNow()); break;
            case OptionId.ChecksumChoice: ReadChecksumChoice(given.Text); break;
            default: return false;
        }

        return true;
    }

    /// <summary>Adds what these options say.</summary>
    /// <param name="flags">What the other options say; completed.</param>
    /// <param name="rules">The filter rules; rsync's implied ones are put behind them.</param>
    /// <param name="options">What the engine gets; <see cref="SyncOptions.Flags"/> and <see cref="SyncOptions.Rules"/> are the caller's.</param>
    /// <param name="isVerify">They are those of <c>verify</c>.</param>
    /// <exception cref="UsageException">They contradict each other, or the others.</exception>
    public SyncOptions Build(ref JobFlags flags, FilterArguments rules, SyncOptions options, bool isVerify = false)
    {
        flags |= _flags;
        if ((_before ? 1 : 0) + (_during ? 1 : 0) + (_after ? 1 : 0) > 1)
        {
            throw new UsageException("--delete-before, --delete-during (--delete-delay) and --delete-after cannot be combined: only one of them says when");
        }

        flags |= _before || _during || _after ? JobFlags.Delete : 0;
        flags |= _append switch { 0 => 0, 1 => JobFlags.Append, _ => JobFlags.AppendVerify };
        if (_compareNone && (flags & JobFlags.Checksum) != 0)
        {
            throw new UsageException("--checksum needs a checksum: --checksum-choice=none cannot be used with it", UsageException.Unsupported);
        }

        if (_checksumIndex is not null && !isVerify && !_detectRenamed && (flags & JobFlags.Checksum) == 0)
        {
            throw new UsageException("--checksum-index keeps what --checksum and --detect-renamed find: give one of them");
        }

        CheckInPlace(flags);
        byte[] suffix = CheckBackup(ref flags);
        ChoosePartial(ref flags);
        AddRules(flags, suffix, rules);
        return options with
        {
            DeleteTiming = _before ? DeleteTiming.Before : _after ? DeleteTiming.After : _delay ? DeleteTiming.Delay : DeleteTiming.During,
            BackupDirectory = (flags & JobFlags.Backup) != 0 ? _backupDirectory : null,
            BackupSuffix = (flags & JobFlags.Backup) != 0 ? _suffix : null,
            PartialDirectory = _partialDirectory,
            TempDirectory = _tempDirectory,
            AlternateUse = _use,
            AlternateDirectories = _alternates,
            Fuzzy = _fuzzy,
            DetectRenamed = _detectRenamed,
            ChecksumIndex = _checksumIndex,
        };
    }

    private void CheckInPlace(JobFlags flags)
    {
        string? inPlace = (flags & (JobFlags.Append | JobFlags.AppendVerify)) != 0 ? "--append" : (flags & JobFlags.InPlace) != 0 ? "--inplace" : null;
        if (inPlace is null)
        {
            return;
        }

        if (inPlace == "--append" && ((flags & JobFlags.WholeFile) != 0 || _checksumNone))
        {
            throw new UsageException("--append cannot be used with --whole-file");
        }

        if (_partialGiven || (flags & JobFlags.DelayUpdates) != 0)
        {
            throw new UsageException($"{inPlace} cannot be used with {((flags & JobFlags.DelayUpdates) != 0 ? "--delay-updates" : "--partial-dir")}");
        }
    }

    private byte[] CheckBackup(ref JobFlags flags)
    {
        bool here = _backupDirectory is null;
        byte[] suffix = _suffix ?? (here ? "~"u8.ToArray() : []);
        if (suffix.AsSpan().Contains((byte)'/'))
        {
            throw new UsageException($"--suffix cannot contain slashes: {UsageException.Quote(suffix)}");
        }

        if (suffix.Length == 0 && (here || _backupDirectory.AsSpan().TrimEnd((byte)'/').TrimStart("./"u8).IsEmpty && _backupDirectory is not [(byte)'/', ..]))
        {
            throw new UsageException(here
                ? "--suffix cannot be empty without a --backup-dir"
                : "--suffix cannot be empty when --backup-dir is the same as the destination");
        }

        if (!_backup && here)
        {
            return suffix;
        }

        // What is kept beside the new changes its directory's time anyway.
        flags |= JobFlags.Backup | (here ? JobFlags.OmitDirectoryTimes : 0);
        return suffix;
    }

    private void ChoosePartial(ref JobFlags flags)
    {
        if (_partialGiven)
        {
            flags |= JobFlags.Partial;
        }
        else if ((flags & (JobFlags.Partial | JobFlags.InPlace | JobFlags.Append | JobFlags.AppendVerify)) == JobFlags.Partial
            && Environment.GetEnvironmentVariable(PartialVariable) is { Length: > 0 } directory)
        {
            _partialDirectory = Encoding.UTF8.GetBytes(directory);
        }

        _partialDirectory = _partialDirectory is [not (byte)'/', ..] relative ? Normal(relative) : _partialDirectory is [] ? null : _partialDirectory;
    }

    /// <summary>A relative path without what means nothing in it, so that the implied rule meets its names; null for the directory itself.</summary>
    private static byte[]? Normal(byte[] given)
    {
        List<byte> path = [];
        foreach (Range range in given.AsSpan().Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = given.AsSpan(range);
            if (part.SequenceEqual(".."u8))
            {
                // rsync takes it, and then fails to keep each single file.
                throw new UsageException(
                    $"--partial-dir={UsageException.Quote(given)} is not supported: a relative one cannot lead out of the directories of its files; give an absolute path", UsageException.Unsupported);
            }

            if (!part.IsEmpty && !part.SequenceEqual("."u8))
            {
                path.AddRange(path.Count > 0 ? "/"u8 : []);
                path.AddRange(part);
            }
        }

        return path.Count > 0 ? [.. path] : null;
    }

    /// <summary>rsync's implied rules: backups are not deleted, and places for incomplete files are neither sent nor deleted.</summary>
    private void AddRules(JobFlags flags, byte[] suffix, FilterArguments rules)
    {
        if ((flags & (JobFlags.Backup | JobFlags.Delete | JobFlags.DeleteExcluded)) == (JobFlags.Backup | JobFlags.Delete) && _backupDirectory is null)
        {
            rules.AddImplied([.. "P *"u8, .. suffix]);
        }

        byte[]? partial = _partialDirectory ?? ((flags & JobFlags.DelayUpdates) != 0 ? ".~tmp~"u8.ToArray() : null);
        if (partial is [not (byte)'/', ..])
        {
            rules.AddImplied([.. "-p "u8, .. partial, (byte)'/']);
        }
    }

    private void AddAlternate(AlternateUse use, GivenOption given)
    {
        if (_use != AlternateUse.None && _use != use)
        {
            throw new UsageException($"the {given.Option.Name} option conflicts with {Name(_use)}");
        }

        if (_alternates.Count == SyncOptions.MaxAlternates)
        {
            throw new UsageException($"at most {SyncOptions.MaxAlternates} {given.Option.Name} options may be given");
        }

        _use = use;
        _alternates.Add(given.Value.Length > 0 ? given.Value : "."u8.ToArray());
    }

    private void ReadChecksumChoice(string text)
    {
        int comma = text.IndexOf(',', StringComparison.Ordinal);
        _checksumNone = IsNone(comma < 0 ? text : text[..comma]);
        _compareNone = comma < 0 ? _checksumNone : IsNone(text[(comma + 1)..]);
    }

    /// <summary>What is checked is checked by XXH3-128: who asks for one of its kind gets no less.</summary>
    private static bool IsNone(string name) => name switch
    {
        "auto" or "xxh128" or "xxh3" or "xxh64" or "xxhash" => false,
        "none" => true,
        "md4" or "md5" or "sha1" => throw new UsageException(
            $"--checksum-choice: {name} is not supported (contents are always checked by XXH3-128)", UsageException.Unsupported),
        _ => throw new UsageException($"unknown checksum name: {UsageException.Quote(name)}", UsageException.Unsupported),
    };

    private static string Name(AlternateUse use) =>
        use switch { AlternateUse.Compare => "--compare-dest", AlternateUse.Copy => "--copy-dest", _ => "--link-dest" };

    private void Set(JobFlags flag, bool on) => _flags = on ? _flags | flag : _flags & ~flag;
}
