using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.Migration.Tests;

/// <summary>
/// The official Node SDKs are the judges: their signatures and typed models meet the simulator, and their bodies meet ours.
/// tests/NodeSdk holds them under a pinned lock file; test.sh installs them.
/// </summary>
public sealed class NodeSdkTests
{
    private static readonly string Modules = Path.Combine(PublishedExecutable.Repository, "tests", "NodeSdk");

    [Fact]
    public async Task TheSdkTakesTheSimulatorThroughAWholeMigration()
    {
        SimulatedInstance instance = new()
        {
            InstanceId = Harness.InstanceId,
            Region = Harness.Region,
            HasTatAgent = true,
            DataDisks = [new InstanceDisk { DiskId = "disk-sim00001", DiskType = "CLOUD_SSD", DiskSize = 20 }],
        };
        await using CloudSimulator simulator = NewSimulator(instance, null, staleLooks: 1);
        JsonNode seen = await JudgeAsync(simulator, "migrate");
        JsonNode before = seen["before"]!;
        Assert.Equal("disk-sim00001", before["DataDisks"]![0]!["DiskId"]!.GetValue<string>());
        Assert.Equal(50, before["SystemDisk"]!["DiskSize"]!.GetValue<int>());
        Assert.Equal("RUNNING", before["InstanceState"]!.GetValue<string>());
        Assert.Equal("NORMAL", before["RestrictState"]!.GetValue<string>());
        Assert.Equal("127.0.0.1", before["PublicIpAddresses"]![0]!.GetValue<string>());
        Assert.Equal("ACCEPT", seen["groups"]![0]!["Ingress"]![0]!["Action"]!.GetValue<string>());
        Assert.Equal(["SYSTEM_DISK", "DATA_DISK"], seen["disks"]!.AsArray().Select(d => d!["DiskUsage"]!.GetValue<string>()));
        Assert.Equal(["RUNNING", "ENTER_RESCUE_MODE", "RESCUE_MODE"], Seen("rescue"));
        Assert.Equal(["RESCUE_MODE", "EXIT_RESCUE_MODE", "STOPPED"], Seen("stopped"));
        Assert.Equal(["STOPPED", "STARTING", "RUNNING"], Seen("running"));
        Assert.Equal(seen["enterRequest"]!.GetValue<string>(), seen["rescue"]!["instance"]!["LatestOperationRequestId"]!.GetValue<string>());
        Assert.Equal("SUCCESS", seen["rescue"]!["instance"]!["LatestOperationState"]!.GetValue<string>());
        Assert.Equal("UnsupportedOperation.InstanceStateRescueMode", seen["twice"]!.GetValue<string>());
        Assert.Equal(("RUNNING", "Online", "SUCCESS"), (seen["status"]!.GetValue<string>(), seen["agent"]!.GetValue<string>(), seen["task"]!["status"]!.GetValue<string>()));
        Assert.Equal(instance.TatOutput, seen["task"]!["output"]!.GetValue<string>());
        Assert.Equal("Password-of-the-judge1", ((NoBacking)instance.Backing).Password);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, instance.Accepted);

        IEnumerable<string> Seen(string part) => seen[part]!["seen"]!.AsArray().Select(s => s!.GetValue<string>());
    }

    [Fact]
    public async Task OurClientSendsTheBodiesAndHeadersThatTheSdkSends()
    {
        ConcurrentDictionary<string, HttpRequestData> theirs = [], ours = [];
        await using CloudSimulator judged = NewSimulator(Harness.NewInstance(), theirs);
        await JudgeAsync(judged, "bodies");
        await using CloudSimulator simulator = NewSimulator(Harness.NewInstance(), ours);
        using TencentApiClient api = new(
            new CredentialProvider(new CloudCredentials("AKIDexample", Harness.SecretKey, null, "test")), Harness.Region, new ClientSettings { ApiEndpoint = simulator.Endpoint }, "/", TimeProvider.System,
            new MigrationLog(null, MigrationLogLevel.Error, TimeProvider.System));
        (CvmClient cvm, TatClient tat, CancellationToken ct) = (new(api), new(api), CancellationToken.None);
        Func<Task>[] calls =
        [
            () => cvm.DescribeInstanceAsync(Harness.InstanceId, ct),
            () => cvm.DescribeStateAsync(Harness.InstanceId, ct),
            () => cvm.EnterRescueModeAsync(Harness.InstanceId, "root", "Password-of-the-judge1", ct),
            () => cvm.ExitRescueModeAsync(Harness.InstanceId, ct),
            () => cvm.StartInstanceAsync(Harness.InstanceId, ct),
            () => cvm.StopInstanceAsync(Harness.InstanceId, ct),
            () => new VpcClient(api).DescribeSecurityGroupPoliciesAsync("sg-sim00000", ct),
            () => new CbsClient(api).DescribeDisksAsync(["disk-sim00000"], ct),
            () => tat.IsAgentOnlineAsync(Harness.InstanceId, ct),
            () => tat.RunAsync(Harness.InstanceId, "uname -r", ct),
            () => tat.ResultAsync("inv-00000000", ct),
        ];
        foreach (Func<Task> call in calls)
        {
            try
            {
                await call();
            }
            catch (CloudException)
            {
                // The state does not allow it: what was sent is all that counts here.
            }
        }

        Assert.Equal(calls.Length, ours.Count);
        Assert.Equal(theirs.Keys.Order(), ours.Keys.Order());
        foreach ((string action, HttpRequestData request) in ours)
        {
            Assert.Equal(Encoding.UTF8.GetString(theirs[action].Body), Encoding.UTF8.GetString(request.Body));
            Assert.Equal(theirs[action].Header("X-TC-Version"), request.Header("X-TC-Version"));
            Assert.Equal(theirs[action].Header("X-TC-Region"), request.Header("X-TC-Region"));
            Assert.Equal(theirs[action].Method, request.Method);
        }
    }

    [Fact]
    public async Task TheSdkUnderstandsTheSimulatorsErrors()
    {
        await using CloudSimulator simulator = NewSimulator(Harness.NewInstance(), null);
        JsonNode seen = await JudgeAsync(simulator, "wrong-key");
        Assert.Equal("AuthFailure.SignatureFailure", seen["mainland"]!["code"]!.GetValue<string>());
        Assert.Equal("AuthFailure.SignatureFailure", seen["intl"]!["code"]!.GetValue<string>());
        Assert.Equal(36, seen["mainland"]!["requestId"]!.GetValue<string>().Length);
    }

    private static CloudSimulator NewSimulator(SimulatedInstance instance, ConcurrentDictionary<string, HttpRequestData>? observed, int staleLooks = 0)
        => new(
            new SimulatorOptions
            {
                SecretId = "AKIDexample",
                SecretKey = Harness.SecretKey,
                StaleLooks = staleLooks,
                Observed = r => observed?.TryAdd(r.Header("X-TC-Action") ?? "", r),
            },
            instance);

    private static async Task<JsonNode> JudgeAsync(CloudSimulator simulator, string what)
    {
        Assert.True(Directory.Exists(Path.Combine(Modules, "node_modules")), "tests/NodeSdk has no node_modules; ./test.sh installs them (npm ci)");
        CommandResult result = await Command.RunAsync(
            ["node", Path.Combine(Modules, "judge.js"), simulator.Port.ToString(CultureInfo.InvariantCulture), what],
            environment: new Dictionary<string, string?> { ["http_proxy"] = null, ["https_proxy"] = null, ["HTTP_PROXY"] = null, ["HTTPS_PROXY"] = null });
        return JsonNode.Parse(result.MustExit(0).Output)!;
    }
}
