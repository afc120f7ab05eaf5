using System.Text.RegularExpressions;
using NativeSync.Engine.Filters;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Options;

public sealed class OptionTableTests
{
    private static readonly string Help = Rsync.Run("--help").Output;

    public static TheoryData<string> Names => [.. OptionTable.All.SelectMany(NamesOf)];

    [Fact]
    public void EveryOptionOfRsyncIsInTheTable()
    {
        List<string> missing = [];
        foreach (Match match in Regex.Matches(Help, @"(?<=^|, )--([a-zA-Z0-9-]+)|(?<=^|, )-(.)(?= |$)", RegexOptions.Multiline))
        {
            bool found = match.Groups[1].Success
                ? match.Groups[1].Value == "no-OPTION" || OptionTable.TryFind(match.Groups[1].Value, out _, out _)
                : OptionTable.Find(match.Groups[2].Value[0]) is not null;
            if (!found)
            {
                missing.Add(match.Value);
            }
        }

        Assert.Empty(missing);
    }

    [Fact]
    public void EveryNameOfTheTableIsRsyncsOrOurOwn()
    {
        List<string> unknown = [.. OptionTable.All.Where(static option => option.Relation != Relation.Own).SelectMany(NamesOf)
            .Where(static name => Rsync.Run(name, "--version").Error.Contains("unknown option", StringComparison.Ordinal) && name is not ("--config" or "--dparam" or "--daemon"))];
        Assert.Empty(unknown);
    }

    [Fact]
    public void EveryNegationOfRsyncIsTaken()
    {
        List<string> differing = [];
        foreach (string name in OptionTable.All.Where(static option => option.Relation != Relation.Own)
            .SelectMany(static option => (string[])[option.Long, .. option.Aliases, option.Short.ToString()]).Where(static name => name is not ("" or "\0" or "daemon" or "version" or "help")))
        {
            bool theirs = !Rsync.Run("--no-" + name, "--version").Error.Contains("unknown option", StringComparison.Ordinal);
            if (theirs != OptionTable.TryFind("no-" + name, out _, out _))
            {
                differing.Add($"--no-{name}: rsync {theirs}");
            }
        }

        Assert.Empty(differing);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EachOptionIsTakenOrRefusedByName(string name)
    {
        bool negated = false;
        OptionSpec option = name.StartsWith("--", StringComparison.Ordinal)
            ? OptionTable.TryFind(name[2..], out OptionSpec found, out negated) ? found : throw new InvalidOperationException(name)
            : OptionTable.Find(name[1])!;
        // An index of digests is of no use without what makes digests.
        List<string> arguments = [option.Id == OptionId.ChecksumIndex ? "-rc" : "-r", name];
        if (option.Argument is not null && !negated)
        {
            arguments.Add(Sample(option));
        }

        if (option.Id is OptionId.MaxPasses or OptionId.BeforeLast or OptionId.AfterLast or OptionId.HookTimeout or OptionId.FollowChanges)
        {
            // These say something about others.
            arguments.AddRange(["--until-converged=1M", "--before-last=true"]);
        }

        arguments.AddRange(["src", "dst"]);
        if (option.Relation == Relation.Lacks && !negated)
        {
            UsageException e = Assert.Throws<UsageException>(() => Parse(arguments));
            Assert.Equal(option.Id == OptionId.DaemonOnly ? 1 : 4, e.ExitCode);
            Assert.Contains(option.Name, e.Message, StringComparison.Ordinal);
        }
        else if (option.Id == OptionId.Server || (option.Id == OptionId.CreationTimes && !negated))
        {
            Assert.Equal(option.Id == OptionId.Server ? 4 : 1, Assert.Throws<UsageException>(() => Parse(arguments)).ExitCode);
        }
        else if (option.Id is OptionId.Version or OptionId.Help)
        {
            SyncArguments parsed = Parse(arguments);
            Assert.True(parsed.Version || parsed.Help);
        }
        else
        {
            Assert.Equal(["src", "dst"], Parse(arguments).Operands.Select(System.Text.Encoding.UTF8.GetString));
        }
    }

    [Fact]
    public void AnOptionThatTakesAnArgumentTakesItInEveryWay()
    {
        foreach (string[] way in (string[][])[["--bwlimit=7"], ["--bwlimit", "7"]])
        {
            Assert.Equal(7 * 1024, Parse(["-r", .. way, "a", "b"]).Options.BandwidthLimit);
        }

        foreach (string[] way in (string[][])[["-B700"], ["-B", "700"], ["-B=700"], ["-rvB700"], ["-rvB", "700"]])
        {
            Assert.Equal(700, Parse(["-r", .. way, "a", "b"]).Options.BlockSize);
        }
    }

    [Fact]
    public void WithPosixlyCorrectOptionsEndAtTheFirstOperand()
    {
        ParsedCommandLine line = OptionParser.Parse(Bytes.Of("-r", "a", "-v", "b"), operandsEnd: true);
        Assert.Single(line.Options);
        Assert.Equal(3, line.Operands.Count);
    }

    private static SyncArguments Parse(IEnumerable<string> arguments) => SyncArgumentsBuilder.Parse(Bytes.Of([.. arguments]), new NoFiles());

    private static IEnumerable<string> NamesOf(OptionSpec option)
    {
        if (option.Long.Length > 0 && option.Long != "motd")
        {
            yield return "--" + option.Long;
        }

        foreach (string alias in option.Aliases)
        {
            yield return "--" + alias;
        }

        foreach (string name in option.Negations)
        {
            yield return "--no-" + name;
        }

        if (option.Short != '\0')
        {
            yield return "-" + option.Short;
        }
    }

    private static string Sample(OptionSpec option) => option.Id switch
    {
        OptionId.Filter => "- x",
        OptionId.HostKeyCheck => "accept-new",
        OptionId.CompressChoice => "zstd",
        OptionId.ChecksumChoice => "xxh128",
        OptionId.Info => "progress2",
        OptionId.RemoteOption => "--fake-super",
        OptionId.UserMap or OptionId.GroupMap => "1000:1001",
        OptionId.Debug => "cmd",
        OptionId.StandardError => "all",
        OptionId.OutBuffer => "L",
        OptionId.MaxAlloc => "1g",
        OptionId.StopAt => "23:59",
        OptionId.Protocol => "31",
        OptionId.Lanes => "auto",
        OptionId.BandwidthFile => LimitFile,
        _ when option.Argument is "FILE" or "COMMAND" or "PATTERN" or "PROGRAM" => "x",
        _ => "1000",
    };

    /// <summary>A file with a number in it.</summary>
    private static string LimitFile => "/proc/sys/kernel/pid_max";

    private sealed class NoFiles : IRuleFiles
    {
        public byte[] Read(ReadOnlySpan<byte> path, string kind) => [];
    }
}
