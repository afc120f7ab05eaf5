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
