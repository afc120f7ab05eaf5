using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;
using NativeSync.TestKit;

namespace NativeSync.Migration.Tests;

/// <summary>docs/migration.md says what a user sees when something is wrong: each of its situations is brought about here.</summary>
public sealed class DocumentedMessagesTests
{
    /// <summary>Need a real SSH server or proxy: PasswordMigrationTests and NetworkModeTests of the end-to-end tests.</summary>
    private static readonly string[] Elsewhere =
    [
        "rescue system shows another host key", "rescue system refuses the password", "data port does not answer",
        "proxy does not allow the API", "proxy cannot reach the API by HTTPS",
    ];

    private static readonly Dictionary<string, Func<Task<string>>> Situations = new()
    {
        ["wrong SecretKey"] = () => UserAsync("\"SecretKey\":\"TopSecretKeyOfTheAccount\"", "\"SecretKey\":\"wrong\""),
        ["unknown SecretId"] = () => UserAsync("AKIDexample", "AKIDother"),
        ["expired credentials"] = () => FailAsync(new Harness(user: ""","Token":"over" """, options: o => o with { Token = "now" })),
        ["no credentials"] = NoCredentialsAsync,
        ["key without the policy"] = () => FailAsync(new Harness(fault: c => c.Action == "EnterRescueMode" ? SimulatedFault.Error("UnauthorizedOperation") : null)),
        ["wrong region, or unknown instance"] = () => UserAsync("ap-guangzhou", "ap-beijing"),
        ["zone instead of region"] = () => UserAsync("ap-guangzhou", "ap-guangzhou-3"),
        ["instance in the wrong state"] = () => FailAsync(new Harness(instance: Harness.NewInstance(InstanceStates.Stopping))),
        ["instance in migration mode already"] = () => FailAsync(new Harness(instance: Harness.NewInstance(InstanceStates.RescueMode))),
        ["instance expired"] = () => FailAsync(new Harness(), h => h.Instance.RestrictState = "EXPIRED"),
        ["instance runs Windows"] = () => FailAsync(new Harness(instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, OsName = "Windows Server 2022" })),
        ["no public address"] = () => FailAsync(new Harness(instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, PublicAddress = null })),
        ["too few data disks"] = () => FailAsync(new Harness(user: ""","DataDisks":[{"Index":2,"MountPoint":"/mnt/disk1"}]""")),
        ["data disk smaller than Size"] = () => FailAsync(new Harness(user: ""","DataDisks":[{"Index":1,"Size":100,"MountPoint":"/mnt/disk1"}]""")),
        ["new table on too large a system disk"] = () => FailAsync(
            new Harness(client: ""","Disks":{"Format":"all","Partition":"system"}""", instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, SystemDisk = new InstanceDisk { DiskId = "disk-sim00000", DiskSize = 2049 } }),
            h => h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"DestinationRoot\"", "\"Nothing\"", StringComparison.Ordinal))),
        ["disk too small for the data"] = () => FailAsync(WholeServer(), h =>
        {
            h.Source.Used = 60L << 30;
            h.Measured = 55L << 30;
        }),
        ["mount point that is none"] = () => FailAsync(WholeServer(""","DataDisks":[{"Index":1,"MountPoint":"/mnt/disk1"}]"""), h => h.Source.Directories = ["/", "/mnt/disk1"]),
        ["32-bit source"] = () => FailAsync(WholeServer(), h => h.Source.SourceFacts = new SourceFacts { ForeignPrograms = "32-bit x86" }),
        ["port closed"] = () => FailAsync(new Harness(options: Closed)),
        ["port closed in mode 1"] = () => FailAsync(new Harness(mode: 1, options: Closed)),
        ["proxy down"] = () => ProxyAsync(down: true, user: "user", api: true),
        ["proxy refuses the password"] = () => ProxyAsync(down: false, user: "somebody", api: true),
        ["proxy cannot reach the API"] = () => ProxyAsync(down: false, user: "user", api: false),
        ["clock off by ten minutes"] = () => WarningAsync(new Harness(serverTime: new ShiftedTime(TimeSpan.FromMinutes(10))), "the clock"),
        ["clock off by more than 15 minutes"] = () => FailAsync(new Harness(serverTime: new ShiftedTime(TimeSpan.FromHours(-1)))),
        ["API down at the beginning"] = async () =>
        {
            await using Harness h = new();
            await h.Simulator.DisposeAsync();
            return (await Assert.ThrowsAnyAsync<Exception>(() => h.RunAsync())).Message;
        },
        ["API down in the middle of stage 1"] = () => DownAsync(c => c.State == InstanceStates.EnterRescueMode),
        ["API down in the middle of stage 2"] = () => DownAsync(c => c.State == InstanceStates.RescueMode && c.Action == "DescribeInstances" && c.Count > 5),
        ["API down in the middle of stage 3"] = () => DownAsync(c => c.State == InstanceStates.Stopped && c.Action == "StartInstances"),
        ["API silent"] = () => FailAsync(new Harness(client: ""","Api.TimeoutSeconds":0.1""", fault: _ => new SimulatedFault(FaultKind.Slow, Delay: TimeSpan.FromMinutes(1)))),
        ["too many calls"] = () => FailAsync(new Harness(fault: _ => SimulatedFault.Error("RequestLimitExceeded.UinLimitExceeded", "too fast"), options: o => o), code: "RequestLimitExceeded"),
        ["the operation fails in the cloud"] = () => FailAsync(new Harness(fault: c => c.State == InstanceStates.EnterRescueMode ? new SimulatedFault(FaultKind.OperationFails, Message: "no image") : null)),
        ["the operation takes too long"] = () => FailAsync(new Harness(looks: int.MaxValue, client: ""","Api.WaitSeconds":1""")),
        ["destination full"] = () => FailAsync(new Harness(), h => h.Mover.Result = _ => new TransferResult { ExitCode = 23, DestinationTrouble = "var/log/x: No space left on device", ProblemCount = 1 }),
        ["a command of the user fails"] = () => FailAsync(new Harness(client: ""","Transfer.Hooks":{"BeforeLastPass":"echo no such unit; exit 5","Undo":"true"}""")),
        ["a command of the user does not end"] = () => FailAsync(new Harness(client: ""","Transfer.Hooks":{"BeforePass":"sleep 1000","TimeoutSeconds":0.1}""")),
        ["started instance does not answer"] = () => FailAsync(new Harness(client: ""","Check.WaitSeconds":0.1"""), h =>
        {
            h.Reachability = new Harness.Answering(false);
            h.AddSshServer();
        }),
        ["jump host refuses the login"] = () => FailAsync(new Harness(), h => h.Connector.Failures.Enqueue(
            new Engine.TransportException(255, "on the way to root@10.0.0.2:22: me@gate:22 refuses the login (no key)") { Fault = Engine.TransportFault.Login, IsOnTheWay = true })),
        ["proxy or jump host fails before the started instance"] = () => FailAsync(new Harness(client: ""","Check.WaitSeconds":0.1"""), h =>
        {
            h.Reachability = new Harness.WayThatFails(Engine.TransportFault.Other);
            h.AddSshServer();
        }),
        ["another system has started"] = () => FailAsync(new Harness(instance: new()
        {
            InstanceId = Harness.InstanceId, Region = Harness.Region, HasTatAgent = true, TatOutput = "release Another 1\nstate running\nmarker ins-9 yesterday\n",
        }), h =>
        {
            h.Source.SourceFacts = new() { HasTatAgent = true };
            h.Connector.Fixups = new(0, """{"Name":"marker","Outcome":"changed"}""", "");
        }),
        ["state of another instance"] = () => AfterARunAsync(h => h.Write("user.json", File.ReadAllText(h.Tool.File("user.json")).Replace(Harness.InstanceId, "ins-99999999", StringComparison.Ordinal))),
        ["state of another version"] = () => AfterARunAsync(h => File.WriteAllText(h.StateFile, File.ReadAllText(h.StateFile).Replace("\"Version\": 1", "\"Version\": 2", StringComparison.Ordinal))),
        ["damaged state"] = () => AfterARunAsync(h => File.WriteAllText(h.StateFile, "{ half")),
        ["two runs at once"] = async () =>
        {
            await using Harness h = new();
            using StateStore store = StateStore.Open(h.Tool);
            return (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message;
        },
        ["entries differ in the end"] = () => WarningAsync(new Harness(), "1 entry", h => h.Mover.DifferencesLeft = 2),
    };

    public static TheoryData<string> Names => [.. DocumentedMessages.Read().Select(m => m.Key).Except(Elsewhere)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task TheUserSeesWhatThePageSays(string situation)
    {
        string message = await Situations[situation]();
        string documented = DocumentedMessages.Of(situation);
        Assert.True(DocumentedMessages.Fits(documented, message), $"page: {documented}\nseen: {message}");
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void EverySituationIsOnThePage() => Assert.Equal(Situations.Keys.Concat(Elsewhere).Order(), DocumentedMessages.Read().Select(m => m.Key).Order());

    [Theory]
    [InlineData(InstanceStates.EnterRescueMode, "DescribeInstances")]
    [InlineData(InstanceStates.RescueMode, "ExitRescueMode")]
    [InlineData(InstanceStates.Stopped, "StartInstances")]
    public async Task AnApiThatIsDownInAStageIsFoundAgainByTheNextRun(string state, string action)
    {
        bool down = true;
        await using Harness h = new(fault: c => down && c.State == state && c.Action == action ? new SimulatedFault(FaultKind.CutBefore) : null);
        await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        down = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Instance.Accepted);
    }

    private static SimulatorOptions Closed(SimulatorOptions options)
        => options with { SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = new() { Ingress = [] } } };

    /// <summary>A source that is the whole machine, of which nothing is read: the checks end the run.</summary>
    private static Harness WholeServer(string user = "")
    {
        Harness h = new(user: user);
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"Source\":{\"Root\":", "\"Ours\":{\"Was\":", StringComparison.Ordinal));
        h.Source.MountList = MountTable.Parse("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"u8);
        return h;
    }

    private static Task<string> UserAsync(string from, string to)
        => FailAsync(new Harness(), h => h.Write("user.json", File.ReadAllText(h.Tool.File("user.json")).Replace(from, to, StringComparison.Ordinal)));

    private static async Task<string> FailAsync(Harness harness, Action<Harness>? change = null, string? code = null)
    {
        await using Harness h = harness;
        change?.Invoke(h);
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => h.RunAsync());
        Assert.True(e is MigrationException or CloudException or ConfigException, e.ToString());
        return code is null ? e.Message : e.Message.Replace(((CloudException)e).Code, code, StringComparison.Ordinal);
    }

    private static async Task<string> WarningAsync(Harness harness, string beginning, Action<Harness>? change = null)
    {
        await using Harness h = harness;
        change?.Invoke(h);
        await h.RunAsync();
        return h.Observer.Warnings.Single(w => w.StartsWith(beginning, StringComparison.Ordinal));
    }

    private static async Task<string> NoCredentialsAsync()
    {
        await using Harness h = new();
        h.Write("user.json", $$"""{"Region":"{{Harness.Region}}","InstanceId":"{{Harness.InstanceId}}"}""");
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"PollSeconds\"", $"\"MetadataEndpoint\":\"{h.Simulator.Endpoint}\",\"PollSeconds\"", StringComparison.Ordinal));
        return (await Assert.ThrowsAsync<ConfigException>(() => h.RunAsync())).Message;
    }

    private static async Task<string> ProxyAsync(bool down, string user, bool api)
    {
        await using LoopbackProxy proxy = new("user", Harness.ProxyPassword, TimeProvider.System);
        await using Harness h = new(mode: 3, client: $$$""","Net.Proxy":{"Ip":"127.0.0.1","Port":{{{proxy.Port}}},"User":"{{{user}}}","Password":"{{{Harness.ProxyPassword}}}"}""");
        if (down)
        {
            await proxy.DisposeAsync();
        }

        if (!api)
        {
            await h.Simulator.DisposeAsync();
        }

        return (await Assert.ThrowsAsync<CloudException>(() => h.RunAsync())).Message;
    }

    private static async Task<string> DownAsync(Func<SimulatedCall, bool> from)
    {
        bool down = false;
        await using Harness h = new(fault: c => (down |= from(c)) ? new SimulatedFault(FaultKind.CutBefore) : null);
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        return e.Message;
    }

    private static async Task<string> AfterARunAsync(Action<Harness> change)
    {
        await using Harness h = new();
        await h.RunAsync();
        change(h);
        return (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message;
    }

    private sealed class ShiftedTime(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + offset;
    }
}
