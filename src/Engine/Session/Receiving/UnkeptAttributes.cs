using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Counts what an ordinary user's receiver leaves undone although it was asked for: as in rsync that is no error, but it is told once,
/// at the end. Any thread may count.
/// </summary>
internal sealed class UnkeptAttributes(SyncContext context)
{
    private readonly bool _counts = !context.Has(JobFlags.SuperUser);
    private readonly bool _owners = ((context.Options.Asked ?? 0) & JobFlags.Owner) != 0;
    private long _owner, _device, _attribute;

    /// <summary>A device that is not made.</summary>
    public void Device()
    {
        if (_counts && ((context.Options.Asked ?? 0) & JobFlags.Devices) != 0)
        {
            Interlocked.Increment(ref _device);
        }
    }

    /// <summary>An entry that gets its attributes.</summary>
    /// <param name="owner">Who shall own it.</param>
    /// <param name="current">Who does.</param>
    /// <param name="xattrs">All that it shall have.</param>
    public void Entry(uint owner, uint current, ReadOnlySpan<byte> xattrs)
    {
        if (!_counts)
        {
            return;
        }

        if (_owners && owner != current)
        {
            Interlocked.Increment(ref _owner);
        }

        XattrReader reader = new(xattrs);
        while (context.Has(JobFlags.Xattrs) && reader.TryRead(out ReadOnlySpan<byte> name, out _))
        {
            if (!XattrNames.IsAcl(name) && !XattrNames.IsUser(name))
            {
                Interlocked.Increment(ref _attribute);
            }
        }
    }

    /// <summary>Tells what was counted.</summary>
    public void Tell(OutcomeReporter outcomes)
    {
        List<string> parts = [];
        Add(parts, _owner, "owner");
        Add(parts, _device, "device");
        Add(parts, _attribute, "attribute outside of the user namespace", "attributes outside of the user namespace");
        if (parts.Count > 0)
        {
            outcomes.Problem(Operation.NotPermitted, Errno.EPERM, [], warning: true, detail: ByteText.FromArgument(string.Join(", ", parts)));
        }
    }

    private static void Add(List<string> parts, long count, string one, string? many = null)
    {
        if (count > 0)
        {
            parts.Add($"{count} {(count == 1 ? one : many ?? one + "s")}");
        }
    }
}
