using NativeSync.Migration.Api;

namespace NativeSync.Migration.Simulator;

/// <summary>The part of an instance that changes.</summary>
internal readonly record struct InstanceView(string State, string? Operation, string? OperationState, string? RequestId, string? Error);

/// <summary>
/// One instance and its states. Guarded by the simulator's gate, as everything that is mutable here.
/// A change of state becomes visible at once as "under way", and is finished after a number of looks at it.
/// </summary>
public sealed class SimulatedInstance
{
    private Task? _backingWork;
    private string _target = "";
    private string _fallback = "";
    private int _looksLeft;
    private int _staleLeft;
    private InstanceView _stale;

    /// <summary>ins-….</summary>
    public required string InstanceId { get; init; }

    /// <summary>Region that it is in.</summary>
    public required string Region { get; init; }

    /// <summary>What stands behind it.</summary>
    public IInstanceBacking Backing { get; init; } = new NoBacking();

    /// <summary>Operating system as shown.</summary>
    public string OsName { get; init; } = "Debian Server 12.0 64bit";

    /// <summary>NORMAL, EXPIRED or PROTECTIVELY_ISOLATED.</summary>
    public string RestrictState { get; set; } = "NORMAL";

    /// <summary>The system disk.</summary>
    public InstanceDisk SystemDisk { get; init; } = new() { DiskId = "disk-sim00000", DiskType = "CLOUD_PREMIUM", DiskSize = 50 };

    /// <summary>Data disks in the order of their index.</summary>
    public IReadOnlyList<InstanceDisk> DataDisks { get; init; } = [];

    /// <summary>Groups bound to it.</summary>
    public IReadOnlyList<string> SecurityGroupIds { get; init; } = ["sg-sim00000"];

    /// <summary>Private address.</summary>
    public string PrivateAddress { get; init; } = "127.0.0.1";

    /// <summary>Public address; null for none, which the API shows as null.</summary>
    public string? PublicAddress { get; init; } = "127.0.0.1";

    /// <summary>Mbit/s from its public address.</summary>
    public int Bandwidth { get; init; } = 100;

    /// <summary>Present state.</summary>
    public string State { get; set; } = InstanceStates.Running;

    /// <summary>LatestOperation; null as long as nothing was done.</summary>
    public string? LatestOperation { get; private set; }

    /// <summary>SUCCESS, OPERATING, FAILED or null.</summary>
    public string? LatestOperationState { get; private set; }

    /// <summary>Request that began it.</summary>
    public string? LatestOperationRequestId { get; private set; }

    /// <summary>Why it failed.</summary>
    public string? LatestOperationError { get; private set; }

    /// <summary>Whether the automation agent answers while the instance runs.</summary>
    public bool HasTatAgent { get; init; }

    /// <summary>What every command gives that the automation agent runs, where nothing stands behind the instance that could run it.</summary>
    public string TatOutput { get; init; } = "Simulated Linux\nrunning\n";

    /// <summary>How often each action was accepted, for tests.</summary>
    public Dictionary<string, int> Accepted { get; } = [];

    /// <summary>Whether a change is under way.</summary>
    public bool Busy => LatestOperationState == "OPERATING";

    /// <summary>What a look at it shows, which may be what was true a while ago.</summary>
    internal InstanceView View => _staleLeft > 0 ? _stale : new(State, LatestOperation, LatestOperationState, LatestOperationRequestId, LatestOperationError);

    internal void Begin(string action, string requestId, string through, string target, int looks, int staleLooks, Task work)
    {
        _stale = View;
        _staleLeft = staleLooks == 0 ? 0 : staleLooks + 1;
        Accepted[action] = Accepted.GetValueOrDefault(action) + 1;
        LatestOperation = action;
        LatestOperationState = "OPERATING";
        LatestOperationRequestId = requestId;
        LatestOperationError = null;
        _fallback = State;
        State = through;
        _target = target;
        _looksLeft = looks;
        _backingWork = work;
    }

    /// <summary>Somebody looks: one step nearer to the end of what is under way.</summary>
    /// <param name="failure">Non-null lets the operation fail with this message instead of finishing.</param>
    internal void Look(string? failure)
    {
        if (_staleLeft > 0 && --_staleLeft > 0)
        {
            return;
        }

        if (!Busy || _looksLeft-- > 0 || _backingWork is not { IsCompleted: true } work)
        {
            return;
        }

        failure ??= work.IsFaulted ? work.Exception?.InnerException?.Message ?? "the operation failed" : null;
        State = failure is null ? _target : _fallback;
        LatestOperationState = failure is null ? "SUCCESS" : "FAILED";
        LatestOperationError = failure;
        _backingWork = null;
    }
}
