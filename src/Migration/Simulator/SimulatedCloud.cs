using NativeSync.Migration.Api;

namespace NativeSync.Migration.Simulator;

/// <summary>One authentic call.</summary>
internal sealed record ApiCall(string Action, string Version, string Region, RequestParameters Parameters, string RequestId);

/// <summary>
/// What the API does: walks instances through their states (the state machine is inferred from the documentation of each
/// action, since the cloud does not publish one), refuses what a state does not allow, and answers from what it holds.
/// </summary>
internal sealed class SimulatedCloud
{
    private const string ServiceVersion = "2017-03-12"; // of CVM, CBS and VPC alike
    private const string TatVersion = "2020-10-28";

    private readonly SimulatorOptions _options;
    private readonly CancellationToken _stop;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SimulatedInstance> _instances = new(StringComparer.Ordinal); // guarded by _gate
    private readonly Dictionary<string, (SimulatedInstance Instance, Task<AgentAnswer?> Work)> _invocations = new(StringComparer.Ordinal); // guarded by _gate

    public SimulatedCloud(SimulatorOptions options, IReadOnlyList<SimulatedInstance> instances, CancellationToken stop)
    {
        _options = options;
        _stop = stop;
        foreach (SimulatedInstance instance in instances)
        {
            _instances.Add(instance.InstanceId, instance);
        }
    }

    /// <summary>State of the instance that a body names; empty when it names none.</summary>
    public string StateOf(string body)
    {
        lock (_gate)
        {
            foreach (SimulatedInstance instance in _instances.Values)
            {
                if (body.Contains(instance.InstanceId, StringComparison.Ordinal))
                {
                    return instance.State;
                }
            }

            return "";
        }
    }

    /// <summary>Carries a call out.</summary>
    /// <param name="call">The call.</param>
    /// <param name="failure">Lets the operation under way on the instance fail with this message.</param>
    /// <exception cref="SimulatorException">The API refuses.</exception>
    public byte[] Carry(ApiCall call, string? failure)
    {
        if (call.Version != (call.Action is "RunCommand" or "DescribeInvocationTasks" or "DescribeAutomationAgentStatus" ? TatVersion : ServiceVersion))
        {
            throw new SimulatorException("NoSuchVersion", $"The version `{call.Version}` does not exist.");
        }

        if (call.Region.Length == 0)
        {
            throw new SimulatorException("MissingParameter", "The header X-TC-Region is missing.");
        }

        lock (_gate)
        {
            return call.Action switch
            {
                "DescribeInstances" => SimulatorAnswers.Instances(LookAt(call, failure, out int offset, out int limit), offset, limit, _options.Nulls, call.RequestId),
                "DescribeInstancesStatus" => SimulatorAnswers.Statuses(LookAt(call, failure, out int offset, out int limit), offset, limit, call.RequestId),
                "EnterRescueMode" => EnterRescue(call),
                "ExitRescueMode" => ExitRescue(call),
                "StartInstances" => StartAll(call),
                "StopInstances" => StopAll(call),
                "DescribeDisks" => DescribeDisks(call),
                "DescribeSecurityGroupPolicies" => DescribePolicies(call),
                "DescribeAutomationAgentStatus" => AgentStatus(call),
                "RunCommand" => RunCommand(call),
                "DescribeInvocationTasks" => InvocationTasks(call),
                _ => throw new SimulatorException("InvalidAction", $"The action `{call.Action}` does not exist."),
            };
        }
    }

    private byte[] EnterRescue(ApiCall call)
    {
        RequestParameters p = call.Parameters;
        string id = p.Required("InstanceId");
        string password = p.Required("Password");
        string user = p.Optional("Username") ?? "root";
        string? stopType = p.Optional("StopType");
        if (p.Has("ForceStop") && stopType is not null)
        {
            throw new SimulatorException("InvalidParameter", "ForceStop and StopType cannot be used together.");
        }

        p.RefuseOthers();
        DemandStopType(stopType);
        SimulatedInstance instance = Find(id, call.Region);
        if (!RescuePasswordRule.Accepts(password))
        {
            throw new SimulatorException("InvalidParameterValue.InvalidPassword", "The password does not satisfy the rules.");
        }

        if (instance.RestrictState != "NORMAL")
        {
            throw new SimulatorException("UnsupportedOperation.InstanceStateIsolating", "The instance has expired or is isolated.");
        }

        if (instance.OsName.Contains("Windows", StringComparison.OrdinalIgnoreCase))
        {
            throw new SimulatorException("UnsupportedOperation.InstanceOsWindows", "The operation is not supported for Windows.");
        }

        Demand(instance, InstanceStates.Running, InstanceStates.Stopped);
        Begin(call, instance, InstanceStates.EnterRescueMode, InstanceStates.RescueMode, instance.Backing.EnterRescueAsync(user, password, _stop));
        return SimulatorAnswers.Accepted(call.RequestId);
    }

    private byte[] ExitRescue(ApiCall call)
    {
        SimulatedInstance instance = Find(call.Parameters.Required("InstanceId"), call.Region);
        call.Parameters.RefuseOthers();
        Demand(instance, InstanceStates.RescueMode);
        Begin(call, instance, InstanceStates.ExitRescueMode, InstanceStates.Stopped, instance.Backing.ExitRescueAsync(_stop));
        return SimulatorAnswers.Accepted(call.RequestId);
    }

    private byte[] StartAll(ApiCall call)
    {
        List<SimulatedInstance> all = FindAll(call);
        foreach (SimulatedInstance i in all)
        {
            Demand(i, InstanceStates.Stopped);
            Begin(call, i, InstanceStates.Starting, InstanceStates.Running, i.Backing.StartAsync(_stop));
        }

        return SimulatorAnswers.Accepted(call.RequestId);
    }

    private byte[] StopAll(ApiCall call)
    {
        DemandStopType(call.Parameters.Optional("StopType"));
        _ = (call.Parameters.Optional("StoppedMode"), call.Parameters.Has("ForceStop"));
        List<SimulatedInstance> all = FindAll(call);
        foreach (SimulatedInstance i in all)
        {
            Demand(i, InstanceStates.Running);
            Begin(call, i, InstanceStates.Stopping, InstanceStates.Stopped, i.Backing.StopAsync(_stop));
        }

        return SimulatorAnswers.Accepted(call.RequestId);
    }

    private byte[] DescribeDisks(ApiCall call)
    {
        IReadOnlyList<string> ids = call.Parameters.Strings("DiskIds");
        _ = (call.Parameters.Integer("Offset"), call.Parameters.Integer("Limit"));
        call.Parameters.RefuseOthers();
        return SimulatorAnswers.Disks(_instances.Values, ids, call.RequestId);
    }

    private byte[] DescribePolicies(ApiCall call)
    {
        string group = call.Parameters.Required("SecurityGroupId");
        _ = call.Parameters.Has("Filters");
        call.Parameters.RefuseOthers();
        return SimulatorAnswers.Policies(_options.SecurityGroups?.GetValueOrDefault(group) ?? SimulatorAnswers.OpenGroup, call.RequestId);
    }

    private byte[] AgentStatus(ApiCall call)
    {
        List<SimulatedInstance> all = FindAll(call);
        return SimulatorAnswers.Agents(all, call.RequestId);
    }

    private byte[] RunCommand(ApiCall call)
    {
        RequestParameters p = call.Parameters;
        string content = p.Required("Content");
        _ = (p.Optional("CommandType"), p.Optional("Username"), p.Optional("CommandName"), p.Optional("WorkingDirectory"), p.Integer("Timeout"));
        SimulatedInstance instance = FindAll(call)[0];
        if (instance.State != InstanceStates.Running || !instance.HasTatAgent)
        {
            throw new SimulatorException("ResourceUnavailable.AgentStatusNotOnline", "Agent is not online.");
        }

        string command;
        try
        {
            command = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(content));
        }
        catch (FormatException)
        {
            throw new SimulatorException("InvalidParameterValue.CommandContentInvalid", "Content is not base64.");
        }

        string invocation = $"inv-{_invocations.Count:x8}";
        _invocations.Add(invocation, (instance, instance.Backing.RunScriptAsync(command, _stop)));
        return SimulatorAnswers.Invoked(invocation, call.RequestId);
    }

    private byte[] InvocationTasks(ApiCall call)
    {
        IReadOnlyList<string> ids = call.Parameters.FilterValues("invocation-id");
        _ = (call.Parameters.Has("HideOutput"), call.Parameters.Integer("Limit"), call.Parameters.Integer("Offset"));
        call.Parameters.RefuseOthers();
        return SimulatorAnswers.Tasks([.. ids.Where(_invocations.ContainsKey).Select(id => (id, _invocations[id].Instance, _invocations[id].Work))], call.RequestId);
    }

    private void Begin(ApiCall call, SimulatedInstance instance, string through, string target, Task work)
        => instance.Begin(call.Action, call.RequestId, through, target, _options.LooksPerChange, _options.StaleLooks, work);

    private List<SimulatedInstance> LookAt(ApiCall call, string? failure, out int offset, out int limit)
    {
        RequestParameters p = call.Parameters;
        IReadOnlyList<string> ids = p.Strings("InstanceIds");
        _ = p.Has("Filters"); // Accepted and not evaluated: our client asks by id.
        offset = (int)(p.Integer("Offset") ?? 0);
        limit = (int)(p.Integer("Limit") ?? 20);
        p.RefuseOthers();
        if (limit is < 1 or > 100 || offset < 0)
        {
            throw new SimulatorException("InvalidParameterValue.Range", "Limit should be from 1 to 100, Offset 0 or more.");
        }

        List<SimulatedInstance> found = [];
        foreach (SimulatedInstance i in ids.Count == 0 ? _instances.Values.Where(i => i.Region == call.Region) : ids.Select(id => FindOrNull(id, call.Region)).OfType<SimulatedInstance>())
        {
            i.Look(failure);
            found.Add(i);
        }

        return found.Count < ids.Count && !_options.UnknownInstanceIsEmpty ? throw NotFound(ids[0]) : found;
    }

    private List<SimulatedInstance> FindAll(ApiCall call)
    {
        IReadOnlyList<string> ids = call.Parameters.Strings("InstanceIds");
        call.Parameters.RefuseOthers();
        return ids.Count == 0
            ? throw new SimulatorException("MissingParameter", "The request is missing the parameter `InstanceIds`.")
            : [.. ids.Select(id => Find(id, call.Region))];
    }

    private SimulatedInstance Find(string id, string region) => FindOrNull(id, region) ?? throw NotFound(id);

    private SimulatedInstance? FindOrNull(string id, string region)
    {
        if (!id.StartsWith("ins-", StringComparison.Ordinal) || id.Length < 8)
        {
            throw new SimulatorException("InvalidInstanceId.Malformed", $"The instance id `{id}` is malformed.");
        }

        return _instances.TryGetValue(id, out SimulatedInstance? instance) && instance.Region == region ? instance : null;
    }

    private static SimulatorException NotFound(string id) => new("InvalidInstanceId.NotFound", $"The instance `{id}` does not exist.");

    private static void DemandStopType(string? stopType)
    {
        if (stopType is not (null or "SOFT" or "SOFT_FIRST" or "HARD"))
        {
            throw new SimulatorException("InvalidParameterValue", $"The StopType `{stopType}` is not one of SOFT, SOFT_FIRST, HARD.");
        }
    }

    private static void Demand(SimulatedInstance instance, params ReadOnlySpan<string> states)
    {
        if (instance.Busy)
        {
            throw new SimulatorException("OperationDenied.InstanceOperationInProgress", "Another operation on the instance is in progress.");
        }

        if (!states.Contains(instance.State))
        {
            string name = string.Concat(instance.State.Split('_').Select(w => w[..1] + w[1..].ToLowerInvariant()));
            throw new SimulatorException($"UnsupportedOperation.InstanceState{name}", $"The instance is in the state {instance.State}.");
        }
    }
}
