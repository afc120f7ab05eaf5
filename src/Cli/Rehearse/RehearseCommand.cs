using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NativeSync.Cli.Migrate;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// `nativesync rehearse`: a whole migration on this machine. The cloud is a simulator, the rescue system a private sshd; the
/// migration itself is the real command, started with a tool directory as a user would fill it.
/// </summary>
internal static class RehearseCommand
{
    private const int Failed = 1;
    private const int Usage = 2;

    /// <summary>Runs the rehearsal.</summary>
    /// <param name="args">What followed the command name.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl-C.</param>
    /// <returns>The exit code: 0 only when both sides are equal.</returns>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken = default)
    {
        if (RehearseOptions.Parse(args, out string error) is not { } options)
        {
            return Complain(error, Usage);
        }

        if (options.Help)
        {
            Console.Out.Write(HelpText);
            return 0;
        }

        string? source = options.Source is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Source));
        if (source is not null && !Directory.Exists(source))
        {
            return Complain(File.Exists(source) ? $"--source {options.Source} is not a directory" : $"--source {options.Source} does not exist", Failed);
        }

        string area = "";
        bool keep = options.Keep;
        try
        {
            area = Directory.CreateTempSubdirectory("nativesync-rehearsal-").FullName;
            int code = await RehearseAsync(options, source, area, cancellationToken);
            keep |= code != 0; // The log and both trees tell why.
            return code;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Complain($"the rehearsal cannot be set up: {e.Message}", Failed);
        }
        finally
        {
            CleanUp(area, keep);
        }
    }

    private static async Task<int> RehearseAsync(RehearseOptions options, string? source, string area, CancellationToken ct)
    {
        Console.Out.WriteLine($"Rehearsal in {area}, mode {options.Mode}: nothing outside is changed, no cloud is called.");
        bool sample = source is null;
        source ??= Path.Combine(area, "source");
        if (sample)
        {
            List<string> missing = SampleTree.Create(source);
            Console.Out.WriteLine($"Source: a sample tree{(missing.Count == 0 ? "" : "; not made here: " + string.Join(", ", missing))}.");
        }
        else
        {
            Console.Out.WriteLine($"Source: {Engine.ByteText.Escape(Encoding.UTF8.GetBytes(source))}.");
        }

        if (!Environment.IsPrivilegedProcess)
        {
            Console.Out.WriteLine("Not running as root: owners, devices, and trusted and security attributes cannot be carried.");
        }

        await using RehearsalDestination destination = await RehearsalDestination.PrepareAsync(options, area, sample ? null : source, ct);
        Console.Out.WriteLine($"Destination: {destination.Words}");
        SimulatedInstance instance = new()
        {
            InstanceId = RehearsalTool.InstanceId,
            Region = RehearsalTool.Region,
            Backing = destination.Backing,
            SystemDisk = new InstanceDisk { DiskId = RehearsalDestination.SystemDiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 50 },
            DataDisks = [new InstanceDisk { DiskId = RehearsalDestination.DataDiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 50 }],
        };
        await using CloudSimulator simulator = new(
            new SimulatorOptions
            {
                SecretId = RehearsalTool.SecretId,
                SecretKey = RehearsalTool.SecretKey,
                SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = Open(destination.Port) },
            }, instance);
        await using LoopbackProxy? proxy = options.Mode == 3 ? new(RehearsalTool.ProxyUser, RehearsalTool.ProxyPassword, TimeProvider.System) : null;
        Console.Out.WriteLine($"Cloud: a simulator at {simulator.Endpoint}{(proxy is null ? "" : $", through a proxy at 127.0.0.1:{proxy.Port}")}.");
        Console.Out.WriteLine();

        ToolDirectory tool = RehearsalTool.Write(area, options.Mode, simulator.Endpoint, proxy?.Port ?? 0, destination, source, sample);
        int code = await MigrateCommand.RunAsync(["--config-dir=" + tool.Path], destination.Environment, ct);
        if (options.Mode == 1)
        {
            // Gateway, source, gateway: the whole directory travels, as the guide has it.
            foreach (string place in (string[])["tool-on-source", "tool-on-gateway"])
            {
                if (code == 0)
                {
                    tool = RehearsalTool.Copy(tool, Path.Combine(area, place));
                    Console.Out.WriteLine($"(the tool directory is copied to {tool.Path})");
                    code = await MigrateCommand.RunAsync(["--config-dir=" + tool.Path], destination.Environment, ct);
                }
            }
        }

        code = code != 0 ? code : Report(MigrationRun.ReadState(tool)!);
        return code == 0 && destination.Machine is { } machine ? await LookAgainAsync(machine, tool, source, ct) : code;
    }

    private static int Report(MigrationState state)
    {
        Console.Out.WriteLine();
        foreach (string line in MigrationReport.Table(state))
        {
            Console.Out.WriteLine(line);
        }

        if (state.Verified.Count > 0 && state.Verified.TrueForAll(v => v.Result.Equal))
        {
            return 0;
        }

        foreach (string difference in state.Verified.SelectMany(v => v.Result.Differences).Take(20))
        {
            Console.Error.WriteLine("differs: " + difference);
        }

        return Complain("the two sides are not equal", Failed);
    }

    private static SecurityGroupPolicySet Open(int port) => new()
    {
        Version = "1",
        Ingress = [new() { PolicyIndex = 0, Protocol = "TCP", Port = string.Create(CultureInfo.InvariantCulture, $"{port},80,443"), CidrBlock = "0.0.0.0/0", Action = "ACCEPT" }],
        Egress = [],
    };

    /// <summary>What the tool has said of itself is looked at by another process, on disks that were let go and are mounted anew.</summary>
    private static async Task<int> LookAgainAsync(RescueMachine machine, ToolDirectory tool, string source, CancellationToken ct)
    {
        for (int disk = 0; disk < machine.Disks.Count; disk++)
        {
            string from = disk == 0 ? source : source + SampleTree.DataDisk;
            string excludes = disk > 0 ? "" : $"--exclude-from={Shell.Quote(tool.File(ExcludesFile.FileName))} --exclude='{SampleTree.DataDisk}/*'";
            try
            {
                await machine.WithMountedAsync(disk, "ro", $"{Shell.Quote(Environment.ProcessPath!)} verify -aHAX {excludes} -- {Shell.Quote(from)}/ ./ >&2", ct);
            }
            catch (IOException e)
            {
                return Complain($"{machine.Disks[disk].DiskId}, mounted anew, is not equal to {from}: {e.Message}", Failed);
            }
        }

        Console.Out.WriteLine("mounted anew and compared by another process: equal");
        return 0;
    }

    private static void CleanUp(string area, bool keep)
    {
        if (area.Length == 0)
        {
            return;
        }

        if (keep)
        {
            Console.Out.WriteLine($"Kept: {area}");
            return;
        }

        try
        {
            WorkArea.Remove(area);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"warning: {area} could not be removed; remove it by hand");
        }
    }

    private static int Complain(string message, int code)
    {
        Console.Error.WriteLine("nativesync: " + message);
        return code;
    }

    private const string HelpText = """
        nativesync rehearse [--source DIR] [--mode N] [--no-disks] [--no-ssh] [--keep]

        Carries out a whole three-stage migration on this machine: against a simulator of the Tencent Cloud API, to
        disks (loop devices) behind a rescue system of its own that takes the password which the migration gives it.
        Where that is not possible, as without root, to a directory behind a private sshd, or, without sshd, behind an
        agent as a child process. Nothing outside a temporary directory is changed. Ends with a table of what was
        moved and the digests of both sides; the exit code is 0 only when they are equal.

          --source DIR   migrate this tree instead of a sample
          --mode N       Client.Net.Mode: 0 default, 1 gateway, 2 private, 3 through a proxy
          --no-disks     to a directory even where there could be disks
          --no-ssh       the agent as a child process even where there is an sshd
          --keep         keep the temporary directory (it is kept anyway when something failed)

        """;
}
