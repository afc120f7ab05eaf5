using Microsoft.Extensions.Time.Testing;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>The API client and the simulator against each other, and what a user is told.</summary>
public sealed class ApiTests
{
    [Theory]
    [InlineData("\"SecretKey\":\"TopSecretKeyOfTheAccount\"", "\"SecretKey\":\"wrong\"", "AuthFailure.SignatureFailure", "the SecretKey does not belong to the SecretId")]
    [InlineData("AKIDexample", "AKIDother", "AuthFailure.SecretIdNotFound", "the SecretId does not exist or is disabled")]
    public async Task WrongKeysAreExplained(string from, string to, string code, string advice)
    {
        await using Harness h = new();
        h.Write("user.json", File.ReadAllText(h.Tool.File("user.json")).Replace(from, to, StringComparison.Ordinal));
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Equal(code, e.Code);
        Assert.Contains(advice, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData("ins-1a2b3c4d", "ins-00000000")]
    [InlineData("ap-guangzhou", "ap-beijing")]
    public async Task AnInstanceThatIsNotThereIsExplained(string from, string to)
    {
        await using Harness h = new();
        h.Write("user.json", File.ReadAllText(h.Tool.File("user.json")).Replace(from, to, StringComparison.Ordinal));
        Assert.Contains("is not found in", (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(InstanceStates.Stopping, "wait until it is RUNNING or STOPPED")]
    [InlineData(InstanceStates.RescueMode, "run the tool with --clean")]
    public async Task AnInstanceInTheWrongStateIsExplained(string state, string advice)
    {
        await using Harness h = new(instance: Harness.NewInstance(state));
        Assert.Contains(advice, (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FaultKind.Error, "DescribeInstances: first\n  second\\#007\nthird (InvalidParameter)")]
    [InlineData(FaultKind.OperationFails, "EnterRescueMode failed: first\n      second\\#007\n    third [")]
    public async Task AMessageOfSeveralLinesKeepsThem(FaultKind kind, string expected)
    {
        string state = kind == FaultKind.Error ? InstanceStates.Running : InstanceStates.EnterRescueMode;
        await using Harness h = new(fault: c => c.State == state ? new SimulatedFault(kind, "InvalidParameter", "first\r\n  second\a\nthird\n") : null);
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => h.RunAsync());
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExpiredInstanceIsExplained()
    {
        await using Harness h = new();
        h.Instance.RestrictState = "EXPIRED";
        Assert.Contains("it is expired", (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClockThatIsTenMinutesOffIsCorrectedAndWarnedOf()
    {
        await using Harness h = new(serverTime: new ShiftedTime(TimeSpan.FromMinutes(10)));
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Contains(h.Observer.Warnings, w => w.StartsWith("the clock of this machine is 10 min", StringComparison.Ordinal) || w.StartsWith("the clock of this machine is 9 min", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AClockThatIsAnHourOffMustBeSet()
    {
        await using Harness h = new(serverTime: new ShiftedTime(TimeSpan.FromHours(-1)));
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Equal("AuthFailure.SignatureExpire", e.Code);
        Assert.Contains("fast compared with the API's; set it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnApiThatIsDownIsExplained()
    {
        await using Harness h = new();
        await h.Simulator.DisposeAsync();
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Contains("cannot be reached: connection refused", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnApiThatIsSilentIsGivenUpInTime()
    {
        await using Harness h = new(client: ""","Api.TimeoutSeconds":0.1""", fault: _ => new SimulatedFault(FaultKind.Slow, Delay: TimeSpan.FromMinutes(1)));
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Equal(CloudErrors.Timeout, e.Code);
    }

    [Fact]
    public async Task AClosedPortIsExplained()
    {
        SimulatedInstance instance = Harness.NewInstance();
        await using CloudSimulator simulator = new(
            new SimulatorOptions { SecretId = "AKIDexample", SecretKey = Harness.SecretKey, SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = new() { Ingress = [] } } }, instance);
        await using Harness h = new();
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace(h.Simulator.Endpoint, simulator.Endpoint, StringComparison.Ordinal));
        Assert.Equal("security group, TCP port 22: closed: open it for this server: the data goes there", (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message);
        Assert.Empty(instance.Accepted);
    }

    [Fact]
    public async Task CheckNamesEverythingAndChangesNothing()
    {
        await using Harness h = new(user: ""","DataDisks":[{"Index":5,"MountPoint":"/nowhere"}]""");
        h.Instance.RestrictState = "EXPIRED";
        IReadOnlyList<CheckLine> lines = await h.CheckAsync();
        Assert.Equal(3, lines.Count(l => l.Verdict == CheckVerdict.Fail));
        Assert.Empty(h.Instance.Accepted);
        Assert.False(Directory.Exists(h.Tool.StateDirectory));
    }

    [Fact]
    public async Task WithoutAKeyTheRoleOfTheCvmSignsAndIsAskedAgainWhenItsTokenIsOver()
    {
        CloudSimulator? simulator = null;
        await using Harness h = new(
            options: o => o with { Role = "migration-role" },
            fault: c =>
            {
                if (c.Action == "ExitRescueMode" && c.Count == 1)
                {
                    simulator!.ExpireRoleCredentials();
                }

                return null;
            });
        simulator = h.Simulator;
        h.Write("user.json", $$"""{"Region":"{{Harness.Region}}","InstanceId":"{{Harness.InstanceId}}"}""");
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"PollSeconds\"", $"\"MetadataEndpoint\":\"{simulator.Endpoint}\",\"PollSeconds\"", StringComparison.Ordinal));
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(3, simulator.RoleCredentialsIssued); // two fetched, one expired between them
        Assert.Equal(1, h.Instance.Accepted["ExitRescueMode"]);
        Assert.DoesNotContain("TokenOfTheRole", h.LogText.ToString(), StringComparison.Ordinal);
        Assert.Contains(await h.CheckAsync(), l => l.Finding == "answers, and accepts the key from the CVM's role migration-role");
    }

    [Fact]
    public async Task WithoutAnyKeyTheUserIsToldAllThePlaces()
    {
        await using Harness h = new();
        h.Write("user.json", $$"""{"Region":"{{Harness.Region}}","InstanceId":"{{Harness.InstanceId}}"}""");
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"PollSeconds\"", $"\"MetadataEndpoint\":\"{h.Simulator.Endpoint}\",\"PollSeconds\"", StringComparison.Ordinal));
        Assert.Equal(
            "user.json: SecretId: missing, and this CVM has no role; put SecretId and SecretKey there, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or write ~/.tencentcloud/credentials",
            (await Assert.ThrowsAsync<ConfigException>(() => h.RunAsync())).Message);
    }

    [Fact]
    public async Task TheStartedSystemIsAskedWhereTheSourceHasTheAgent()
    {
        await using Harness h = new(instance: new SimulatedInstance { InstanceId = Harness.InstanceId, Region = Harness.Region, HasTatAgent = true });
        h.Source.SourceFacts = new() { HasTatAgent = true };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("it says: Simulated Linux, running", MigrationRun.ReadState(h.Tool)!.Steps.Single(s => s.Name == "ask-agent").Outcome);
        Assert.Equal(1, h.Simulator.Calls["RunCommand"]);
    }

    [Fact]
    public async Task AKeyThatMayNotAskTheStartedSystemIsAWarning()
    {
        await using Harness h = new(fault: c => c.Action == "DescribeAutomationAgentStatus" ? SimulatedFault.Error("UnauthorizedOperation", "not allowed") : null);
        h.Source.SourceFacts = new() { HasTatAgent = true };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Contains(h.Observer.Warnings, w => w.StartsWith("the started system was not asked: DescribeAutomationAgentStatus: not allowed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cvm", "ap-guangzhou", "intl", "https://cvm.intl.tencentcloudapi.com/")]
    [InlineData("vpc", "ap-guangzhou", "internal", "https://vpc.internal.tencentcloudapi.com/")]
    [InlineData("cvm", "ap-guangzhou", null, "https://cvm.tencentcloudapi.com/")]
    [InlineData("vpc", "ap-shanghai-fsi", null, "https://vpc.ap-shanghai-fsi.tencentcloudapi.com/")]
    [InlineData("vpc", "ap-guangzhou", "https://cvm.intl.tencentcloudapi.com", "https://vpc.intl.tencentcloudapi.com/")]
    [InlineData("cbs", "ap-guangzhou", "https://{service}.{region}.tencentcloudapi.com", "https://cbs.ap-guangzhou.tencentcloudapi.com/")]
    [InlineData("cbs", "ap-guangzhou", "http://127.0.0.1:8080", "http://127.0.0.1:8080/")]
    public void EndpointsFollowServiceAndRegion(string service, string region, string? configured, string expected)
        => Assert.Equal(expected, ApiEndpoint.For(service, region, configured).ToString());

    [Fact]
    public void GeneratedPasswordsSatisfyTheRulesAndDiffer()
    {
        HashSet<string> seen = [];
        for (int i = 0; i < 1000; i++)
        {
            string password = RescuePassword.Generate();
            Assert.True(RescuePasswordRule.Accepts(password), password);
            Assert.True(seen.Add(password));
        }
    }

    [Theory]
    [InlineData("short1", false)]
    [InlineData("alllowercase", false)]
    [InlineData("lower123", true)]
    [InlineData("under_score1", false)]
    [InlineData("0123456789012345678901234567890a", false)]
    public void TheSimulatorRefusesPasswordsThatTheApiRefuses(string password, bool accepted)
        => Assert.Equal(accepted, RescuePasswordRule.Accepts(password));

    [Fact]
    public async Task EveryActionInEveryStateIsAcceptedOrRefusedWithTheStatesCode()
    {
        string[] states =
        [
            InstanceStates.Running, InstanceStates.Stopped, InstanceStates.Starting, InstanceStates.Stopping, InstanceStates.Rebooting,
            InstanceStates.Pending, InstanceStates.EnterRescueMode, InstanceStates.RescueMode, InstanceStates.ExitRescueMode, InstanceStates.Shutdown,
        ];
        Dictionary<string, string[]> allowed = new()
        {
            ["EnterRescueMode"] = [InstanceStates.Running, InstanceStates.Stopped],
            ["ExitRescueMode"] = [InstanceStates.RescueMode],
            ["StartInstances"] = [InstanceStates.Stopped],
            ["StopInstances"] = [InstanceStates.Running],
        };
        foreach (string state in states)
        {
            foreach ((string action, string[] from) in allowed)
            {
                SimulatedInstance instance = Harness.NewInstance(state);
                await using CloudSimulator simulator = new(new SimulatorOptions { SecretId = "AKIDexample", SecretKey = Harness.SecretKey }, instance);
                using TencentApiClient api = new(
                    new CredentialProvider(new CloudCredentials("AKIDexample", Harness.SecretKey, null, "test")), Harness.Region,
                    new ClientSettings { ApiEndpoint = simulator.Endpoint }, "/", TimeProvider.System, new Logging.MigrationLog(null, Logging.MigrationLogLevel.Error, TimeProvider.System));
                CvmClient cvm = new(api);
                Task<string> call = action switch
                {
                    "EnterRescueMode" => cvm.EnterRescueModeAsync(Harness.InstanceId, "root", "Password-1", CancellationToken.None),
                    "ExitRescueMode" => cvm.ExitRescueModeAsync(Harness.InstanceId, CancellationToken.None),
                    "StartInstances" => cvm.StartInstanceAsync(Harness.InstanceId, CancellationToken.None),
                    _ => cvm.StopInstanceAsync(Harness.InstanceId, CancellationToken.None),
                };
                if (from.Contains(state))
                {
                    Assert.NotEmpty(await call);
                    Assert.True(instance.Busy);
                    Assert.Equal(instance.State, await cvm.DescribeStateAsync(Harness.InstanceId, CancellationToken.None));
                }
                else
                {
                    CloudException e = await Assert.ThrowsAsync<CloudException>(() => call);
                    Assert.StartsWith("UnsupportedOperation.InstanceState", e.Code, StringComparison.Ordinal);
                    Assert.Equal(CallEffect.None, e.Effect);
                }
            }
        }
    }

    /// <summary>A clock that is off.</summary>
    private sealed class ShiftedTime(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + offset;
    }
}
