using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Cli.Startup;
using NativeSync.Engine;

namespace NativeSync.Cli.Commands;

/// <summary><c>nativesync verify SRC DEST</c>: digests of both sides, and what differs.</summary>
internal static class VerifyCommand
{
    /// <summary>rsync's code for "not all is as it should be".</summary>
    private const int Different = ExitCodes.Partial;

    /// <summary>Runs it.</summary>
    /// <returns>0 when both sides are equal, 23 when something differs or could not be read.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<byte[]> arguments, Streams streams, Interruption interruption)
    {
        SyncArguments verify = SyncArgumentsBuilder.ParseForVerify(arguments);
        if (verify.Version || verify.Help)
        {
            streams.Write(verify.Version ? VersionText.Text : HelpText.ForCommand("verify"));
            return 0;
        }

        if (verify.Operands.Count != 2)
        {
            throw new UsageException("verify compares two trees: give SRC and DEST (try: nativesync verify --help)");
        }

        using Screen screen = new(streams, TimeProvider.System);
        IVerifyReporter reporter = verify.Output.Json ? new JsonVerifyReporter(screen) : new TextVerifyReporter(screen, verify.Output, verify.Output.Quiet ? null : streams.ErrorWidth);
        try
        {
            VerifyReport report = await CompareAsync(Endpoint.Parse(verify.Operands[0]), Endpoint.Parse(verify.Operands[1]), verify, reporter, interruption);
            int exitCode = report.Same ? ExitCodes.Ok : Different;
            reporter.Finish(report, exitCode);
            return exitCode;
        }
        catch (Exception e)
        {
            Failure failure = Failure.Of(e, interruption);
            reporter.Fail(failure.Message, failure.ExitCode);
            return failure.ExitCode;
        }
    }

    private static async Task<VerifyReport> CompareAsync(Endpoint source, Endpoint destination, SyncArguments arguments, IVerifyObserver observer, Interruption interruption)
    {
        // Of two the first waits until the second is connected, for which a person may have to answer.
        RemoteConnector connector = new(arguments.Remote, interruption) { SilenceSeconds = arguments.Options.TimeoutSeconds, AsksAtOnce = source.IsRemote != destination.IsRemote };
        await using IConnection? first = source.IsRemote ? await connector.ConnectAsync(source, interruption.Token) : null;
        await using IConnection? second = destination.IsRemote ? await connector.ConnectAsync(destination, interruption.Token) : null;
        VerifyOptions options = new()
        {
            Flags = arguments.Options.Flags,
            Rules = arguments.Options.Rules,
            ModifyWindow = arguments.Options.ModifyWindow,
            TimeoutSeconds = arguments.Options.TimeoutSeconds,
            ChecksumIndex = arguments.Options.ChecksumIndex,
        };
        return await Verifier.CompareAsync(Side(first, source), Side(second, destination), options, observer, interruption.Token);
    }

    private static VerifySide Side(IConnection? connection, Endpoint end) =>
        connection is null ? VerifySide.Local(end.Path) : VerifySide.Remote(connection, end.Path);
}
