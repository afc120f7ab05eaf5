using System.Buffers;
using System.Text.Json;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Simulator;

/// <summary>Writes the bodies of the answers, nulls included, as the API does.</summary>
internal static class SimulatorAnswers
{
    /// <summary>A group that lets SSH and the web in.</summary>
    public static readonly SecurityGroupPolicySet OpenGroup = new()
    {
        Version = "1",
        Ingress =
        [
            new() { PolicyIndex = 0, Protocol = "TCP", Port = "22", CidrBlock = "0.0.0.0/0", Action = "ACCEPT" },
            new() { PolicyIndex = 1, Protocol = "TCP", Port = "80,443", CidrBlock = "0.0.0.0/0", Action = "ACCEPT" },
        ],
        Egress = [new() { PolicyIndex = 0, Protocol = "ALL", Port = "all", CidrBlock = "0.0.0.0/0", Action = "ACCEPT" }],
    };

    public static byte[] Accepted(string requestId) => Write(requestId, _ => { });

    public static byte[] Error(string code, string message, string requestId) => Write(requestId, w =>
    {
        w.WriteStartObject("Error");
        w.WriteString("Code", code);
        w.WriteString("Message", message);
        w.WriteEndObject();
    });

    public static byte[] Instances(List<SimulatedInstance> found, int offset, int limit, bool nulls, string requestId) => Write(requestId, w =>
    {
        w.WriteNumber("TotalCount", found.Count);
        w.WriteStartArray("InstanceSet");
        foreach (SimulatedInstance i in found.Skip(offset).Take(limit))
        {
            WriteInstance(w, i, nulls);
        }

        w.WriteEndArray();
    });

    public static byte[] Statuses(List<SimulatedInstance> found, int offset, int limit, string requestId) => Write(requestId, w =>
    {
        w.WriteNumber("TotalCount", found.Count);
        w.WriteStartArray("InstanceStatusSet");
        foreach (SimulatedInstance i in found.Skip(offset).Take(limit))
        {
            w.WriteStartObject();
            w.WriteString("InstanceId", i.InstanceId);
            w.WriteString("InstanceState", i.View.State);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    });

    public static byte[] Disks(IEnumerable<SimulatedInstance> instances, IReadOnlyList<string> ids, string requestId) => Write(requestId, w =>
    {
        List<(InstanceDisk Disk, SimulatedInstance Owner, bool System)> disks = [];
        foreach (SimulatedInstance i in instances)
        {
            disks.Add((i.SystemDisk, i, true));
            disks.AddRange(i.DataDisks.Select(d => (d, i, false)));
        }

        List<(InstanceDisk Disk, SimulatedInstance Owner, bool System)> found = [.. disks.Where(d => ids.Count == 0 || ids.Contains(d.Disk.DiskId!))];
        w.WriteNumber("TotalCount", found.Count);
        w.WriteStartArray("DiskSet");
        foreach ((InstanceDisk disk, SimulatedInstance owner, bool system) in found)
        {
            w.WriteStartObject();
            w.WriteString("DiskId", disk.DiskId);
            w.WriteString("DiskUsage", system ? "SYSTEM_DISK" : "DATA_DISK");
            w.WriteString("DiskType", disk.DiskType);
            w.WriteString("DiskState", "ATTACHED");
            w.WriteNumber("DiskSize", disk.DiskSize ?? 0);
            w.WriteString("InstanceId", owner.InstanceId);
            w.WriteBoolean("Attached", true);
            w.WriteBoolean("Portable", !system);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    });

    public static byte[] Policies(SecurityGroupPolicySet set, string requestId) => Write(requestId, w =>
    {
        w.WriteStartObject("SecurityGroupPolicySet");
        w.WriteString("Version", set.Version);
        WritePolicies(w, "Egress", set.Egress);
        WritePolicies(w, "Ingress", set.Ingress);
        w.WriteEndObject();
    });

    public static byte[] Agents(List<SimulatedInstance> instances, string requestId) => Write(requestId, w =>
    {
        w.WriteStartArray("AutomationAgentSet");
        foreach (SimulatedInstance i in instances)
        {
            w.WriteStartObject();
            w.WriteString("InstanceId", i.InstanceId);
            w.WriteString("AgentStatus", i.HasTatAgent && i.State == InstanceStates.Running ? "Online" : "Offline");
            w.WriteString("Environment", "Linux");
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteNumber("TotalCount", instances.Count);
    });

    public static byte[] Invoked(string invocationId, string requestId) => Write(requestId, w =>
    {
        w.WriteString("CommandId", "cmd-sim00000");
        w.WriteString("InvocationId", invocationId);
    });

    public static byte[] Tasks(IReadOnlyList<(string Invocation, SimulatedInstance Instance, Task<AgentAnswer?> Work)> tasks, string requestId) => Write(requestId, w =>
    {
        w.WriteNumber("TotalCount", tasks.Count);
        w.WriteStartArray("InvocationTaskSet");
        foreach ((string invocation, SimulatedInstance instance, Task<AgentAnswer?> work) in tasks)
        {
            // What could not be started has failed in the eyes of the API, as what exits with another code than 0 has.
            AgentAnswer? answer = !work.IsCompleted ? null : !work.IsCompletedSuccessfully ? new(-1, "") : work.Result ?? new(0, instance.TatOutput);
            w.WriteStartObject();
            w.WriteString("InvocationId", invocation);
            w.WriteString("InstanceId", instance.InstanceId);
            w.WriteString("TaskStatus", answer is null ? "RUNNING" : answer.ExitCode == 0 ? "SUCCESS" : "FAILED");
            w.WriteStartObject("TaskResult");
            w.WriteNumber("ExitCode", answer?.ExitCode ?? 0);
            w.WriteBase64String("Output", System.Text.Encoding.UTF8.GetBytes(answer?.Output ?? ""));
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    });

    private static void WritePolicies(Utf8JsonWriter w, string name, List<SecurityGroupPolicy>? policies)
    {
        w.WriteStartArray(name);
        foreach (SecurityGroupPolicy p in policies ?? [])
        {
            w.WriteStartObject();
            w.WriteNumber("PolicyIndex", p.PolicyIndex ?? 0);
            w.WriteString("Protocol", p.Protocol);
            w.WriteString("Port", p.Port);
            w.WriteStartObject("ServiceTemplate");
            w.WriteString("ServiceId", p.ServiceTemplate?.ServiceId ?? "");
            w.WriteString("ServiceGroupId", p.ServiceTemplate?.ServiceGroupId ?? "");
            w.WriteEndObject();
            w.WriteString("CidrBlock", p.CidrBlock ?? "");
            w.WriteString("Ipv6CidrBlock", p.Ipv6CidrBlock ?? "");
            w.WriteString("SecurityGroupId", p.SecurityGroupId ?? "");
            w.WriteStartObject("AddressTemplate");
            w.WriteString("AddressId", p.AddressTemplate?.AddressId ?? "");
            w.WriteString("AddressGroupId", p.AddressTemplate?.AddressGroupId ?? "");
            w.WriteEndObject();
            w.WriteString("Action", p.Action);
            w.WriteString("PolicyDescription", "");
            w.WriteString("ModifyTime", "2020-01-01 00:00:00");
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteInstance(Utf8JsonWriter w, SimulatedInstance i, bool nulls)
    {
        w.WriteStartObject();
        w.WriteStartObject("Placement");
        w.WriteString("Zone", i.Region + "-1");
        w.WriteNumber("ProjectId", 0);
        w.WriteEndObject();
        w.WriteString("InstanceId", i.InstanceId);
        w.WriteString("InstanceType", "S5.MEDIUM2");
        w.WriteNumber("CPU", 2);
        w.WriteNumber("Memory", 2);
        w.WriteString("RestrictState", nulls && i.RestrictState == "NORMAL" ? null : i.RestrictState);
        w.WriteString("InstanceName", "simulated");
        w.WriteString("InstanceChargeType", "POSTPAID_BY_HOUR");
        w.WritePropertyName("SystemDisk");
        WriteDisk(w, i.SystemDisk);
        if (i.DataDisks.Count == 0)
        {
            w.WriteNull("DataDisks");
        }
        else
        {
            w.WriteStartArray("DataDisks");
            foreach (InstanceDisk disk in i.DataDisks)
            {
                WriteDisk(w, disk);
            }

            w.WriteEndArray();
        }

        WriteStrings(w, "PrivateIpAddresses", [i.PrivateAddress]);
        WriteStrings(w, "PublicIpAddresses", i.PublicAddress is null ? null : [i.PublicAddress]);
        w.WriteNull("IPv6Addresses");
        w.WriteNull("PublicIPv6Addresses");
        w.WriteStartObject("InternetAccessible");
        w.WriteNumber("InternetMaxBandwidthOut", i.PublicAddress is null ? 0 : i.Bandwidth);
        w.WriteEndObject();
        w.WriteString("ImageId", nulls ? null : "img-sim00000");
        w.WriteString("OsName", nulls ? null : i.OsName);
        WriteStrings(w, "SecurityGroupIds", nulls ? null : i.SecurityGroupIds);
        InstanceView view = i.View;
        w.WriteString("InstanceState", view.State);
        w.WriteString("StopChargingMode", nulls ? null : "NOT_APPLICABLE");
        w.WriteString("LatestOperation", nulls ? null : view.Operation);
        w.WriteString("LatestOperationState", nulls ? null : view.OperationState);
        w.WriteString("LatestOperationRequestId", nulls ? null : view.RequestId);
        w.WriteString("LatestOperationErrorMsg", nulls ? null : view.Error);
        w.WriteString("CreatedTime", "2020-01-01T00:00:00Z");
        w.WriteNull("ExpiredTime");
        w.WriteEndObject();
    }

    private static void WriteDisk(Utf8JsonWriter w, InstanceDisk disk)
    {
        w.WriteStartObject();
        w.WriteNumber("DiskSize", disk.DiskSize ?? 0);
        w.WriteString("DiskType", disk.DiskType);
        w.WriteString("DiskId", disk.DiskId);
        w.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter w, string name, IReadOnlyList<string>? values)
    {
        if (values is null)
        {
            w.WriteNull(name);
            return;
        }

        w.WriteStartArray(name);
        foreach (string value in values)
        {
            w.WriteStringValue(value);
        }

        w.WriteEndArray();
    }

    private static byte[] Write(string requestId, Action<Utf8JsonWriter> content)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter w = new(buffer))
        {
            w.WriteStartObject();
            w.WriteStartObject("Response");
            content(w);
            w.WriteString("RequestId", requestId);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
