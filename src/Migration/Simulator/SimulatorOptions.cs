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

    /// <summary>The CAM role whose temporary credentials the metadata service hands out; null for an instance without a role.</summary>
    public string? Role { get; init; }

    /// <summary>How many looks at an instance it takes until a change is finished.</summary>
    public int LooksPerChange { get; init; } = 2;

    /// <summary>How many looks still show what was before an accepted change: the API is consistent only after a while.</summary>
    public int StaleLooks { get; init; }

    /// <summary>Calls of one action in one second before RequestLimitExceeded; 0 for no limit.</summary>
    public int CallsPerSecond { get; init; }

    /// <summary>Answer null for every field that the API documents as "may be null".</summary>
    public bool Nulls { get; init; }

    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Asked before each call; a non-null answer is what goes wrong with it.</summary>
    public Func<SimulatedCall, SimulatedFault?>? Fault { get; init; }

    /// <summary>Shown each request as it came, for judges that compare clients.</summary>
    public Action<HttpRequestData>? Observed { get; init; }

    /// <summary>Ingress rules of each security group; a group that is not here accepts TCP 22, 80 and 443 from everywhere.</summary>
    public IReadOnlyDictionary<string, SecurityGroupPolicySet>? SecurityGroups { get; init; }

    /// <summary>Answer an unknown instance by an empty set instead of InvalidInstanceId.NotFound: both are seen.</summary>
    public bool UnknownInstanceIsEmpty { get; init; }
}
