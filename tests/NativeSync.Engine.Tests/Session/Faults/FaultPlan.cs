using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>A set of options, drawn, and what is known of a run with it.</summary>
/// <param name="Name">For the message of a failure.</param>
/// <param name="Options">The set.</param>
internal sealed record OptionPlan(string Name, SyncOptions Options)
{
    public bool InPlace => (Options.Flags & JobFlags.InPlace) != 0;

    public bool MovesSource => (Options.Flags & JobFlags.RemoveSourceFiles) != 0;

    public bool IsFake => (Options.Flags & JobFlags.FakeSuper) != 0;

    public bool Resumes => Options.ResumeFrom > 0;

    /// <summary>--partial alone: what came of a file may bear its name.</summary>
    public bool ShowsPartials => (Options.Flags & JobFlags.Partial) != 0 && Options.PartialDirectory is not { Length: > 0 };

    public bool KeepsBackups => (Options.Flags & JobFlags.Backup) != 0;

    /// <summary>How rsync is asked whether the trees are equal.</summary>
    public string Judge(FaultGround ground) =>
        (IsFake ? "-rl --fake-super" : (Options.Flags & JobFlags.HardLinks) != 0 && Options.AlternateUse == AlternateUse.None ? "-aH" : "-a")
        + (Options.AlternateUse == AlternateUse.Compare ? $" --compare-dest={ground["alt"]}" : "");

    public static OptionPlan Draw(Random random, FaultGround ground)
    {
        var names = new List<string>();
        var options = FaultGround.Base;
        var rules = new List<string>();

        void Take(string name, Func<SyncOptions, SyncOptions> change)
        {
            names.Add(name);
            options = change(options);
        }

        void Flag(string name, JobFlags flag) => Take(name, o => o with { Flags = o.Flags | flag });

        if (random.Next(4) > 0)
        {
            var timing = (DeleteTiming)random.Next(4);
            Flag($"--delete ({timing})", JobFlags.Delete);
            options = options with { DeleteTiming = timing };
        }

        switch (random.Next(4))
        {
            case 0: Flag("-b", JobFlags.Backup); rules.Add("P *~"); break;
            case 1: Flag("--backup-dir", JobFlags.Backup); options = options with { BackupDirectory = FaultGround.Bytes(ground["bak"]) }; break;
            case 2 when random.Next(2) == 0: Flag("--backup-dir (other file system)", JobFlags.Backup); options = options with { BackupDirectory = FaultGround.Bytes(ground.Other) }; break;
        }

        switch (random.Next(10))
        {
            case 0: Flag("--delay-updates", JobFlags.DelayUpdates); rules.Add("-p .~tmp~/"); break;
            case 1: Flag("--partial-dir", JobFlags.Partial); options = options with { PartialDirectory = ".part"u8.ToArray() }; rules.Add("-p .part/"); break;
            case 2: Flag("--partial-dir (absolute)", JobFlags.Partial); options = options with { PartialDirectory = FaultGround.Bytes(ground["part"]) }; break;
            case 3: Flag("--delay-updates --partial-dir", JobFlags.Partial | JobFlags.DelayUpdates); options = options with { PartialDirectory = ".part"u8.ToArray() }; rules.Add("-p .part/"); break;
            case 4: Take("--temp-dir", o => o with { TempDirectory = FaultGround.Bytes(ground["tmp"]) }); break;
            case 5: Take("--temp-dir (other file system)", o => o with { TempDirectory = FaultGround.Bytes(ground.Other) }); break;
            case 6: Flag("--inplace", JobFlags.InPlace); break;
            case 7: Flag("--preallocate", JobFlags.Preallocate); break;
            case 8: Flag("--partial", JobFlags.Partial); break;
        }

        if (random.Next(3) == 0 && (options.Flags & JobFlags.InPlace) == 0)
        {
            var use = (AlternateUse)(1 + random.Next(3));
            Take($"alternates ({use})", o => o with { AlternateUse = use, AlternateDirectories = [FaultGround.Bytes(ground["alt"])] });
        }

        if (random.Next(3) == 0)
        {
            Take("--fuzzy", o => o with { Fuzzy = 1 + random.Next(2) });
        }

        if (random.Next(3) == 0)
        {
            Take("--resume", o => o with { ResumeFrom = 64 << 10 });
        }

        if (random.Next(3) == 0)
        {
            Take("--detect-renamed", o => o with { DetectRenamed = true });
        }

        foreach (var (name, flag, odds) in ((string, JobFlags, int)[])
        [
            ("--checksum", JobFlags.Checksum, 4), ("--whole-file", JobFlags.WholeFile, 4), ("--fake-super", JobFlags.FakeSuper, 8), ("--fsync", JobFlags.Fsync, 6),
            ("-X", JobFlags.Xattrs, 5), ("-A", JobFlags.Acls, 6), ("--sparse", JobFlags.Sparse, 6), ("--remove-source-files", JobFlags.RemoveSourceFiles, 6), ("--force", JobFlags.Force, 2),
        ])
        {
            if (random.Next(odds) == 0)
            {
                Flag(name, flag);
            }
        }

        // Files that only --compare-dest knows are not at the destination: a source that is gone could not be compared any more.
        if (options.AlternateUse == AlternateUse.Compare)
        {
            options = options with { Flags = options.Flags & ~JobFlags.RemoveSourceFiles };
        }

        // What stands in the way of another type is a directory with nothing in it; -K and the rest of the deletions need nothing more.
        return new OptionPlan(string.Join(' ', names), options with { Rules = [.. rules.Select(FaultGround.Bytes)] });
    }
}

/// <summary>A fault, drawn: at which end, at which call, with which errno, once or for good.</summary>
/// <param name="Name">For the message of a failure.</param>
/// <param name="AtReceiver">At which end.</param>
/// <param name="Apply">Tells the double.</param>
/// <param name="Once">One call alone fails, so that cleaning up can be asked for.</param>
/// <param name="Cut">The line breaks off when so many bytes have come to the receiver.</param>
internal sealed record FaultPlan(string Name, bool AtReceiver, Action<FaultySystemCalls> Apply, bool Once, long Cut = long.MaxValue)
{
    /// <summary>Not ENOENT: at the source that is an entry which vanished, and no failure.</summary>
    private static readonly int[] Errors =
        [Errno.EIO, Errno.EACCES, Errno.ENOSPC, Errno.ESTALE, Errno.EROFS, Errno.EDQUOT, Errno.EPERM, Errno.EMFILE, Errno.ENOMEM, Errno.EBUSY, Errno.ETXTBSY, Errno.ENAMETOOLONG];

    private static readonly SystemCall[] Writing =
        [SystemCall.RenameAt, SystemCall.LinkAt, SystemCall.OpenAt, SystemCall.MakeDirectoryAt, SystemCall.UnlinkAt, SystemCall.Write, SystemCall.WriteAt, SystemCall.Clone, SystemCall.SetXattr];

    /// <param name="random">Decides.</param>
    /// <param name="atReceiver">At which end.</param>
    /// <param name="calls">So many that end makes when nothing fails.</param>
    /// <param name="bytes">So many come to the receiver then.</param>
    public static FaultPlan Draw(Random random, bool atReceiver, long calls, long bytes)
    {
        if (random.Next(6) == 0)
        {
            var cut = random.NextInt64(bytes);
            return new($"the line after {cut} of {bytes} bytes", atReceiver, _ => { }, true, cut);
        }

        var error = Errors[random.Next(Errors.Length)];
        var n = random.NextInt64(calls);
        var kind = Writing[random.Next(Writing.Length)];
        var nth = random.Next(6);
        var where = atReceiver ? "the receiver" : "the sender";
        return random.Next(8) switch
        {
            0 => new($"everything from call {n} of {where} on", atReceiver, f => f.DieAt(n), false),
            1 => new($"each {kind} of {where} from number {nth} on with {Errno.Name(error)}", atReceiver, f => f.Fail(c => c.Kind == kind && c.IndexOfKind >= nth, error), false),
            2 => new($"{kind} number {nth} of {where} with {Errno.Name(error)}", atReceiver, f => f.FailNth(kind, nth, error), kind != SystemCall.UnlinkAt),
            _ => new($"call {n} of {where} with {Errno.Name(error)}", atReceiver, f => f.Fail(c => c.Kind is not (SystemCall.Close or SystemCall.UnlinkAt) && c.Index == n, error), true),
        };
    }
}
