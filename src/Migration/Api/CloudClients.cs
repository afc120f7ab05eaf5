namespace NativeSync.Migration.Api;

/// <summary>CVM 2017-03-12: the instance.</summary>
public sealed class CvmClient(TencentApiClient api)
{
    private const string Service = "cvm";
    private const string Version = "2017-03-12";

    /// <summary>The instance, or null when the account has none of this id in the region.</summary>
    public async Task<Instance?> DescribeInstanceAsync(string instanceId, CancellationToken ct)
    {
        try
        {
            DescribeInstancesResponse answer = await api.CallAsync(
                new ApiAction(Service, Version, "DescribeInstances", ReadOnly: true),
                new InstanceIdsRequest { InstanceIds = [instanceId] },
                ApiJson.Default.InstanceIdsRequest, ApiJson.Default.ApiEnvelopeDescribeInstancesResponse, ct).ConfigureAwait(false);
            return answer.InstanceSet?.Find(i => string.Equals(i.InstanceId, instanceId, StringComparison.Ordinal));
        }
        catch (CloudException e) when (e.Code.StartsWith("InvalidInstanceId.NotFound", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>The state alone, or null when there is no such instance.</summary>
    public async Task<string?> DescribeStateAsync(string instanceId, CancellationToken ct)
    {
        DescribeInstancesStatusResponse answer = await api.CallAsync(
            new ApiAction(Service, Version, "DescribeInstancesStatus", ReadOnly: true),
            new InstanceIdsRequest { InstanceIds = [instanceId] },
            ApiJson.Default.InstanceIdsRequest, ApiJson.Default.ApiEnvelopeDescribeInstancesStatusResponse, ct).ConfigureAwait(false);
        return answer.InstanceStatusSet?.Find(i => string.Equals(i.InstanceId, instanceId, StringComparison.Ordinal))?.InstanceState;
    }

    /// <summary>Asks for the rescue system. Only the request's id comes back: the state tells the rest.</summary>
    public Task<string> EnterRescueModeAsync(string instanceId, string user, string password, CancellationToken ct)
        => ChangeAsync("EnterRescueMode", new EnterRescueModeRequest { InstanceId = instanceId, Password = password, Username = user, StopType = "SOFT_FIRST" }, ApiJson.Default.EnterRescueModeRequest, ct);

    /// <summary>Asks to leave the rescue system; the instance is stopped afterwards.</summary>
    public Task<string> ExitRescueModeAsync(string instanceId, CancellationToken ct)
        => ChangeAsync("ExitRescueMode", new ExitRescueModeRequest { InstanceId = instanceId }, ApiJson.Default.ExitRescueModeRequest, ct);

    /// <summary>Starts a stopped instance.</summary>
    public Task<string> StartInstanceAsync(string instanceId, CancellationToken ct)
        => ChangeAsync("StartInstances", new InstanceIdsRequest { InstanceIds = [instanceId] }, ApiJson.Default.InstanceIdsRequest, ct);

    /// <summary>Stops a running instance.</summary>
    public Task<string> StopInstanceAsync(string instanceId, CancellationToken ct)
        => ChangeAsync("StopInstances", new StopInstancesRequest { InstanceIds = [instanceId], StopType = "SOFT_FIRST" }, ApiJson.Default.StopInstancesRequest, ct);

    private async Task<string> ChangeAsync<T>(string action, T request, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken ct)
    {
        ApiResponse answer = await api.CallAsync(new ApiAction(Service, Version, action, ReadOnly: false), request, type, ApiJson.Default.ApiEnvelopeApiResponse, ct).ConfigureAwait(false);
        return answer.RequestId ?? "";
    }
}

/// <summary>VPC 2017-03-12: what may reach the instance.</summary>
public sealed class VpcClient(TencentApiClient api)
{
    /// <summary>The rules of a security group.</summary>
    public async Task<SecurityGroupPolicySet> DescribeSecurityGroupPoliciesAsync(string securityGroupId, CancellationToken ct)
    {
        DescribeSecurityGroupPoliciesResponse answer = await api.CallAsync(
            new ApiAction("vpc", "2017-03-12", "DescribeSecurityGroupPolicies", ReadOnly: true),
            new DescribeSecurityGroupPoliciesRequest { SecurityGroupId = securityGroupId },
            ApiJson.Default.DescribeSecurityGroupPoliciesRequest, ApiJson.Default.ApiEnvelopeDescribeSecurityGroupPoliciesResponse, ct).ConfigureAwait(false);
        return answer.SecurityGroupPolicySet ?? new SecurityGroupPolicySet();
    }
}

/// <summary>CBS 2017-03-12: the disks.</summary>
public sealed class CbsClient(TencentApiClient api)
{
    /// <summary>Disks by id; those that do not exist are left out.</summary>
    public async Task<IReadOnlyList<CloudDisk>> DescribeDisksAsync(IReadOnlyList<string> diskIds, CancellationToken ct)
    {
        DescribeDisksResponse answer = await api.CallAsync(
            new ApiAction("cbs", "2017-03-12", "DescribeDisks", ReadOnly: true),
            new DescribeDisksRequest { DiskIds = diskIds },
            ApiJson.Default.DescribeDisksRequest, ApiJson.Default.ApiEnvelopeDescribeDisksResponse, ct).ConfigureAwait(false);
        return answer.DiskSet ?? [];
    }
}

/// <summary>TAT 2020-10-28: commands inside a running instance, where its automation agent is there.</summary>
public sealed class TatClient(TencentApiClient api)
{
    private const string Service = "tat";
    private const string Version = "2020-10-28";

    /// <summary>Whether the agent of an instance answers.</summary>
    public async Task<bool> IsAgentOnlineAsync(string instanceId, CancellationToken ct)
    {
        DescribeAutomationAgentStatusResponse answer = await api.CallAsync(
            new ApiAction(Service, Version, "DescribeAutomationAgentStatus", ReadOnly: true),
            new InstanceIdsRequest { InstanceIds = [instanceId] },
            ApiJson.Default.InstanceIdsRequest, ApiJson.Default.ApiEnvelopeDescribeAutomationAgentStatusResponse, ct).ConfigureAwait(false);
        return answer.AutomationAgentSet is [{ AgentStatus: "Online" }, ..];
    }

    /// <summary>Starts a shell script; its end is asked for by <see cref="ResultAsync"/>.</summary>
    /// <returns>The invocation's id.</returns>
    public async Task<string> RunAsync(string instanceId, string script, CancellationToken ct)
    {
        RunCommandResponse answer = await api.CallAsync(
            new ApiAction(Service, Version, "RunCommand", ReadOnly: false),
            new RunCommandRequest { Content = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(script)), InstanceIds = [instanceId], CommandType = "SHELL", Timeout = 60 },
            ApiJson.Default.RunCommandRequest, ApiJson.Default.ApiEnvelopeRunCommandResponse, ct).ConfigureAwait(false);
        return answer.InvocationId ?? "";
    }

    /// <summary>Exit code and output of a script; null as long as it runs.</summary>
    public async Task<(long ExitCode, string Output)?> ResultAsync(string invocationId, CancellationToken ct)
    {
        DescribeInvocationTasksResponse answer = await api.CallAsync(
            new ApiAction(Service, Version, "DescribeInvocationTasks", ReadOnly: true),
            new DescribeInvocationTasksRequest { Filters = [new ApiFilter { Name = "invocation-id", Values = [invocationId] }], HideOutput = false },
            ApiJson.Default.DescribeInvocationTasksRequest, ApiJson.Default.ApiEnvelopeDescribeInvocationTasksResponse, ct).ConfigureAwait(false);
        if (answer.InvocationTaskSet is not [{ } task, ..] || task.TaskStatus is "PENDING" or "DELIVERING" or "DELIVER_DELAYED" or "RUNNING")
        {
            return null;
        }

        byte[] output = new byte[(task.TaskResult?.Output?.Length ?? 0) + 3];
        return Convert.TryFromBase64String(task.TaskResult?.Output ?? "", output, out int length)
            ? (task.TaskResult?.ExitCode ?? -1, System.Text.Encoding.UTF8.GetString(output.AsSpan(0, length)))
            : (-1, "");
    }
}
