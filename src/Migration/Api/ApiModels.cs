using System.Text.Json.Serialization;

namespace NativeSync.Migration.Api;

/// <summary>The outermost object of every answer.</summary>
internal sealed class ApiEnvelope<T>
    where T : ApiResponse
{
    public T? Response { get; set; }
}

/// <summary>What every answer has.</summary>
internal class ApiResponse
{
    public ApiError? Error { get; set; }

    public string? RequestId { get; set; }
}

/// <summary>The error of an answer.</summary>
internal sealed class ApiError
{
    public string? Code { get; set; }

    public string? Message { get; set; }
}

internal sealed class InstanceIdsRequest
{
    public required IReadOnlyList<string> InstanceIds { get; init; }
}

internal sealed class EnterRescueModeRequest
{
    public required string InstanceId { get; init; }

    public required string Password { get; init; }

    public string? Username { get; init; }

    public string? StopType { get; init; }
}

internal sealed class ExitRescueModeRequest
{
    public required string InstanceId { get; init; }
}

internal sealed class StopInstancesRequest
{
    public required IReadOnlyList<string> InstanceIds { get; init; }

    public string? StopType { get; init; }
}

internal sealed class DescribeDisksRequest
{
    public required IReadOnlyList<string> DiskIds { get; init; }
}

internal sealed class DescribeSecurityGroupPoliciesRequest
{
    public required string SecurityGroupId { get; init; }
}

internal sealed class RunCommandRequest
{
    public required string Content { get; init; }

    public required IReadOnlyList<string> InstanceIds { get; init; }

    public required string CommandType { get; init; }

    public long? Timeout { get; init; }
}

internal sealed class ApiFilter
{
    public required string Name { get; init; }

    public required IReadOnlyList<string> Values { get; init; }
}

internal sealed class DescribeInvocationTasksRequest
{
    public required IReadOnlyList<ApiFilter> Filters { get; init; }

    public required bool HideOutput { get; init; }
}

internal sealed class RunCommandResponse : ApiResponse
{
    public string? InvocationId { get; set; }
}

internal sealed class DescribeAutomationAgentStatusResponse : ApiResponse
{
    public List<AutomationAgent>? AutomationAgentSet { get; set; }
}

internal sealed class AutomationAgent
{
    public string? AgentStatus { get; set; }
}

internal sealed class DescribeInvocationTasksResponse : ApiResponse
{
    public List<InvocationTask>? InvocationTaskSet { get; set; }
}

internal sealed class InvocationTask
{
    public string? TaskStatus { get; set; }

    public TaskResult? TaskResult { get; set; }
}

internal sealed class TaskResult
{
    public long? ExitCode { get; set; }

    public string? Output { get; set; }
}

internal sealed class DescribeInstancesResponse : ApiResponse
{
    public long? TotalCount { get; set; }

    public List<Instance>? InstanceSet { get; set; }
}

internal sealed class DescribeInstancesStatusResponse : ApiResponse
{
    public List<InstanceStatus>? InstanceStatusSet { get; set; }
}

internal sealed class DescribeDisksResponse : ApiResponse
{
    public List<CloudDisk>? DiskSet { get; set; }
}

internal sealed class DescribeSecurityGroupPoliciesResponse : ApiResponse
{
    public SecurityGroupPolicySet? SecurityGroupPolicySet { get; set; }
}

/// <summary>An instance as DescribeInstances shows it (tencentcloud.com/document/api/213/33258); most fields may be null.</summary>
public sealed class Instance
{
    /// <summary>ins-….</summary>
    public string? InstanceId { get; set; }

    /// <summary>Name given by the user.</summary>
    public string? InstanceName { get; set; }

    /// <summary>One of <see cref="InstanceStates"/>.</summary>
    public string? InstanceState { get; set; }

    /// <summary>NORMAL, EXPIRED or PROTECTIVELY_ISOLATED.</summary>
    public string? RestrictState { get; set; }

    /// <summary>Such as "TencentOS Server 3.1".</summary>
    public string? OsName { get; set; }

    /// <summary>The system disk.</summary>
    public InstanceDisk? SystemDisk { get; set; }

    /// <summary>The data disks; the order is the one that user.json's Index counts.</summary>
    public List<InstanceDisk>? DataDisks { get; set; }

    /// <summary>Addresses inside the VPC.</summary>
    public List<string>? PrivateIpAddresses { get; set; }

    /// <summary>Public addresses, or null.</summary>
    public List<string>? PublicIpAddresses { get; set; }

    /// <summary>IPv6 addresses, or null.</summary>
    public List<string>? IPv6Addresses { get; set; }

    /// <summary>Public IPv6 addresses, or null.</summary>
    public List<string>? PublicIPv6Addresses { get; set; }

    /// <summary>Its way to the Internet.</summary>
    public InternetAccess? InternetAccessible { get; set; }

    /// <summary>The groups bound to it, in order.</summary>
    public List<string>? SecurityGroupIds { get; set; }

    /// <summary>The action that was last carried out or is under way.</summary>
    public string? LatestOperation { get; set; }

    /// <summary>SUCCESS, OPERATING or FAILED.</summary>
    public string? LatestOperationState { get; set; }

    /// <summary>The id of the call that started it.</summary>
    public string? LatestOperationRequestId { get; set; }

    /// <summary>Why it failed.</summary>
    public string? LatestOperationErrorMsg { get; set; }
}

/// <summary>An instance's way to the Internet.</summary>
public sealed class InternetAccess
{
    /// <summary>Mbit/s from the instance; 0 or null for none of its own.</summary>
    public long? InternetMaxBandwidthOut { get; set; }
}

/// <summary>A disk of an instance.</summary>
public sealed class InstanceDisk
{
    /// <summary>disk-….</summary>
    public string? DiskId { get; set; }

    /// <summary>CLOUD_PREMIUM, CLOUD_SSD ….</summary>
    public string? DiskType { get; set; }

    /// <summary>Size in GiB.</summary>
    public long? DiskSize { get; set; }
}

/// <summary>An instance's state alone.</summary>
public sealed class InstanceStatus
{
    /// <summary>ins-….</summary>
    public string? InstanceId { get; set; }

    /// <summary>One of <see cref="InstanceStates"/>.</summary>
    public string? InstanceState { get; set; }
}

/// <summary>A disk as CBS knows it.</summary>
public sealed class CloudDisk
{
    /// <summary>disk-….</summary>
    public string? DiskId { get; set; }

    /// <summary>SYSTEM_DISK or DATA_DISK.</summary>
    public string? DiskUsage { get; set; }

    /// <summary>ATTACHED and others.</summary>
    public string? DiskState { get; set; }

    /// <summary>Size in GB.</summary>
    public long? DiskSize { get; set; }

    /// <summary>The instance that it is attached to.</summary>
    public string? InstanceId { get; set; }
}

/// <summary>The rules of a security group.</summary>
public sealed class SecurityGroupPolicySet
{
    /// <summary>Version of the rules.</summary>
    public string? Version { get; set; }

    /// <summary>Rules for what comes in.</summary>
    public List<SecurityGroupPolicy>? Ingress { get; set; }

    /// <summary>Rules for what goes out.</summary>
    public List<SecurityGroupPolicy>? Egress { get; set; }
}

/// <summary>One rule of a security group.</summary>
public sealed class SecurityGroupPolicy
{
    /// <summary>Its place: lower is asked first.</summary>
    public long? PolicyIndex { get; set; }

    /// <summary>TCP, UDP, ICMP, ICMPv6 or ALL.</summary>
    public string? Protocol { get; set; }

    /// <summary>"all", a port, a range, or a list of these.</summary>
    public string? Port { get; set; }

    /// <summary>A template of services instead of protocol and port.</summary>
    public ServiceTemplate? ServiceTemplate { get; set; }

    /// <summary>IPv4 addresses that it is for.</summary>
    public string? CidrBlock { get; set; }

    /// <summary>IPv6 addresses that it is for.</summary>
    public string? Ipv6CidrBlock { get; set; }

    /// <summary>Another group that it is for.</summary>
    public string? SecurityGroupId { get; set; }

    /// <summary>A template of addresses instead of a block.</summary>
    public AddressTemplate? AddressTemplate { get; set; }

    /// <summary>ACCEPT or DROP.</summary>
    public string? Action { get; set; }
}

/// <summary>Reference to a template of services.</summary>
public sealed class ServiceTemplate
{
    /// <summary>ppm-….</summary>
    public string? ServiceId { get; set; }

    /// <summary>ppmg-….</summary>
    public string? ServiceGroupId { get; set; }
}

/// <summary>Reference to a template of addresses.</summary>
public sealed class AddressTemplate
{
    /// <summary>ipm-….</summary>
    public string? AddressId { get; set; }

    /// <summary>ipmg-….</summary>
    public string? AddressGroupId { get; set; }
}

/// <summary>Values of InstanceState.</summary>
public static class InstanceStates
{
#pragma warning disable CS1591 // The names are the API's own.
    public const string Running = "RUNNING";
    public const string Stopped = "STOPPED";
    public const string Starting = "STARTING";
    public const string Stopping = "STOPPING";
    public const string Rebooting = "REBOOTING";
    public const string Pending = "PENDING";
    public const string LaunchFailed = "LAUNCH_FAILED";
    public const string Shutdown = "SHUTDOWN";
    public const string Terminating = "TERMINATING";
    public const string EnterRescueMode = "ENTER_RESCUE_MODE";
    public const string RescueMode = "RESCUE_MODE";
    public const string ExitRescueMode = "EXIT_RESCUE_MODE";
    public const string EnterServiceLiveMigrate = "ENTER_SERVICE_LIVE_MIGRATE";
    public const string ServiceLiveMigrate = "SERVICE_LIVE_MIGRATE";
    public const string ExitServiceLiveMigrate = "EXIT_SERVICE_LIVE_MIGRATE";
#pragma warning restore CS1591
}

/// <summary>Source-generated readers and writers of the API's bodies.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(InstanceIdsRequest))]
[JsonSerializable(typeof(EnterRescueModeRequest))]
[JsonSerializable(typeof(ExitRescueModeRequest))]
[JsonSerializable(typeof(StopInstancesRequest))]
[JsonSerializable(typeof(DescribeDisksRequest))]
[JsonSerializable(typeof(DescribeSecurityGroupPoliciesRequest))]
[JsonSerializable(typeof(RunCommandRequest))]
[JsonSerializable(typeof(DescribeInvocationTasksRequest))]
[JsonSerializable(typeof(RoleAnswer))]
[JsonSerializable(typeof(ApiEnvelope<RunCommandResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeAutomationAgentStatusResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeInvocationTasksResponse>))]
[JsonSerializable(typeof(ApiEnvelope<ApiResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeInstancesResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeInstancesStatusResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeDisksResponse>))]
[JsonSerializable(typeof(ApiEnvelope<DescribeSecurityGroupPoliciesResponse>))]
internal sealed partial class ApiJson : JsonSerializerContext;
