using System.Collections.Concurrent;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Owners and groups by name across two machines: the sender tells the name of each id that it uses, the receiver looks for the
/// same name here, and keeps the number where there is none. Id 0 is root everywhere and is never looked up; no name ever maps to
/// it by failure (CVE-2026-53788, -53798). Any thread may define and ask.
/// </summary>
internal sealed class IdentityMapper(IdentityMap local)
{
    private readonly ConcurrentDictionary<uint, uint> _users = new();
    private readonly ConcurrentDictionary<uint, uint> _groups = new();

    public IdentityMap Local => local;

    /// <summary>The peer says that its <paramref name="remoteId"/> is called <paramref name="name"/>.</summary>
    public void DefineUser(uint remoteId, ReadOnlySpan<byte> name)
    {
        if (remoteId != 0 && local.UserId(name) is { } id)
        {
            _users[remoteId] = id;
        }
    }

    public void DefineGroup(uint remoteId, ReadOnlySpan<byte> name)
    {
        if (remoteId != 0 && local.GroupId(name) is { } id)
        {
            _groups[remoteId] = id;
        }
    }

    /// <summary>The id here for the peer's id: by name where both sides know one, else the same number.</summary>
    public uint LocalUser(uint remoteId) => _users.TryGetValue(remoteId, out uint id) ? id : remoteId;

    public uint LocalGroup(uint remoteId) => _groups.TryGetValue(remoteId, out uint id) ? id : remoteId;

    /// <summary>A number that two machines derive alike from the name of an id of their own; from the number where there is no name, and for root.</summary>
    public ulong UserKey(uint localId) => local.UserKey(localId);

    public ulong GroupKey(uint localId) => local.GroupKey(localId);
}
