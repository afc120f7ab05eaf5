using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Elsewhere;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Engine.Session.Receiving.Reconciling;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>What the parts of a receiver share: each other, the destination, and how its entries are called there.</summary>
internal sealed class ReceiverTree : IDisposable
{
    private readonly SyncContext _context;

    // What is received are entries of the root that were named: to their rules the root is one of the directories above.
    private readonly bool _rootIsNamed;

    /// <param name="context">Of the session.</param>
    /// <param name="root">The destination; closed with the tree.</param>
    /// <param name="rootGoal">What the destination directory is to look like; null when it stays as it is.</param>
    /// <param name="identities">Of users and groups; null when numbers stay what they are.</param>
    /// <param name="onProgress">Called when the root is done.</param>
    public ReceiverTree(SyncContext context, DestinationRoot root, DirectoryGoal? rootGoal, IdentityMapper? identities, Action onProgress)
    {
        _context = context;
        _rootIsNamed = rootGoal is null;
        Root = root;
        Filters = context.FiltersIn(FilterSide.Receiver, root.Path, (path, errno) => Report(Operation.Open, errno, path));
        Handles = new DirectoryHandles(context.Io, root.Fd, context.Has(JobFlags.KeepDirLinks) || (context.Options.SourceOptions & SourceOptions.NoImpliedDirs) != 0);
        Confirmer = new Confirmer(context, this);
        Full = new FullDisk(context, root);
        Outcomes = new OutcomeReporter(context, Statistics, Full, Confirmer);
        Attributes = new AttributeWriter(context, Outcomes, identities);
        Late = new LateWork(context, this);
        Placement = new Placement(context, this);
        Alternates = new AlternateDirectories(context, this);
        Bases = new BasisChoices(context, this);
        Basis = new BasisStage(context, this);
        Finder = new ContentFinder(context, this);
        Writers = new FileWriters(context, this);
        Deleter = new Deleter(context, this);
        Links = new HardLinker(context, this);
        Contents = new ContentResults(context, this);
        Reconciler = new ListingReconciler(context, this);
        Directories = new DirectoryTable(context, this, rootGoal, onProgress);
        Resolver = new DirectoryResolver(context, this);
        Prober = new DirectoryProber(context, this, identities);
    }

    public DestinationRoot Root { get; }

    /// <summary>The filter rules at work here.</summary>
    public FilterScope Filters { get; }

    public DirectoryHandles Handles { get; }

    /// <summary>The directories under way.</summary>
    public DirectoryTable Directories { get; }

    /// <summary>Compares announced directories.</summary>
    public DirectoryProber Prober { get; }

    /// <summary>Sees to directories whose entries are known.</summary>
    public DirectoryResolver Resolver { get; }

    /// <summary>Sees to the entries of a directory.</summary>
    public ListingReconciler Reconciler { get; }

    /// <summary>Sees to contents that were asked for.</summary>
    public ContentResults Contents { get; }

    public AttributeWriter Attributes { get; }

    public OutcomeReporter Outcomes { get; }

    /// <summary>Knows what to say when there is no room.</summary>
    public FullDisk Full { get; }

    /// <summary>Tells the sender what it may remove.</summary>
    public Confirmer Confirmer { get; }

    public FileWriters Writers { get; }

    public BasisStage Basis { get; }

    public BasisChoices Bases { get; }

    /// <summary>Looks for contents under other names.</summary>
    public ContentFinder Finder { get; }

    public Deleter Deleter { get; }

    public Placement Placement { get; }

    public AlternateDirectories Alternates { get; }

    public LateWork Late { get; }

    public HardLinker Links { get; }

    public Statistics Statistics { get; } = new();

    /// <summary>A whole tree was gone through, and all of it is here: known when the root's own turn comes, at the end.</summary>
    public bool IsWhole { get; set; }

    public Statistics SourceTotals { get; set; } = new();

    /// <summary>
    /// True when what is missing here cannot come unasked: it may be elsewhere, or not be wanted, or nothing may come before all is known.
    /// </summary>
    public bool AsksForAll => Alternates.IsOn || Finder.IsOn || _context.Has(JobFlags.Existing) || Placement.Partials.IsShared || _context.Options.DeleteTiming == DeleteTiming.Before;

    /// <summary>The filter rules in a directory here, from those in the one above it (null for the root).</summary>
    public DirectoryRules EnterRules(DirectoryRules? above, byte[] path, int fd) => above is null ? (_rootIsNamed ? Filters.FromAbove(withRoot: true) : Filters.EnterRoot(fd)) : Filters.Enter(above, path, fd);

    /// <summary>The name that an entry has here.</summary>
    public ReadOnlySpan<byte> LocalName(ReceiverDirectory directory, int index) =>
        directory.Parent is null && Root.Rename is { } rename ? rename : directory.Remote!.Entries.Name(index);

    /// <summary>Path of an entry relative to the destination.</summary>
    public byte[] PathOf(ReceiverDirectory directory, int index) => PathBytes.Join(directory.Path, LocalName(directory, index));

    /// <summary>Trouble at this end with one path.</summary>
    public void Report(Operation operation, int errno, byte[] path) => Outcomes.Problem(operation, errno, path);

    /// <summary>The counts of both ends.</summary>
    public Statistics TakeStatistics()
    {
        Statistics.Entries = SourceTotals.Entries;
        Statistics.Files = SourceTotals.Files;
        Statistics.Directories = SourceTotals.Directories;
        Statistics.SymbolicLinks = SourceTotals.SymbolicLinks;
        Statistics.Devices = SourceTotals.Devices;
        Statistics.Specials = SourceTotals.Specials;
        Statistics.TotalSize = SourceTotals.TotalSize;
        return Statistics;
    }

    public void Dispose()
    {
        Writers.Dispose();
        Basis.Dispose();
        Finder.Dispose();
        Placement.Dispose();
        Alternates.Dispose();
        Handles.Dispose();
        if (Root.Fd >= 0)
        {
            _context.Io.Close(Root.Fd);
        }
    }
}
