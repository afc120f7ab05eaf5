using System.Collections.Concurrent;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Owners and groups by name across two machines: the sender tells the name of each id that it uses, the receiver looks for the
/// same name here, and keeps the number where there is none. Rules (--usermap, --groupmap) come before that. Without a rule id 0 is
/// root everywhere and is never looked up; no name ever maps to it by failure (CVE-2026-53788, -53798). Any thread may define and ask.
/// </summary>
internal sealed class IdentityMapper(IdentityMap local, IdentityRules? userRules = null, IdentityRules? groupRules = null, bool byName = true)
{
    private readonly ConcurrentDictionary<uint, uint> _users = new();
    private readonly ConcurrentDictionary<uint, uint> _groups = new();

    public IdentityMap Local => local;

    /// <summary>Names in rules that this machine does not know.</summary>
    public IReadOnlyList<byte[]> UnknownNames { get; init; } = [];

    /// <summary>The peer says that its <paramref name="remoteId"/> is called <paramref name="name"/>.</summary>
    public void DefineUser(uint remoteId, ReadOnlySpan<byte> name)
    {
        if (userRules?.Map(remoteId, name) is { } ruled)
        {
            _users[remoteId] = ruled;
        }
        else if (userRules is not null || remoteId != 0)
        {
            // Kept even where it is the same, so that the rules are not asked again without the name.
            _users[remoteId] = remoteId != 0 && byName && local.UserId(name) is { } id ? id : remoteId;
        }
    }

    public void DefineGroup(uint remoteId, ReadOnlySpan<byte> name)
    {
        if (groupRules?.Map(remoteId, name) is { } ruled)
        {
            _groups[remoteId] = ruled;
        }
        else if (groupRules is not null || remoteId != 0)
        {
            _groups[remoteId] = remoteId != 0 && byName && local.GroupId(name) is { } id ? id : remoteId;
        }
    }

    /// <summary>The id here for the peer's id: by rule, else by name where both sides know one, else the same number.</summary>
    public uint LocalUser(uint remoteId) =>
        _users.TryGetValue(remoteId, out uint id) ? id : _users[remoteId] = userRules?.Map(remoteId, default) ?? remoteId;

    public uint LocalGroup(uint remoteId) =>
        _groups.TryGetValue(remoteId, out uint id) ? id : _groups[remoteId] = groupRules?.Map(remoteId, default) ?? remoteId;

    /// <summary>A number that two machines derive alike from the name of an id of their own; from the number where there is no name, and for root.</summary>
    public ulong UserKey(uint localId) => local.UserKey(localId);

    public ulong GroupKey(uint localId) => local.GroupKey(localId);
}
