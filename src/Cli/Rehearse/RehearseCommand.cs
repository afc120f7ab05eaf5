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
    private const string InstanceId = "ins-rehearsal";
    private const string Region = "ap-guangzhou";
    private const string SecretId = "AKIDrehearsal";
    private const string SecretKey = "KeyOfTheRehearsalOnly";
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

        string? whyNoSshd = options.NoSsh ? "as --no-ssh asks" : RescueSshd.WhyNot();
        await using RescueSshd? sshd = whyNoSshd is null ? await RescueSshd.PrepareAsync(Path.Combine(area, "sshd"), ct) : null;
        Console.Out.WriteLine(sshd is not null
            ? $"Destination: a directory behind a private sshd on 127.0.0.1:{sshd.Port}. It takes a generated key in the place of the password, which sshd could check only against this machine's accounts."
            : $"Destination: a directory behind an agent that runs as a child process, without SSH ({whyNoSshd}).");
        using ReservedPort? kept = sshd is null ? new() : null;
        int port = sshd?.Port ?? kept!.Number;
        using RehearsalBacking backing = new(sshd, port);
        SimulatedInstance instance = new()
        {
            InstanceId = InstanceId,
            Region = Region,
            Backing = backing,
            DataDisks = [new InstanceDisk { DiskId = "disk-sim00001", DiskType = "CLOUD_PREMIUM", DiskSize = 50 }],
        };
        await using CloudSimulator simulator = new(
            new SimulatorOptions { SecretId = SecretId, SecretKey = SecretKey, SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = Open(port) } }, instance);
        await using LoopbackProxy? proxy = options.Mode == 3 ? new("rehearsal", "ProxyOfTheRehearsal", TimeProvider.System) : null;
        Console.Out.WriteLine($"Cloud: a simulator at {simulator.Endpoint}{(proxy is null ? "" : $", through a proxy at 127.0.0.1:{proxy.Port}")}.");
        Console.Out.WriteLine();

        ToolDirectory tool = new(Path.Combine(area, "tool"));
        WriteTool(tool, options.Mode, simulator.Endpoint, proxy?.Port ?? 0, sshd, port, source, sample, area);
        MigrateEnvironment environment = sshd is null ? new() { Connector = new LocalRescueConnector() } : new();
        int code = await MigrateCommand.RunAsync(["--config-dir=" + tool.Path], environment, ct);
        if (options.Mode == 1)
        {
            // Gateway, source, gateway: the whole directory travels, as the guide has it.
            foreach (string place in (string[])["tool-on-source", "tool-on-gateway"])
            {
                if (code == 0)
                {
                    tool = CopyTool(tool, Path.Combine(area, place));
                    Console.Out.WriteLine($"(the tool directory is copied to {tool.Path})");
                    code = await MigrateCommand.RunAsync(["--config-dir=" + tool.Path], environment, ct);
                }
            }
        }

        return code != 0 ? code : Report(MigrationRun.ReadState(tool)!);
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

    private static void WriteTool(ToolDirectory tool, int mode, string endpoint, int proxyPort, RescueSshd? sshd, int port, string source, bool sample, string area)
    {
        Directory.CreateDirectory(tool.Path);
        string disks = sample ? $$""", "DataDisks": [ { "Index": 1, "Size": 10, "MountPoint": "{{SampleTree.DataDisk}}" } ]""" : "";
        Write(UserSettings.FileName, $$"""{ "SecretId": "{{SecretId}}", "SecretKey": "{{SecretKey}}", "Region": "{{Region}}", "InstanceId": "{{InstanceId}}"{{disks}} }""");
        string identity = "";
        if (sshd is not null)
        {
            // Into the tool directory, by a relative name, so that it travels with it.
            File.Copy(sshd.ClientKey, tool.File("client_key"));
            identity = """, "IdentityFile": "client_key" """;
        }

        string proxy = proxyPort == 0 ? "" : $$""", "Proxy": { "Ip": "127.0.0.1", "Port": "{{proxyPort}}", "User": "rehearsal", "Password": "ProxyOfTheRehearsal" }""";
        Write(ClientSettings.FileName, $$"""
            { "Client": {
              "Net": { "Mode": {{mode}}{{proxy}} },
              "Api": { "Endpoint": {{Json(endpoint)}}, "PollSeconds": 0.1 },
              "Ssh": { "Port": {{port}}, "User": {{Json(Environment.UserName)}}{{identity}} },
              "Source": { "Root": {{Json(source)}} },
              "Transfer": { "DestinationRoot": {{Json(Path.Combine(area, "destination"))}}, "UntilBytes": 0, "MaxPasses": 3 }
            } }
            """);

        // A source that holds the work area must not be copied into itself.
        string prefix = source == "/" ? "/" : source + "/";
        string own = area.StartsWith(prefix, StringComparison.Ordinal) ? area[(prefix.Length - 1)..] + "/\n" : "";
        Write(ExcludesFile.FileName, ConfigSamples.Excludes + own);

        void Write(string name, string content)
        {
            using FileStream file = new(tool.File(name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            file.Write(Encoding.UTF8.GetBytes(content));
        }
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static ToolDirectory CopyTool(ToolDirectory from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from.Path, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return new ToolDirectory(to);
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
        nativesync rehearse [--source DIR] [--mode N] [--no-ssh] [--keep]

        Carries out a whole three-stage migration on this machine: against a simulator of the Tencent Cloud API, to a
        directory behind a private sshd (or, without sshd, an agent as a child process). Nothing outside a temporary
        directory is changed. Ends with a table of what was moved and the digests of both sides; the exit code is 0
        only when they are equal.

          --source DIR   migrate this tree instead of a sample
          --mode N       Client.Net.Mode: 0 default, 1 gateway, 2 private, 3 through a proxy
          --no-ssh       the agent as a child process even where there is an sshd
          --keep         keep the temporary directory (it is kept anyway when something failed)

        """;
}
