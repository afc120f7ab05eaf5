using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Tells the receiver the names of the users and groups that entries belong to or that their ACLs name, each once and before its
/// first use, so that ownership follows names rather than numbers. docs/protocol.md, "Identities". Used by the content stage.
/// </summary>
internal sealed class IdentityAnnouncer(SyncContext context)
{
    private readonly bool _wanted = !context.Has(JobFlags.NumericIds)
        && (context.Flags & (JobFlags.Owner | JobFlags.Group | JobFlags.Acls)) != 0;

    // Root is named only to rules: without one nothing is mapped to or from it.
    private readonly HashSet<uint> _users = context.Options.UserMap.Length > 0 ? [] : [0];
    private readonly HashSet<uint> _groups = context.Options.GroupMap.Length > 0 ? [] : [0];
    private IdentityMap? _names;

    /// <summary>Announces what these entries need.</summary>
    public void Announce(DirectoryListing listing)
    {
        if (!_wanted)
        {
            return;
        }

        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            Announce(metadata.Uid, metadata.Gid);
            if (context.Has(JobFlags.Acls))
            {
                AnnounceAcls(listing.Xattrs(i));
            }
        }
    }

    /// <summary>Announces an owner and a group, and those that ACLs name.</summary>
    public void Announce(uint uid, uint gid, ReadOnlySpan<byte> xattrs = default)
    {
        if (_wanted)
        {
            Announce(IdentityKind.User, uid);
            Announce(IdentityKind.Group, gid);
            AnnounceAcls(xattrs);
        }
    }

    private void AnnounceAcls(ReadOnlySpan<byte> xattrs)
    {
        var reader = new XattrReader(xattrs);
        while (reader.TryRead(out var name, out var value))
        {
            if (XattrNames.IsAcl(name))
            {
                AccessControlList.VisitIds(value, this, static (self, isUser, id) => self.Announce(isUser ? IdentityKind.User : IdentityKind.Group, id));
            }
        }
    }

    private void Announce(IdentityKind kind, uint id)
    {
        if (!(kind == IdentityKind.User ? _users : _groups).Add(id))
        {
            return;
        }

        _names ??= IdentityMap.Load(context.Io);
        var name = kind == IdentityKind.User ? _names.UserName(id) : _names.GroupName(id);
        if (name is null || name.Length > ProtocolLimits.MaxNameLength)
        {
            return;
        }

        using var scope = context.Outbox.Enter(Records.IdentityBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteIdentity(ref writer, kind, id, name);
        scope.Commit(writer.Position);
    }
}
