using System.Text;
using NativeSync.Engine;

namespace NativeSync.Migration.Fixups;

/// <summary>What one step sees and where it says what it wants.</summary>
internal sealed class FixupContext(PlannedTree planned, FixupFacts facts, FixupProgress progress)
{
    /// <summary>Readable by all, and by root alone.</summary>
    public const uint Public = 0x1A4, Private = 0x180;

    /// <summary>What the fix-ups keep in the root.</summary>
    public const string Home = "var/lib/nativesync";

    /// <summary>What a step has put away, below this directory.</summary>
    public const string Backup = Home + "/backup";

    /// <summary>The files that were not there before, a line each.</summary>
    public const string Created = Home + "/created";

    private const int MaxLines = 200;

    /// <summary>The root as it will be.</summary>
    public IRootTree Tree => planned.View;

    public FixupFacts Facts => facts;

    /// <summary>What earlier steps left for later ones.</summary>
    public FixupProgress Progress => progress;

    public FixupRecord Record { get; } = new();

    /// <summary>Commands that are still to be run.</summary>
    public Queue<RootCommand> Commands { get; } = new();

    /// <summary>Changes a file by a function over its text; nothing happens when it is not there or stays the same.</summary>
    public bool Edit(string path, string reason, Func<string, string> change)
        => Tree.Text(path) is { } before && Write(path, change(before), reason);

    /// <summary>Gives a file a content (one character a byte).</summary>
    /// <returns>Whether it is another than before.</returns>
    public bool Write(string path, string content, string reason, uint modeIfNew = Public)
    {
        if (Resolved(path) is not { } real)
        {
            return false;
        }

        byte[]? before = Tree.Read(real);
        byte[] after = Encoding.Latin1.GetBytes(content);
        if (before is not null && before.AsSpan().SequenceEqual(after))
        {
            return false;
        }

        PutAway(real);
        planned.Set(real, after, modeIfNew);
        Note(real, reason, LineDiff.Between(before is null ? "" : Encoding.Latin1.GetString(before), content, MaxLines));
        return true;
    }

    /// <summary>Takes a file away, the link itself where it is one.</summary>
    public bool Remove(string path, string reason)
    {
        if (NameItself(path) is not { } real || Tree.Kind(real) is not (RootEntryKind.File or RootEntryKind.Link))
        {
            return false;
        }

        PutAway(real);
        planned.Set(real, null, 0);
        Note(real, reason, ["- (the whole file)"]);
        return true;
    }

    /// <summary>Makes a symbolic link in the place of whatever bears the name.</summary>
    public bool Link(string path, string target, string reason)
    {
        if (NameItself(path) is not { } real || Tree.LinkTarget(real) == target)
        {
            return false;
        }

        PutAway(real);
        planned.SetLink(real, target);
        Note(real, reason, ["+ -> " + target]);
        return true;
    }

    /// <summary>Something for the report that the user should know.</summary>
    public void Warn(string text) => Record.Warnings.Add(text);

    /// <summary>The step does not apply here.</summary>
    public void Skip(string why) => (Record.Outcome, Record.Why) = (FixupOutcomes.Skipped, why);

    /// <summary>What the step is for cannot be reached, and without it the system does not boot.</summary>
    public void Fail(string why) => (Record.Outcome, Record.Why) = (FixupOutcomes.Failed, why);

    public void Run(RootCommand command) => Commands.Enqueue(command);

    /// <summary>What the root held before is shown as what it is: names and texts of another machine.</summary>
    public static string Shown(string text) => ByteText.Escape(Encoding.Latin1.GetBytes(text));

    private string? Resolved(string path)
    {
        string? real = Tree.Resolve(path) ?? Below(path);
        if (real is null || Tree.Kind(real) is not (RootEntryKind.File or RootEntryKind.None))
        {
            Warn($"/{Shown(path)} cannot be written: it, or what leads to it, is no file or no directory");
            return null;
        }

        return real;
    }

    /// <summary>The path with all but its last part resolved.</summary>
    private string? NameItself(string path)
        => path.LastIndexOf('/') is >= 0 and int slash && Tree.Resolve(path[..slash]) is { } parent && Tree.Kind(parent) == RootEntryKind.Directory ? parent + path[slash..] : Below(path);

    /// <summary>The deepest directory on the way that is there, with the parts behind it, which are made when they are needed.</summary>
    private string? Below(string path)
    {
        for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (Tree.Resolve(path[..slash]) is { } parent)
            {
                return Tree.Kind(parent) is RootEntryKind.Directory or RootEntryKind.None ? parent + path[slash..] : null;
            }
        }

        return path;
    }

    /// <summary>The first state is the one that is kept: it is the source's.</summary>
    private void PutAway(string real)
    {
        string known = Tree.Text(Created) ?? "", line = "/" + real + "\n";
        bool isNew = known.StartsWith(line, StringComparison.Ordinal) || known.Contains("\n" + line, StringComparison.Ordinal);
        if (Tree.Kind(real) != RootEntryKind.None)
        {
            string place = NameItself($"{Backup}/{real}") ?? throw NoPlace();
            if (!isNew && Tree.Kind(place) == RootEntryKind.None)
            {
                planned.Keep(real, place);
            }
        }
        else if (!isNew && !HasKept(real))
        {
            planned.Set(Tree.Resolve(Created) ?? Below(Created) ?? throw NoPlace(), Encoding.Latin1.GetBytes(known + line), Private);
        }

        static IOException NoPlace() => new($"/{Home} cannot be made: what leads to it is no directory");
    }

    /// <summary>Whether an earlier run, or this one, has put the source's file away.</summary>
    public bool HasKept(string path) => NameItself($"{Backup}/{path}") is { } place && Tree.Kind(place) != RootEntryKind.None;

    private void Note(string real, string reason, List<string> lines)
        => Record.Changes.Add(new FixupChange { File = "/" + Shown(real), Reason = reason, Lines = [.. lines.Select(Shown)] });
}

/// <summary>What earlier steps of the same run found out.</summary>
internal sealed class FixupProgress
{
    /// <summary>The names of the disks have changed: what an initramfs has in it about them is out of date.</summary>
    public bool DevicesChanged { get; set; }

    /// <summary>The kernel's command line, or something else that the boot menu is made of, has changed.</summary>
    public bool MenuChanged { get; set; }
}
