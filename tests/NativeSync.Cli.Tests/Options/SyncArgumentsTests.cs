using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Protocol;
using NativeSync.Transport;

namespace NativeSync.Cli.Tests.Options;

public sealed class SyncArgumentsTests
{
    private static SyncArguments Parse(params string[] arguments) => SyncArgumentsBuilder.Parse(Bytes.Of(arguments));

    [Theory]
    [InlineData("-a", SyncOptions.ArchiveFlags)]
    [InlineData("-rlptgoD", SyncOptions.ArchiveFlags)]
    [InlineData("-aHAXS", SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.Sparse)]
    [InlineData("-a --no-o --no-group", SyncOptions.ArchiveFlags & ~(JobFlags.Owner | JobFlags.Group))]
    [InlineData("--no-o -a", SyncOptions.ArchiveFlags)]
    [InlineData("-a --no-D", SyncOptions.ArchiveFlags & ~(JobFlags.Devices | JobFlags.Specials))]
    [InlineData("-a --no-specials", SyncOptions.ArchiveFlags & ~JobFlags.Specials)]
    [InlineData("-rA", JobFlags.Recursive | JobFlags.Acls | JobFlags.Permissions)]
    [InlineData("-rA --no-p", JobFlags.Recursive | JobFlags.Acls)]
    [InlineData("-r --inplace", JobFlags.Recursive | JobFlags.InPlace | JobFlags.Partial)]
    [InlineData("-rP", JobFlags.Recursive | JobFlags.Partial)]
    [InlineData("-rW", JobFlags.Recursive | JobFlags.WholeFile)]
    [InlineData("-rW --no-W", JobFlags.Recursive)]
    [InlineData("-rx --no-x", JobFlags.Recursive)]
    [InlineData("-rx", JobFlags.Recursive | JobFlags.OneFileSystem)]
    [InlineData("-r --del", JobFlags.Recursive | JobFlags.Delete)]
    [InlineData("-r --delete-excluded", JobFlags.Recursive | JobFlags.Delete | JobFlags.DeleteExcluded)]
    [InlineData("-rii", JobFlags.Recursive | JobFlags.ReportUnchanged)]
    [InlineData("-rvv", JobFlags.Recursive | JobFlags.ReportUnchanged)]
    [InlineData("-rI --size-only", JobFlags.Recursive | JobFlags.SizeOnly)]
    public void OptionsAddUpInTheirOrder(string options, JobFlags flags) =>
        Assert.Equal(flags | JobFlags.NoCompress, Parse([.. options.Split(' '), "a", "b"]).Options.Flags);

    [Theory]
    [InlineData("-r", null)]
    [InlineData("-rz", SyncOptions.AdaptLevel)]
    [InlineData("-rz --no-z", null)]
    [InlineData("-r --compress-level=7", 7)]
    [InlineData("-rz --zl=0", null)]
    [InlineData("-r --zc=zstd", SyncOptions.AdaptLevel)]
    [InlineData("-rz --zc=none", null)]
    public void CompressionIsOnWhenItIsAskedFor(string options, int? level)
    {
        SyncArguments parsed = Parse([.. options.Split(' '), "a", "b"]);
        Assert.Equal(level, parsed.Options.CompressLevel);
        Assert.Equal(level is null, parsed.Has(JobFlags.NoCompress));
    }

    [Theory]
    [InlineData(1, "-rQ a b", "-rQ: unknown option")]
    [InlineData(1, "--recurs a b", "--recurs: unknown option")]
    [InlineData(1, "--archive=3 a b", "--archive=3: option does not take an argument")]
    [InlineData(1, "-r --timeout=abc a b", "--timeout=abc: invalid numeric value")]
    [InlineData(1, "-r --bwlimit=x a b", "--bwlimit=x is invalid")]
    [InlineData(1, "-r --bwlimit=511b a b", "--bwlimit=511b is too small (min: 512 or 0 for unlimited)")]
    [InlineData(1, "-r --block-size=1g a b", "--block-size=1g is too large (max: 128K)")]
    [InlineData(1, "-r a b --exclude", "--exclude: missing argument")]
    [InlineData(1, "--delete a b", "--delete does not work without --recursive (-r) or --dirs (-d)")]
    [InlineData(1, "-r --json -i a b", "--json cannot be combined with --itemize-changes or --progress: its events say the same")]
    [InlineData(1, "-r -e ssh --port=22 a h:b", "--port, --identity, --known-hosts, --host-key-check and --ssh-config are for the built-in SSH (put them into the command of --rsh)")]
    [InlineData(1, "-r --host-key-check=maybe a b", "--host-key-check=maybe: yes, accept-new or no is expected")]
    [InlineData(4, "-r --copy-as=f a b", "option --copy-as is not supported (run the whole command as that user: setpriv or runuser)")]
    [InlineData(1, "-r --max-size=x a b", "--max-size=x is invalid (a number of bytes, or one with a unit such as 1.5m)")]
    [InlineData(11, "-r -f ._/nonexistent/m a b", "failed to open merge file /nonexistent/m: No such file or directory (2)")]
    [InlineData(4, "-r --zc=brotli a b", "unknown compress name: brotli")]
    public void ACommandLineThatMakesNoSenseIsToldInOneLine(int exitCode, string line, string message)
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse(line.Split(' ')));
        Assert.Equal(message, e.Message);
        Assert.Equal(exitCode, e.ExitCode);
    }

    [Fact]
    public void RulesKeepTheirOrderWhateverOptionTheyComeFrom()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("printf '# no\\n*.o\\n+ keep\\n' > rules; printf 'x\\0y\\n\\0' > rules0");
        SyncArguments parsed = Parse("-r", "--include=a", $"--exclude-from={directory.Path}/rules", "-f", "P b", "--from0", $"--include-from={directory.Path}/rules0", "--exclude=- c", "a", "b");
        Assert.Equal(["+ a", "- *.o", "+ keep", "-r b", "+ x", "+ y\n", "- c"], parsed.Options.Rules.Select(Encoding.UTF8.GetString));
    }

    [Theory]
    [InlineData("-F --exclude=a", ": /.rsync-filter|- a")]
    [InlineData("-FF --exclude=a", ": /.rsync-filter|- .rsync-filter|- a")]
    [InlineData("-F --exclude=a -FF", ": /.rsync-filter|- a|- .rsync-filter")]
    [InlineData("--exclude=a -f ! --include=b", "+ b")]
    [InlineData("-f :Cs -f H_x", ":Cs .cvsignore|-s x")]
    public void OptionsForRulesAreShorthands(string line, string rules) =>
        Assert.Equal(rules, string.Join('|', Parse(["-r", .. line.Split(' '), "a", "b"]).Options.Rules.Select(Encoding.UTF8.GetString)));

    [Fact]
    public void CvsExcludesComeLastWhereverTheOptionStands()
    {
        IReadOnlyList<byte[]> rules = Parse("-rC", "--exclude=mine", "a", "b").Options.Rules;
        Assert.Equal(["- mine", ":C .cvsignore", "-p RCS"], rules.Take(3).Select(Encoding.UTF8.GetString));
        Assert.Contains(rules, r => r.AsSpan().SequenceEqual("-p .bzr/"u8));
    }

    [Fact]
    public void SizesAndFlagsOfTheSelectionAreTaken()
    {
        SyncOptions options = Parse("-rmxx0", "--max-size=1.5k", "--min-size=0", "a", "b").Options;
        Assert.Equal((1536L, 0L), (options.MaxSize, options.MinSize));
        Assert.True(options.Has(JobFlags.PruneEmptyDirectories | JobFlags.OneFileSystem | JobFlags.OmitMountPoints | JobFlags.NulRuleFiles));
        Assert.Null(Parse("-r", "a", "b").Options.MaxSize);
    }

    [Fact]
    public void ARuleFileThatIsMissingIsNamed()
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse("-r", "--exclude-from=/nonexistent/rules", "a", "b"));
        Assert.Equal(11, e.ExitCode);
        Assert.Equal("failed to open exclude file /nonexistent/rules: No such file or directory (2)", e.Message);
    }

    [Fact]
    public void ARuleThatIsMalformedNamesItsFileAndLine()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("printf 'ok\\n- \\n' > rules");
        UsageException e = Assert.Throws<UsageException>(() => Parse("-r", $"--exclude-from={directory.Path}/rules", "a", "b"));
        Assert.Equal(1, e.ExitCode);
        Assert.Equal($"unexpected end of filter rule: -  ({directory.Path}/rules line 2)", e.Message);
    }

    [Fact]
    public void WhatComesBehindTwoDashesIsNoOption() =>
        Assert.Equal(["-a", "--b", "c"], Parse("-r", "--", "-a", "--b", "c").Operands.Select(Encoding.UTF8.GetString));

    [Fact]
    public void NamesNeedNotBeUtf8()
    {
        SyncArguments parsed = SyncArgumentsBuilder.Parse([Bytes.Of("-r"), [0xff, 0xfe], [.. "--exclude="u8, 0xe9], Bytes.Of("b")]);
        Assert.Equal([0xff, 0xfe], parsed.Operands[0]);
        Assert.Equal([.. "- "u8, 0xe9], parsed.Options.Rules[0]);
    }

    [Fact]
    public void OptionsOfTheRemoteSideArePassedOn()
    {
        SyncArguments parsed = Parse("-r", "--port=2222", "--identity=k1", "--identity", "k2", "--known-hosts=kh", "--host-key-check=accept-new", "--ssh-config=none", "--rsync-path=/opt/ns", "--timeout=30", "a", "h:b");
        Assert.Equal(2222, parsed.Remote.Port);
        Assert.Equal(["k1", "k2"], parsed.Remote.Identities);
        Assert.Equal(["kh"], parsed.Remote.KnownHosts);
        Assert.Equal(HostKeyCheck.AcceptNew, parsed.Remote.HostKeyCheck);
        Assert.Equal("none", parsed.Remote.SshConfig);
        Assert.Equal("/opt/ns", parsed.Remote.RsyncPath);
        Assert.Equal(30, parsed.Options.TimeoutSeconds);
    }

    /// <summary>Connecting has limits of its own, and is not limited by what is the default here.</summary>
    [Theory]
    [InlineData("-r a h:b", 300, 0)]
    [InlineData("-r --timeout=0 a h:b", 0, 0)]
    [InlineData("-r --timeout=7 --no-timeout a h:b", 0, 0)]
    [InlineData("-r --timeout=7 a h:b", 7, 7)]
    [InlineData("-r --timeout=9999999 a h:b", 2147483, 2147483)]
    [InlineData("-r --reconnect=9 a h:b", 60, 0)]
    [InlineData("-r --reconnect=9 --timeout=7 a h:b", 7, 7)]
    [InlineData("-r --reconnect=9 --timeout=0 a h:b", 0, 0)]
    [InlineData("-r --reconnect=9 --no-timeout a h:b", 0, 0)]
    public void ALineThatIsDeadIsNoticedUnlessItIsNotToBe(string words, int session, int connecting)
    {
        SyncArguments parsed = Parse(words.Split(' '));
        Assert.Equal((session, connecting), (parsed.Options.TimeoutSeconds, parsed.Remote.TimeoutSeconds));
    }

    [Fact]
    public void ALoneHIsHelpAndOtherwiseMakesNumbersReadable()
    {
        Assert.True(Parse("-h").Help);
        Assert.Equal(2, Parse("-rh", "a", "b").Output.HumanReadable);
        Assert.Equal(3, Parse("-rhh", "a", "b").Output.HumanReadable);
        Assert.Equal(0, Parse("-r", "--no-h", "a", "b").Output.HumanReadable);
    }
}
