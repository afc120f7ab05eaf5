using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>The options about runs that break off and trees that live: what is kept, reconnecting, and passes.</summary>
internal sealed class ContinuationOptions
{
    /// <summary>Bytes; what is smaller is sent again sooner than it is looked for.</summary>
    private const long ResumeFrom = 1024 * 1024;

    /// <summary>With --reconnect, a line from which nothing comes for so many seconds is a line that has dropped.</summary>
    private const int DeadLine = 60;

    private bool? _resume, _follow;
    private int _reconnect;
    private long? _until;
    private int? _passes, _hookSeconds;
    private string? _before, _after;

    /// <summary>Takes an option; false when it is about something else.</summary>
    public bool Apply(GivenOption given)
    {
        switch (given.Option.Id)
        {
            case OptionId.Resume: _resume = !given.Negated; break;
            case OptionId.Reconnect: _reconnect = given.Negated ? 0 : SyncArgumentsBuilder.Number(given, 0, int.MaxValue); break;
            case OptionId.UntilConverged: _until = (given.Text.Length > 0 ? SizeValue.Parse(given.Text, 'b') : null) ?? throw new UsageException($"{UsageException.Quote(given.Given)} is invalid (give a size, e.g. 16M)"); break;
            case OptionId.MaxPasses: _passes = SyncArgumentsBuilder.Number(given, 1, 1_000_000); break;
            case OptionId.BeforeLast: _before = given.Text; break;
            case OptionId.AfterLast: _after = given.Text; break;
            case OptionId.HookTimeout: _hookSeconds = SyncArgumentsBuilder.Number(given, 1, int.MaxValue / 1000); break;
            case OptionId.FollowChanges: _follow = !given.Negated; break;
            default: return false;
        }

        return true;
    }

    /// <summary>Adds what they say.</summary>
    /// <param name="arguments">What the others have said.</param>
    /// <param name="timeout"><c>--timeout</c>; null where it was not given.</param>
    /// <param name="asRsync">Under the name <c>rsync</c>.</param>
    /// <exception cref="UsageException">They contradict each other, or the others.</exception>
    public SyncArguments Build(SyncArguments arguments, int? timeout, bool asRsync)
    {
        if (_until is null && (_passes is not null || _before is not null || _after is not null || _hookSeconds is not null || _follow is not null))
        {
            throw new UsageException("--max-passes, --before-last, --after-last, --hook-timeout and --follow-changes are about the passes of --until-converged (give it, too)");
        }

        if (_hookSeconds is not null && _before is null && _after is null)
        {
            throw new UsageException("--hook-timeout needs a command of --before-last or --after-last");
        }

        if (_until is not null && (arguments.Has(JobFlags.DryRun) || arguments.Has(JobFlags.ListOnly)))
        {
            throw new UsageException("--until-converged repeats what is transferred: it cannot be used where nothing is (--dry-run, --list-only)");
        }

        if ((_until is not null || _reconnect > 0) && arguments.Batch is not null)
        {
            throw new UsageException("a batch is the record of one session: --until-converged and --reconnect cannot be used with it");
        }

        if (arguments is { Batch: not null, Options: var options } && (_resume == true || options.DetectRenamed || options.Lanes > 1))
        {
            throw new UsageException("a batch is one record, for other destinations than this one: --resume, --detect-renamed and --lanes cannot be used with it");
        }

        if ((_until is not null || _reconnect > 0) && arguments.FilesFrom is [(byte)'-'])
        {
            throw new UsageException("a list that comes through standard input can be read once only: with --until-converged and --reconnect put it into a file (--files-from=FILE)");
        }

        return arguments with
        {
            Options = arguments.Options with
            {
                ResumeFrom = _resume ?? !asRsync ? ResumeFrom : 0,
                TimeoutSeconds = _reconnect > 0 && timeout is null ? DeadLine : arguments.Options.TimeoutSeconds,
            },
            Reconnect = TimeSpan.FromSeconds(_reconnect),
            Passes = _until is { } bound
                ? new PassArguments(bound, _passes ?? PassArguments.DefaultMost, _before, _after, TimeSpan.FromSeconds(_hookSeconds ?? PassArguments.DefaultSeconds), _follow ?? true)
                : null,
        };
    }
}

/// <summary>The passes of <c>--until-converged</c>.</summary>
/// <param name="Bound">Bytes of content: a pass that sends no more has little left to do.</param>
/// <param name="Most">At most so many passes.</param>
/// <param name="Before">A command before the last one; null for none.</param>
/// <param name="After">A command after the last one, and after any failure behind <paramref name="Before"/>; null for none.</param>
/// <param name="Limit">How long each command may take.</param>
/// <param name="Follow">The last pass looks only at what has changed, where that can be known.</param>
internal sealed record PassArguments(long Bound, int Most, string? Before, string? After, TimeSpan Limit, bool Follow)
{
    /// <summary>Without --max-passes.</summary>
    public const int DefaultMost = 10;

    /// <summary>Without --hook-timeout.</summary>
    public const int DefaultSeconds = 300;
}
