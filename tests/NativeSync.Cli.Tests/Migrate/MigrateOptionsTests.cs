using NativeSync.Cli.Migrate;
using NativeSync.Migration.Logging;

namespace NativeSync.Cli.Tests.Migrate;

/// <summary>The options of the guide, in every spelling that its tool took.</summary>
public sealed class MigrateOptionsTests
{
    [Theory]
    [InlineData("--log-file=my.log --log-level=3")]
    [InlineData("-log-file my.log -log-level 3")]
    [InlineData("--no-console --log-level 3 -log-file=my.log")]
    public void OneDashOrTwoAndEqualsOrBlankAreTheSame(string line)
    {
        MigrateOptions options = MigrateOptions.Parse(line.Split(' '), out _)!;
        Assert.Equal(new MigrateOptions { LogFile = "my.log", LogLevel = MigrationLogLevel.Debug }, options);
    }

    [Theory]
    [InlineData("--check", MigrateAction.Check)]
    [InlineData("-clean", MigrateAction.Clean)]
    [InlineData("--help", MigrateAction.Help)]
    [InlineData("--version", MigrateAction.Version)]
    [InlineData("--check=true", MigrateAction.Check)]
    public void ActionsAreFound(string option, object expected)
        => Assert.Equal(expected, MigrateOptions.Parse([option], out _)!.Action);

    [Theory]
    [InlineData("--log-level=4", "--log-level is 1 (errors), 2 (information) or 3 (debug), not \"4\"")]
    [InlineData("--log-file", "--log-file needs a value, such as --log-file=my.log")]
    [InlineData("--chekc", "unknown option \"--chekc\"; see nativesync migrate --help")]
    [InlineData("now", "unexpected argument \"now\"; see nativesync migrate --help")]
    [InlineData("--clean=maybe", "--clean takes no value")]
    public void WhatIsWrongIsSaidInOneLine(string option, string expected)
    {
        Assert.Null(MigrateOptions.Parse([option], out string error));
        Assert.Equal(expected, error);
    }

    /// <summary>A signal ends whatever is not through within some seconds; starting a service again takes longer.</summary>
    [Theory]
    [InlineData("\"BeforeLastPass\":\"true\",\"Undo\":\"true\"", 1)]
    [InlineData("\"BeforePass\":\"true\",\"AfterPass\":\"true\"", 1)]
    [InlineData("\"BeforePass\":\"true\"", 0)]
    public async Task WhereCommandsAreToBeUndoneASignalWaitsForThem(string hooks, int expected)
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(Path.Combine(directory.Path, "user.json"), """{"SecretId":"AKIDexample","SecretKey":"TopSecretKey","Region":"ap-guangzhou","InstanceId":"ins-1a2b3c4d"}""");
        File.WriteAllText(Path.Combine(directory.Path, "client.json"), """{"Client":{"Api":{"Endpoint":"http://127.0.0.1:1","PollSeconds":0.01},"Transfer":{"Hooks":{HOOKS}}}}""".Replace("HOOKS", hooks, StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(directory.Path, "rsync_excludes_linux.txt"), "");
        int held = 0;
        int code = await MigrateCommand.RunAsync(["--config-dir=" + directory.Path], new MigrateEnvironment { MustFinish = () => held++ }, CancellationToken.None);
        Assert.Equal((1, expected), (code, held));
    }
}
