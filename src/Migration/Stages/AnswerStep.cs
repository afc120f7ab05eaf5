using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Stages;

/// <summary>Waits until the started instance answers by SSH; one that does not has not booted, as far as anybody can see from here.</summary>
internal sealed class WaitAnswerStep : Step
{
    private const int ConsoleLines = 20;
    private const int ConsoleBytes = 16384;

    public override string Name => "check-answer";

    public override string Title => "Check that the instance answers";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (context.Client.Mode == NetworkMode.Gateway)
        {
            return "skipped: the gateway need not reach it";
        }

        List<RescueAddress> addresses = Addresses(context);
        long begin = context.Time.GetTimestamp();
        TimeSpan limit = context.Client.Check.Limit;
        while (true)
        {
            TransportException? way = null;
            foreach (RescueAddress address in addresses)
            {
                try
                {
                    if (await context.Services.Reachability.AnswersAsync(address.Host, address.Port, TimeSpan.FromSeconds(5), ct).ConfigureAwait(false))
                    {
                        context.State.AnswerPort = address.Port;
                        return $"{address} answers";
                    }
                }
                catch (TransportException e)
                {
                    way = e;
                }
            }

            string all = string.Join(", ", addresses);
            TimeSpan elapsed = context.Time.GetElapsedTime(begin);
            if (elapsed > limit || way is { Fault: not TransportFault.Other })
            {
                return Failed(context, all, elapsed, way);
            }

            context.Observer.StepProgress(Title, Math.Min(99, 100 * elapsed / limit), elapsed, way?.Message ?? $"{all} does not answer yet");
            await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>What is asked for, else what the source's sshd listens on, else the port of the rescue system.</summary>
    internal static List<RescueAddress> Addresses(RunContext context)
    {
        List<int> ports = context.Client.Check.Port is { } port ? [port] : context.State.Source is { SshPorts: { Count: > 0 } configured } ? configured : [context.Client.SshPort];
        return [.. ports.Distinct().Select(p => new RescueAddress(context.State.Address ?? "", p))];
    }

    private static string Failed(RunContext context, string addresses, TimeSpan elapsed, TransportException? way)
    {
        if (context.State.Source is { HasSshServer: false })
        {
            context.Observer.Warn($"the instance runs, but {addresses} does not answer: the source has no SSH server; look at it through VNC in the console");
            return "not known: the source has no SSH server";
        }

        if (way is not null)
        {
            // Nothing speaks against the instance: what failed stands before it.
            MigrationReport.Write(context.Tool, context.State);
            throw new MigrationException($"the instance runs, but it cannot be told from here whether {addresses} answers: {way.Message}",
                $"{SshWay.Advice}, then run the tool again. All data is on the instance's disks; {MigrationReport.TextFile} says what was changed");
        }

        string[] console = Console(context);
        context.State.Started = [.. console.Select(static l => "console " + l)];
        MigrationReport.Write(context.Tool, context.State);
        string end = console.Length == 0 ? "" : $". The last lines of its console:\n  {string.Join("\n  ", console)}";
        throw new MigrationException(
            $"the instance runs, but {addresses} does not answer after {elapsed.TotalSeconds:0} s",
            $"look at it through VNC in the console. All data is on its disks; {MigrationReport.TextFile} says what was changed. Run the tool again to wait once more; to get back, roll the disks back to their snapshots and run the tool with --clean{end}");
    }

    /// <summary>The end of the serial console, where somebody keeps it.</summary>
    private static string[] Console(RunContext context)
    {
        if (context.Client.Check.ConsoleFile is not { } name)
        {
            return [];
        }

        try
        {
            using FileStream file = new(context.Tool.File(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            file.Position = Math.Max(0, file.Length - ConsoleBytes);
            byte[] end = new byte[ConsoleBytes];
            int length = file.ReadAtLeast(end, ConsoleBytes, throwOnEndOfStream: false);
            return [.. Encoding.UTF8.GetString(end, 0, length).Split('\n').Select(static l => Plain(l)).Where(static l => l.Length > 0).TakeLast(ConsoleLines)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [$"({name} cannot be read: {e.Message})"];
        }
    }

    /// <summary>Without what only a terminal understands.</summary>
    private static string Plain(string line)
    {
        StringBuilder plain = new();
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\e' && i + 1 < line.Length && line[i + 1] == '[')
            {
                for (i += 2; i < line.Length && !char.IsAsciiLetter(line[i]); i++)
                {
                }
            }
            else if (!char.IsControl(line[i]))
            {
                plain.Append(line[i]);
            }
        }

        return plain.ToString().Trim();
    }
}
