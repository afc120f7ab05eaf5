using System.Text;
using NativeSync.Cli.Bench;
using NativeSync.Cli.Commands;
using NativeSync.Cli.Fixup;
using NativeSync.Cli.Migrate;
using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Rehearse;
using NativeSync.Cli.Startup;

namespace NativeSync.Cli;

/// <summary>Finds the command that was asked for, runs it, and turns whatever goes wrong into one line and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Runs the process's own command line.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        using Interruption interruption = Interruption.OfProcess();
        Streams streams = Streams.OfProcess;
        try
        {
            return await RunAsync(RawArguments.OfProcess(args), streams, interruption);
        }
        catch (UsageException e)
        {
            streams.WriteErrorLine("nativesync: " + e.Message);
            return e.ExitCode;
        }
    }

    /// <summary>Runs a command line.</summary>
    internal static async Task<int> RunAsync(RawArguments raw, Streams streams, Interruption interruption)
    {
        string[] args = [.. raw.Values.Select(Encoding.UTF8.GetString)];
        try
        {
            // Linked to the name rsync, the executable takes rsync's command line and nothing else.
            if (raw.ProgramName == "rsync")
            {
                return await SyncCommand.RunAsync(raw.Values, streams, interruption, asRsync: true);
            }

            switch (args is [var command, ..] ? command : "migrate")
            {
                case "sync":
                    return await SyncCommand.RunAsync(raw.Skip(1), streams, interruption);
                case "verify":
                    return await VerifyCommand.RunAsync(raw.Skip(1), streams, interruption);
                case "bench":
                    return await BenchCommand.RunAsync(raw.Skip(1), streams, interruption);
                case "serve":
                    return await ServeCommand.RunAsync(args[1..], streams, interruption.Token);
                case "rehearse":
                    return await RehearseCommand.RunAsync(args[1..], interruption.Token);
                case "migrate":
                    return await MigrateCommand.RunAsync(args is [] ? args : args[1..], interruption);
                case "fixup":
                    return FixupCommand.Run(args[1..], streams);
                case "init":
                    return await InitCommand.RunAsync(args[1..], interruption.Token);
                case "completion":
                    streams.Write(CompletionText.For(args is [_, var shell] ? shell : null));
                    return 0;
                case "--version" or "-version" or "-V" or "version":
                    streams.Write(VersionText.Text);
                    return 0;
                case "--help" or "-help" or "-h" or "help":
                    streams.Write(HelpText.ForCommand(args is [_, var about, ..] ? about : null));
                    return 0;
                case ['-', ..]:
                    // The migration's own options: the default command.
                    return await MigrateCommand.RunAsync(args, interruption);
                case var unknown:
                    throw new UsageException($"\"{UsageException.Quote(unknown)}\" is no command (try: nativesync --help)");
            }
        }
        catch (Exception e)
        {
            Failure failure = Failure.Of(e, interruption);
            streams.WriteErrorLine(new ProgramVoice(raw.ProgramName == "rsync").Failure(failure.Message, failure.ExitCode));
            return failure.ExitCode;
        }
    }
}
