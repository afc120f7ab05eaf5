using System.Diagnostics;
using System.IO.Hashing;
using System.Text.RegularExpressions;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>What a run with a fault came to.</summary>
internal sealed record FaultResult(Exception? Failure, SyncReport? Report)
{
    /// <summary>0 when all went well; what a caller would exit with.</summary>
    public int ExitCode => Failure is SessionException e ? e.ExitCode : Failure is TransportException { ExitCode: var code } ? code : Failure is not null ? -1 : Report!.ExitCode;

    public override string ToString() => Failure is not null ? $"{Failure.GetType().Name}: {Failure.Message}"
        : $"code {ExitCode}, {Report!.ProblemCount} problems: {string.Join("; ", Report.Problems.Select(p => $"{p.Operation} {p.Errno} {ByteText.Escape(p.Path)}"))}";
}

/// <summary>
/// A small source, an older destination, hierarchies and places of all kinds around it, and the question what a run may have done
/// to them. Small files, one that is worth a delta, one of a similar name, hard links, a link and an entry of another type.
/// </summary>
internal sealed partial class FaultGround : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public FaultGround(string? otherFileSystem = null)
    {
        Other = otherFileSystem ?? Path.Combine(Root, "otherfs");
        Fill("old", older: true);
        Fill("model", older: false);
        Fill("alt", older: false);
        Shell($"cd {Root}; mkdir bak part tmp outside; mkdir -p {Other}; echo precious > outside/kept; "
            + "rm alt/d1/f2 alt/d0/f1; echo other > alt/d0/f1; touch -d 2001-01-01 alt/d0/f1; echo extra > old/d0/extra; mkdir old/gone; echo x > old/gone/x; cp -a model src");
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("ns-fault-").FullName;

    /// <summary>A directory that may be of another file system.</summary>
    public string Other { get; }

    public string this[string name] => Path.Combine(Root, name);

    public static SyncOptions Base { get; } = SyncOptions.Archive with { Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks };

    public void Dispose()
    {
        Directory.Delete(Root, recursive: true);
        if (Directory.Exists(Other))
        {
            Directory.Delete(Other, recursive: true);
        }
    }

    public static byte[] Bytes(string text) => ByteText.FromArgument(text);

    /// <summary>Where an interrupted run leaves what came of large files.</summary>
    public const string Place = ".nativesync-partial";

    /// <summary>Brings all back to the start; the source only when it may have been touched.</summary>
    /// <param name="source">It may have been.</param>
    /// <param name="partials">An interrupted run has left something: of a file that is there and of one that is not, and what is no part of any.</param>
    public void Reset(bool source = false, bool partials = false)
    {
        Shell($"cd {Root}; rm -rf dst bak part tmp; cp -a old dst; mkdir bak part tmp; rm -rf {Other}; mkdir {Other}" + (source ? "; rm -rf src; cp -a model src" : ""));
        if (partials)
        {
            Shell($"cd {Root}; mkdir -m 700 dst/{Place}; head -c 100000 model/d1/big >dst/{Place}/{KeyOf("d1/big")}.aaaaaa; head -c 90000 model/d1/big >dst/{Place}/{KeyOf("d1/big")}.bbbbbb; "
                + $"head -c 80000 model/new/big >dst/{Place}/{KeyOf("new/big")}.aaaaaa; head -c 120000 /dev/urandom >dst/{Place}/{KeyOf("d2/log-1.1.tar")}.aaaaaa; echo x >dst/{Place}/{KeyOf("nobody")}.aaaaaa");
        }
    }

    /// <summary>A push whose agent receives, each end over its own system.</summary>
    public async Task<FaultResult> RunAsync(SyncOptions options, ISystemCalls? sender = null, ISystemCalls? receiver = null, string source = "src/", Func<ILane, ILane>? line = null)
    {
        var real = SyncEnvironment.Default;
        var far = receiver is null ? real : real with { Io = receiver };
        var near = sender is null ? real : real with { Io = sender };
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(line?.Invoke(lane) ?? lane, far, ct));
        var request = new SyncRequest { Sources = [Bytes(this[source])], Destination = Bytes(this["dst"]), Options = options };
        SyncReport? report = null;
        var failure = await Record.ExceptionAsync(async () => report = await Synchronizer.RunAsync(
            connection, JobKind.Push, request, null, near, CancellationToken.None).WaitAsync(Patience));
        return new FaultResult(failure, report);
    }

    /// <summary>What rsync would still do; nothing when both are the same. A directory that holds backups stays.</summary>
    public string Difference(string words = "-aH", bool delete = true) =>
        Shell($"exec 2>&1; rsync -ni {(delete ? "--delete" : "")} --checksum --filter='-p .part/' --filter='-p .~tmp~/' --filter='-p {Place}/' --filter='P *~' {words} {this["src/"]} {this["dst"]}/ | grep -v '^cannot delete non-empty directory' || true");

    /// <summary>Relative path to what is there: "d", "l" and the target, or "f" and the digest of the content.</summary>
    public Dictionary<string, string> Look(string name)
    {
        var found = new Dictionary<string, string>();
        var root = Path.IsPathRooted(name) ? name : this[name];
        if (Directory.Exists(root))
        {
            Look(new DirectoryInfo(root), root, found);
        }

        return found;
    }

    /// <summary>What the destination has under a name is a beginning of the source's content.</summary>
    public bool IsBeginning(string path)
    {
        var (here, full) = (File.ReadAllBytes(Path.Combine(this["dst"], path)), File.ReadAllBytes(Path.Combine(this["model"], path)));
        return here.Length <= full.Length && here.AsSpan().SequenceEqual(full.AsSpan(0, here.Length));
    }

    /// <summary>Names of files that are not complete, wherever there may be some but where the next run finds them.</summary>
    public IEnumerable<string> Temporaries() =>
        new[] { this["dst"], this["bak"], this["tmp"], Other, this["alt"] }.SelectMany(
            p => Look(p).Keys.Where(k => !k.StartsWith(Place, StringComparison.Ordinal) && Temporary().IsMatch(k)).Select(k => p + "/" + k));

    public static string Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-euc", "umask 022\n" + command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command}: {errors.GetAwaiter().GetResult()}");
        return output;
    }

    [GeneratedRegex(@"(^|/)\.?[^/]+\.[A-Za-z0-9]{6}$")]
    private static partial Regex Temporary();

    private static string KeyOf(string path) => XxHash128.HashToUInt128(Bytes(path)).ToString("x32", null);

    private static void Look(DirectoryInfo directory, string root, Dictionary<string, string> found)
    {
        foreach (var entry in directory.EnumerateFileSystemInfos())
        {
            var path = Path.GetRelativePath(root, entry.FullName);
            if (entry.LinkTarget is { } target)
            {
                found[path] = "l" + target;
            }
            else if (entry is DirectoryInfo below)
            {
                found[path] = "d";
                Look(below, root, found);
            }
            else
            {
                found[path] = "f" + XxHash128.HashToUInt128(File.ReadAllBytes(entry.FullName)).ToString("x", null);
            }
        }
    }

    private void Fill(string name, bool older)
    {
        var root = this[name];
        var age = older ? "old" : "new";
        for (var d = 0; d < 3; d++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(root, $"d{d}")).FullName;
            for (var f = 0; f < 3; f++)
            {
                File.WriteAllText(Path.Combine(directory, $"f{f}"), string.Concat(Enumerable.Repeat($"{age} {d} {f};", f * 40)));
            }
        }

        var big = new byte[150_000];
        new Random(7).NextBytes(big);
        big.AsSpan(70_000, 40).Fill(older ? (byte)1 : (byte)2);
        File.WriteAllBytes(Path.Combine(root, "d1", "big"), big);
        File.WriteAllBytes(Path.Combine(root, "d2", older ? "log-1.0.tar" : "log-1.1.tar"), big);
        File.WriteAllText(Path.Combine(root, older ? "d0/same" : "d0/same"), "the same in both");
        File.WriteAllText(Path.Combine(root, older ? "d2/before" : "d0/after"), new string('r', 4000));
        File.WriteAllText(Path.Combine(root, older ? "d0/single" : "d2/single"), new string('s', 5000));
        File.CreateSymbolicLink(Path.Combine(root, "link"), age);
        Shell($"cd {root}; ln d0/f2 d1/hard; " + (older ? "mkdir d2/kind; " : "echo file > d2/kind; echo fresh > d2/fresh; mkdir new; echo n > new/n; cp d1/big new/big; ")
            + (older ? "" : "cp d2/single d1/twin; ")
            + $"chmod 640 d1/f1; find . -exec touch -h -d '{(older ? "2010-01-01" : "2020-02-02 02:02:02.123456789")}' {{}} +; touch -d 2005-05-05 d0/same {(older ? "d2/before d0/single" : "d0/after d2/single d1/twin")}");
    }
}
