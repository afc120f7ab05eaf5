using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Simulator;

/// <summary>What the simulator is to be.</summary>
public sealed record SimulatorOptions
{
    /// <summary>The one key that it knows.</summary>
    public required string SecretId { get; init; }

    /// <summary>Its secret.</summary>
    public required string SecretKey { get; init; }

    /// <summary>The token that must come with it; null for a permanent key.</summary>
    public string? Token { get; init; }

    /// <summary>How many looks at an instance it takes until a change is finished.</summary>
    public int LooksPerChange { get; init; } = 2;

    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Asked before each call; a non-null answer is what goes wrong with it.</summary>
    public Func<SimulatedCall, SimulatedFault?>? Fault { get; init; }

    /// <summary>Ingress rules of each security group; a group that is not here accepts TCP 22, 80 and 443 from everywhere.</summary>
    public IReadOnlyDictionary<string, SecurityGroupPolicySet>? SecurityGroups { get; init; }

    /// <summary>Answer an unknown instance by an empty set instead of InvalidInstanceId.NotFound: both are seen.</summary>
    public bool UnknownInstanceIsEmpty { get; init; }
}

/// <summary>
/// The part of the Tencent Cloud API that a migration needs, as an HTTP server on loopback. It verifies TC3 signatures and
/// walks its instances through their states. What is inferred and not documented: <c>reference</c> notes, §2.3.
/// </summary>
public sealed class CloudSimulator : IAsyncDisposable
{
    private readonly SimulatorOptions _options;
    private readonly LoopbackHttpServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SimulatedInstance> _instances = new(StringComparer.Ordinal); // guarded by _gate
    private readonly Dictionary<string, int> _calls = new(StringComparer.Ordinal); // guarded by _gate
    private long _requests;
    private int _disposed;

    /// <summary>Starts it with its instances.</summary>
    public CloudSimulator(SimulatorOptions options, params IReadOnlyList<SimulatedInstance> instances)
    {
        _options = options;
        foreach (SimulatedInstance instance in instances)
        {
            _instances.Add(instance.InstanceId, instance);
        }

        _server = new LoopbackHttpServer(HandleAsync, options.Time);
    }

    /// <summary>The value for Client.Api.Endpoint.</summary>
    public string Endpoint => $"http://127.0.0.1:{_server.Port}";

    /// <summary>How often each action was called, refused calls included.</summary>
    public IReadOnlyDictionary<string, int> Calls
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<string, int>(_calls);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _server.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<HttpResponseData> HandleAsync(HttpRequestData request, CancellationToken ct)
    {
        string requestId = new Guid((int)Interlocked.Increment(ref _requests), 0x4e53, 0x5953, [0x80, 0, 0, 0, 0, 0, 0, 1]).ToString();
        string action = request.Header("X-TC-Action") ?? "";
        SimulatedFault? fault = FaultOf(request, action);
        switch (fault?.Kind)
        {
            case FaultKind.BadGateway:
                return new(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"u8.ToArray());
            case FaultKind.CutBefore:
                return new(200, "", []) { Cut = true };
            case FaultKind.BrokenJson:
                return new(200, "application/json", "{\"Response\":{\"RequestId\":\"a"u8.ToArray());
            case FaultKind.Slow:
                await Task.Delay(fault.Delay, _options.Time, ct).ConfigureAwait(false);
                break;
        }

        byte[] body;
        try
        {
            if (request is not { Method: "POST", Target: "/" })
            {
                throw new SimulatorException("InvalidRequest", "Only POST requests to / are understood.");
            }

            SignatureVerifier.Verify(request, _options.SecretId, _options.SecretKey, _options.Token, _options.Time.GetUtcNow());
            if (fault?.Kind == FaultKind.Error)
            {
                throw new SimulatorException(fault.Code, fault.Message);
            }

            using RequestParameters parameters = new(request.Body);
            string? failure = fault?.Kind == FaultKind.OperationFails ? fault.Message : null;
            body = Carry(action, request.Header("X-TC-Version") ?? "", request.Header("X-TC-Region") ?? "", parameters, requestId, failure);
        }
        catch (SimulatorException e)
        {
            body = SimulatorAnswers.Error(e.Code, e.Message, requestId);
        }

        return new HttpResponseData(200, "application/json", body) { Cut = fault?.Kind == FaultKind.CutAfter };
    }

    private SimulatedFault? FaultOf(HttpRequestData request, string action)
    {
        lock (_gate)
        {
            int count = _calls[action] = _calls.GetValueOrDefault(action) + 1;
            string state = _instances.Values.FirstOrDefault(i => Encoding.UTF8.GetString(request.Body).Contains(i.InstanceId, StringComparison.Ordinal))?.State ?? "";
            return _options.Fault?.Invoke(new SimulatedCall(action, count, state));
        }
    }

    private byte[] Carry(string action, string version, string region, RequestParameters p, string requestId, string? failure)
    {
        if (version != "2017-03-12")
        {
            throw new SimulatorException("NoSuchVersion", $"The version `{version}` does not exist.");
        }

        if (region.Length == 0)
        {
            throw new SimulatorException("MissingParameter", "The header X-TC-Region is missing.");
        }

        lock (_gate)
        {
            switch (action)
            {
                case "DescribeInstances":
                    List<SimulatedInstance> seen = LookAt(p, region, failure, out int offset, out int limit);
                    return SimulatorAnswers.Instances(seen, offset, limit, requestId);
                case "DescribeInstancesStatus":
                    return SimulatorAnswers.Statuses(LookAt(p, region, failure, out offset, out limit), offset, limit, requestId);
                case "EnterRescueMode":
                    return EnterRescue(p, region, requestId);
                case "ExitRescueMode":
                    SimulatedInstance leaving = Find(p.Required("InstanceId"), region);
                    p.RefuseOthers();
                    Demand(leaving, InstanceStates.RescueMode);
                    leaving.Begin(action, requestId, InstanceStates.ExitRescueMode, InstanceStates.Stopped, _options.LooksPerChange, leaving.Backing.ExitRescueAsync(_stop.Token));
                    return SimulatorAnswers.Accepted(requestId);
                case "StartInstances":
                    foreach (SimulatedInstance i in FindAll(p, region))
                    {
                        Demand(i, InstanceStates.Stopped);
                        i.Begin(action, requestId, InstanceStates.Starting, InstanceStates.Running, _options.LooksPerChange, i.Backing.StartAsync(_stop.Token));
                    }

                    return SimulatorAnswers.Accepted(requestId);
                case "StopInstances":
                    _ = (p.Optional("StopType"), p.Optional("StoppedMode"), p.Has("ForceStop"));
                    foreach (SimulatedInstance i in FindAll(p, region))
                    {
                        Demand(i, InstanceStates.Running);
                        i.Begin(action, requestId, InstanceStates.Stopping, InstanceStates.Stopped, _options.LooksPerChange, i.Backing.StopAsync(_stop.Token));
                    }

                    return SimulatorAnswers.Accepted(requestId);
                case "DescribeDisks":
                    IReadOnlyList<string> ids = p.Strings("DiskIds");
                    _ = (p.Integer("Offset"), p.Integer("Limit"));
                    p.RefuseOthers();
                    return SimulatorAnswers.Disks(_instances.Values, ids, requestId);
                case "DescribeSecurityGroupPolicies":
                    string group = p.Required("SecurityGroupId");
                    _ = p.Has("Filters");
                    p.RefuseOthers();
                    return SimulatorAnswers.Policies(_options.SecurityGroups?.GetValueOrDefault(group) ?? SimulatorAnswers.OpenGroup, requestId);
                default:
                    throw new SimulatorException("InvalidAction", $"The action `{action}` does not exist.");
            }
        }
    }

    private byte[] EnterRescue(RequestParameters p, string region, string requestId)
    {
        string id = p.Required("InstanceId");
        string password = p.Required("Password");
        string user = p.Optional("Username") ?? "root";
        string? stopType = p.Optional("StopType");
        if (p.Has("ForceStop") && stopType is not null)
        {
            throw new SimulatorException("InvalidParameter", "ForceStop and StopType cannot be used together.");
        }

        p.RefuseOthers();
        if (stopType is not (null or "SOFT" or "SOFT_FIRST" or "HARD"))
        {
            throw new SimulatorException("InvalidParameterValue", $"The StopType `{stopType}` is not one of SOFT, SOFT_FIRST, HARD.");
        }

        SimulatedInstance instance = Find(id, region);
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
        Task work = instance.Backing.EnterRescueAsync(user, password, _stop.Token);
        instance.Begin("EnterRescueMode", requestId, InstanceStates.EnterRescueMode, InstanceStates.RescueMode, _options.LooksPerChange, work);
        return SimulatorAnswers.Accepted(requestId);
    }

    private List<SimulatedInstance> LookAt(RequestParameters p, string region, string? failure, out int offset, out int limit)
    {
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
        foreach (SimulatedInstance i in ids.Count == 0 ? _instances.Values.Where(i => i.Region == region) : ids.Select(id => FindOrNull(id, region)).OfType<SimulatedInstance>())
        {
            i.Look(failure);
            found.Add(i);
        }

        return found.Count < ids.Count && !_options.UnknownInstanceIsEmpty ? throw NotFound(ids[0]) : found;
    }

    private List<SimulatedInstance> FindAll(RequestParameters p, string region)
    {
        IReadOnlyList<string> ids = p.Strings("InstanceIds");
        p.RefuseOthers();
        return ids.Count == 0
            ? throw new SimulatorException("MissingParameter", "The request is missing the parameter `InstanceIds`.")
            : [.. ids.Select(id => Find(id, region))];
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
