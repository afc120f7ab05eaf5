using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>What both roles of one end share: agreed options, the system, where records go, the reason to end, counters and the observer.</summary>
internal sealed class SyncContext
{
    public required ISystemCalls Io { get; init; }

    public required SyncOptions Options { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public required FilterList Filters { get; init; }

    /// <summary>Where records go, before there is a lane, too.</summary>
    public required LaneGroup Group { get; init; }

    public required SessionAbort Abort { get; init; }

    public required ProblemLog Problems { get; init; }

    /// <summary>The caller's; null in an agent.</summary>
    public ISyncObserver? Observer { get; init; }

    /// <summary>Digests of earlier runs (--checksum-index); null without.</summary>
    public DigestIndex? Digests { get; init; }

    /// <summary>What --chmod says, when this end sends; null for nothing.</summary>
    public ModeChanges? ChangeMode { get; init; }

    /// <summary>What changes in the sources, when this end sends and somebody follows that; null otherwise.</summary>
    public ChangeFollower? Changes { get; init; }

    public ProgressCounters Progress { get; } = new();

    public JobFlags Flags => Options.Flags;

    public RecordOutbox Outbox => Group.Outbox;

    /// <summary>What the rules with the x modifier say on one side; null without such rules.</summary>
    public XattrFilter? XattrFilter(FilterSide side) => Filters.HasXattrRules ? name => Filters.IncludesXattr(name, side) ?? true : null;

    /// <summary>The filter rules at work in a tree of this end.</summary>
    /// <param name="side">What this end does.</param>
    /// <param name="operatorRoot">The root of the transfer here, as an operator named it.</param>
    /// <param name="unreadable">Is told of rule files that cannot be read.</param>
    public FilterScope FiltersIn(FilterSide side, ReadOnlySpan<byte> operatorRoot, Action<byte[], int> unreadable) =>
        new(Filters, Io, side, Filters.NeedsRootPath ? RootPath.Of(Io, operatorRoot) : [], Has(JobFlags.NulRuleFiles), unreadable);

    /// <summary>What a scan of a receiver must read for these options.</summary>
    public ScanFields ScanFields => FieldsFor(Has(JobFlags.SuperUser));

    /// <summary>
    /// What a scan of a sender must read. An ordinary user sees only some attributes outside of the user namespace; as in rsync he
    /// sends none of them.
    /// </summary>
    public ScanFields SendFields => FieldsFor(Options.FakeSuper || Io.EffectiveUserId() == 0);

    /// <summary>What a directory digest covers for these options.</summary>
    public DigestFields DigestFields =>
        (Has(JobFlags.Permissions) ? DigestFields.Permissions : 0)
        | (Has(JobFlags.Owner) ? DigestFields.Owner : 0)
        | (Has(JobFlags.Group) ? DigestFields.Group : 0)
        | (Has(JobFlags.Times) ? DigestFields.Times : 0)
        | (Has(JobFlags.Times) && !Has(JobFlags.OmitDirectoryTimes) ? DigestFields.DirectoryTimes : 0)
        | (Has(JobFlags.SizeOnly) ? DigestFields.SizeOnly : 0)
        | (Has(JobFlags.Links) ? DigestFields.Links : 0)
        | (Has(JobFlags.Devices) ? DigestFields.Devices : 0)
        | (Has(JobFlags.Xattrs) ? DigestFields.Xattrs : 0)
        | (Has(JobFlags.Acls) ? DigestFields.Acls : 0)
        | (Has(JobFlags.HardLinks) ? DigestFields.HardLinks : 0)
        | (Has(JobFlags.Executability) && !Has(JobFlags.Permissions) ? DigestFields.Executability : 0)
        | (Has(JobFlags.AccessTimes) ? DigestFields.AccessTimes : 0)
        | (Has(JobFlags.OmitLinkTimes) ? DigestFields.OmitLinkTimes : 0)
        | (Has(JobFlags.FileFlags) ? DigestFields.FileFlags : 0)
        | (Has(JobFlags.ProjectIds) ? DigestFields.ProjectIds : 0)
        | (Has(JobFlags.SuperUser) ? 0 : DigestFields.UserXattrsOnly);

    /// <summary>
    /// True when directory digests can tell that nothing needs doing. With --checksum and --ignore-times the metadata that
    /// they cover does not decide, with --usermap or --groupmap the same owners may be wrong, with --compare-dest and --link-dest what
    /// is in place already may have to go, and what is to be told or recorded one by one must come one by one; with a modify window or
    /// --size-only, equal digests still mean equal, so they help.
    /// </summary>
    public bool DigestsDecide => (Flags & (JobFlags.Checksum | JobFlags.IgnoreTimes | JobFlags.ReportUnchanged | JobFlags.RemoveSourceFiles)) == 0
        && Batch is null && Options.UserMap.Length == 0 && Options.GroupMap.Length == 0 && Options.AlternateUse is AlternateUse.None or AlternateUse.Copy;

    /// <summary>How near times must be to count as equal: 0 to the nanosecond, negative by whole seconds, else so many seconds.</summary>
    public int TimeWindow => Options.ModifyWindow > 0 ? Options.ModifyWindow : Has(JobFlags.WholeSeconds) ? -1 : 0;

    /// <summary>True when a hidden directory keeps what breaks off, and takes no part in the transfer.</summary>
    public bool Resumes => Options.ResumeFrom > 0;

    /// <summary>True when files are changed where they are: --inplace, and what implies it.</summary>
    public bool InPlace => (Flags & (JobFlags.InPlace | JobFlags.Append | JobFlags.AppendVerify)) != 0;

    /// <summary>
    /// Files that end in a hole, began as a clone or were there (--inplace), are flushed before they get their times. ext4 knows the length of such a file at once, and its content half a
    /// minute later: a machine that stopped between would leave one that looks done and is zeros. docs/journal.md.
    /// </summary>
    public bool FlushesTails => Options.Durable || Has(JobFlags.Fsync);

    /// <summary>What this end records for --read-batch; null for nothing.</summary>
    public Batch.BatchWriter? Batch { get; init; }

    /// <summary>False for a dry run that nobody records, and for a listing.</summary>
    public bool MayAskForContent => !Has(JobFlags.ListOnly) && (!Has(JobFlags.DryRun) || Options.BatchOnly);

    /// <summary>True when all of <paramref name="flags"/> are set.</summary>
    public bool Has(JobFlags flags) => (Flags & flags) == flags;

    private ScanFields FieldsFor(bool allXattrs) =>
        (Has(JobFlags.Links) ? ScanFields.LinkTargets : 0)
        | (Has(JobFlags.Xattrs) ? ScanFields.Xattrs : 0)
        | (Has(JobFlags.Acls) ? ScanFields.Acls : 0)
        | (allXattrs ? 0 : ScanFields.UserXattrsOnly)
        | (Options.XattrLevel > 1 ? ScanFields.FakeSuperXattrs : 0)
        | (Has(JobFlags.FileFlags) ? ScanFields.FileFlags : 0)
        | (Has(JobFlags.ProjectIds) ? ScanFields.ProjectIds : 0);

    /// <summary>Runs a stage on a thread of its own; its failure ends the session.</summary>
    public Thread RunStage(string name, Action stage)
    {
        var thread = new Thread(() =>
        {
            try
            {
                stage();
            }
            catch (SessionAbortedException)
            {
                // The reason is known already.
            }
            catch (FilterException e)
            {
                Abort.Abort(new SessionException(e.ExitCode, e.Message, e));
            }
            catch (Exception e)
            {
                Abort.Abort(e);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return thread;
    }
}
