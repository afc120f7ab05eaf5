using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Engine.Filters;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Migrate;

/// <summary>What a rehearsal puts in the place of the real thing; everything else is as in a real migration.</summary>
internal sealed record MigrateEnvironment
{
    /// <summary>How the rescue system is reached.</summary>
    public IRescueConnector Connector { get; init; } = new SshRescueConnector();

    /// <summary>Reads environment variables.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Called when a signal must not end the process before the run has ended by itself.</summary>
    public Action MustFinish { get; init; } = static () => { };
}

/// <summary>`nativesync migrate`, and `nativesync` without a command: the three stages.</summary>
internal static class MigrateCommand
{
    private const int Failed = 1;
    private const int Usage = 2;

    /// <summary>--check found something that is worth knowing and nothing that would fail.</summary>
    private const int Warned = 3;

    /// <summary>Runs the migration with the options of the online-migration guide.</summary>
    /// <param name="args">What followed the command name.</param>
    /// <param name="interruption">Signals.</param>
    /// <returns>0 done, 1 failed, 2 wrong usage, 3 --check has warnings only.</returns>
    public static Task<int> RunAsync(string[] args, Interruption interruption)
        => RunAsync(args, new MigrateEnvironment { MustFinish = () => interruption.MustFinish = true }, interruption.Token);

    internal static async Task<int> RunAsync(string[] args, MigrateEnvironment environment, CancellationToken ct)
    {
        if (MigrateOptions.Parse(args, out string error) is not { } options)
        {
            return Complain(error, Usage);
        }

        switch (options.Action)
        {
            case MigrateAction.Help:
                Console.Out.Write(HelpText);
                return 0;
            case MigrateAction.Version:
                Console.Out.Write(VersionText.Text);
                return 0;
        }

        ToolDirectory tool = new(options.Directory ?? Path.GetDirectoryName(Environment.ProcessPath) ?? ".");
        MigrationLog log;
        try
        {
            log = MigrationLog.Open(options.LogFile ?? tool.File("log"), options.LogLevel, TimeProvider.System);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Complain($"the log file {options.LogFile ?? tool.File("log")} cannot be opened; run the tool as root, or give another by --log-file", Failed);
        }

        using (log)
        {
            IRunConsole console = options.Json ? new JsonObserver(TimeProvider.System) : new ConsoleObserver(TimeProvider.System);
            int code = await RunAsync(tool, options, args, environment, log, console, ct);
            console.Close(code);
            return code;
        }
    }

    private static async Task<int> RunAsync(
        ToolDirectory tool, MigrateOptions options, string[] args, MigrateEnvironment environment, MigrationLog log, IRunConsole observer, CancellationToken ct)
    {
        log.Info($"{VersionText.Text.Trim().ReplaceLineEndings("; ")}: {options.Action} begins in {tool.Path}");
        try
        {
            MigrationConfiguration configuration = tool.Load(SshWays.Check);
            log.Hide(SshWays.PasswordOf(configuration.Client.SshWay));
            if (options.Action == MigrateAction.Migrate && configuration.Client.Daemon)
            {
                if (environment.Variable(Background.Mark) is null)
                {
                    observer.Say(Background.Start(tool, args));
                    return 0;
                }

                Background.Detach();
            }

            if ((configuration.Client.Hooks.Undo ?? configuration.Client.Hooks.AfterPass) is not null)
            {
                // What a command has stopped or set up is to be taken back, however long that takes.
                environment.MustFinish();
            }

            MigrationServices services = new()
            {
                Connector = environment.Connector,
                Reachability = configuration.Client.SshWay is { } way ? new ReachabilityOnAWay(way) : new SshReachability(),
                Mover = new EngineDataMover(),
                Observer = observer,
                Log = log,
                Credentials = user => CredentialSources.Resolve(user, environment.Variable, ReadIfThere),
                ReadExcludes = ReadExcludes,
                Measure = TreeSize.Measure,
            };
            switch (options.Action)
            {
                case MigrateAction.Check:
                    return Show(observer, await CheckRun.RunAsync(tool, configuration, services, ct));
                case MigrateAction.Clean:
                    await CleanRun.RunAsync(tool, configuration, services, ct);
                    return 0;
                default:
                    await new MigrationRun(tool, configuration, services).RunAsync(ct);
                    return 0;
            }
        }
        catch (ConfigException e)
        {
            return Failure(log, observer, e.Problems.Select(p => p.ToString()));
        }
        catch (Exception e) when (e is MigrationException or CloudException)
        {
            int code = Failure(log, observer, e.Message.Split('\n'));
            TellHowToGoOn(tool, options, observer);
            return code;
        }
        catch (TransportException e)
        {
            int code = Failure(log, observer, [e.Hint.Length == 0 ? e.Message : $"{e.Message}: {e.Hint}"]);
            TellHowToGoOn(tool, options, observer);
            return code;
        }
        catch (IOException e) when (options.Action == MigrateAction.Migrate)
        {
            return Failure(log, observer, [e.Message]);
        }
        catch (OperationCanceledException)
        {
            log.Error("stopped by the user");
            observer.Error("stopped by the user");
            TellHowToGoOn(tool, options, observer);
            throw;
        }
    }

    private static int Failure(MigrationLog log, IRunConsole observer, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            log.Error(line);
            observer.Error(log.Clean(line));
            Complain(log.Clean(line), Failed);
        }

        return Failed;
    }

    /// <summary>Whoever gives up here must know that the instance waits in migration mode.</summary>
    private static void TellHowToGoOn(ToolDirectory tool, MigrateOptions options, IRunConsole observer)
    {
        try
        {
            if (options.Action == MigrateAction.Migrate && MigrationRun.ReadState(tool) is { Rescue: not null, Ended: null } state && !state.IsDone("start-instance"))
            {
                Console.Error.WriteLine("The instance may be in migration mode. Run the tool again to go on where it stopped. To give up instead:");
                observer.Say(Prompts.ExecuteClean);
            }
        }
        catch (MigrationException)
        {
            // The state cannot be read: what was said before this says why.
        }
    }

    private static int Show(IRunConsole console, IReadOnlyList<CheckLine> lines)
    {
        CheckVerdict worst = CheckVerdict.Ok;
        foreach (CheckLine line in lines)
        {
            console.Check(line);
            worst = line.Verdict > worst ? line.Verdict : worst;
        }

        return worst switch { CheckVerdict.Ok => 0, CheckVerdict.Warn => Warned, _ => Failed };
    }

    private static IReadOnlyList<byte[]> ReadExcludes(byte[] content)
    {
        try
        {
            RuleCollector rules = new(RuleFiles.OnDisk);
            rules.AddContent(content, RuleSyntax.Old(include: false), ByteText.FromArgument(ExcludesFile.FileName));
            return rules.Rules;
        }
        catch (FilterException e)
        {
            throw new ConfigException(ExcludesFile.FileName, e.Line, "", e.Message);
        }
    }

    private static string? ReadIfThere(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int Complain(string message, int code)
    {
        Console.Error.WriteLine("nativesync: " + message);
        return code;
    }

    private const string HelpText = """
        nativesync [migrate] [OPTION]…

        Moves this Linux server to a Tencent Cloud CVM while it keeps running, in three stages: the destination
        instance is brought into migration mode, the data is transferred and verified, the instance is started.
        Reads user.json, client.json and rsync_excludes_linux.txt beside the executable. Run it as root; when it
        was interrupted, run it again and it goes on.

          --check            check this server and the destination, and change nothing; exit code 0 all is well,
                             3 warnings, 1 the migration would fail
          --clean            bring the destination out of migration mode by force, and forget the migration
          --log-file=FILE    log file (default: "log" beside the executable)
          --log-level=N      1 errors, 2 information (default), 3 debug
          --config-dir=DIR   directory of the three files, the log and the state (default: the executable's)
          --json             show the run as JSON, one object a line
          --no-console       accepted and without effect: there is no console mode
          --version          print the version
          --help             print this

        nativesync init      writes samples of the three files
        nativesync rehearse  carries out a whole migration on this machine, against a simulated cloud

        """;
}
