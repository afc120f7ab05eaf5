using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>Attributes first, ACLs after them; superfluous ones go, differing ones are set, equal ones are left alone.</summary>
internal sealed partial class MetadataWriter
{
    private Changes SetXattrs(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems, ref bool forceMode)
    {
        _scratch.Clear();
        int length = target.ReadXattrs(_scanner, options.XattrFields, _scratch, current.Device, out ReadOnlySpan<byte> ours);
        if (length < 0)
        {
            problems.Report(Operation.GetXattr, -length, []);
            return Changes.None;
        }

        if (ours.IsEmpty && desired.Xattrs.IsEmpty)
        {
            return Changes.None;
        }

        XattrPass pass = new(target, ours, current.Mode, problems);
        Changes done = Changes.None;
        if (options.Xattrs)
        {
            done |= pass.Run(this, desired.Xattrs, acls: false);
        }

        if (options.Acls)
        {
            Changes acls = pass.Run(this, desired.Xattrs, acls: true);
            forceMode |= acls != 0; // setting a list rewrites the group bits of the mode
            done |= acls;
        }

        forceMode |= pass.ModeTouched;
        return done;
    }

    /// <summary>One entry's attributes.</summary>
    private ref struct XattrPass(Target target, ReadOnlySpan<byte> ours, uint mode, IProblemSink problems)
    {
        private readonly Target _target = target;
        private readonly ReadOnlySpan<byte> _ours = ours;

        /// <summary>The mode was widened to reach the attributes of a read-only file.</summary>
        public bool ModeTouched { get; private set; }

        public Changes Run(MetadataWriter writer, ReadOnlySpan<byte> desired, bool acls)
        {
            MetadataOptions options = writer.Options;
            Changes done = Changes.None;
            XattrReader existing = new(_ours);
            while (existing.TryRead(out ReadOnlySpan<byte> name, out _))
            {
                if (XattrNames.IsAcl(name) == acls && MayRemove(name, options) && !XattrBlob.TryFind(desired, name, out _))
                {
                    done |= Check(Attempt(name, default, remove: true), name) ? KindOf(name) : 0;
                }
            }

            XattrReader wanted = new(desired);
            while (wanted.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            {
                if (XattrNames.IsAcl(name) != acls || !IsWanted(name, options))
                {
                    continue;
                }

                if (XattrBlob.TryFind(_ours, name, out ReadOnlySpan<byte> there) && SameValue(name, value, there, options, besidesMode: false))
                {
                    continue;
                }

                done |= Check(acls ? SetAcl(name, value, options) : Attempt(name, value, remove: false), name) ? KindOf(name) : 0;
            }

            return done;
        }

        private int SetAcl(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, MetadataOptions options)
        {
            if (options.Identities == null)
            {
                return Attempt(name, value, remove: false);
            }

            byte[] mapped = value.ToArray();
            AccessControlList.MapIds(mapped, options.Identities);
            return Attempt(name, mapped, remove: false);
        }

        /// <summary>An owner's own read-only file refuses user attributes: let him write for a moment, the mode is set afterwards.</summary>
        private int Attempt(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool remove)
        {
            int error = remove ? _target.RemoveXattr(name) : _target.SetXattr(name, value);
            if (error == -Errno.EACCES && !ModeTouched && !ModeBits.IsSymbolicLink(mode) && _target.ChangeMode(mode | 0x80) == 0)
            {
                ModeTouched = true;
                error = remove ? _target.RemoveXattr(name) : _target.SetXattr(name, value);
            }

            return remove && error == -Errno.ENODATA ? 0 : error;
        }

        private bool Check(int error, ReadOnlySpan<byte> name)
        {
            if (error < 0)
            {
                problems.Report(Operation.SetXattr, -error, name);
            }

            return error >= 0;
        }
    }
}
