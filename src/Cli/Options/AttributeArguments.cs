using NativeSync.Engine;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>The options about owners and permissions that take arguments or exclude one another. Source: runs of rsync 3.5.0.</summary>
internal sealed class AttributeArguments
{
    private string? _ownerOption, _groupOption;

    /// <summary>--chmod, all of them joined.</summary>
    public byte[] Mode { get; private set; } = [];

    /// <summary>--usermap, or the user of --chown.</summary>
    public byte[] UserMap { get; private set; } = [];

    /// <summary>--groupmap, or the group of --chown.</summary>
    public byte[] GroupMap { get; private set; } = [];

    /// <summary>--fake-super.</summary>
    public bool IsFakeSuper { get; private set; }

    /// <summary>How often -X was given.</summary>
    public int XattrLevel { get; private set; }

    public void Xattrs(bool on) => XattrLevel = on ? XattrLevel + 1 : 0;

    public void FakeSuper() => IsFakeSuper = true;

    public void Super() => IsFakeSuper = false;

    /// <summary>A further --chmod adds to the ones before.</summary>
    public void ChangeMode(GivenOption given)
    {
        if (!ModeChanges.TryParse(given.Value, 0, out _))
        {
            throw new UsageException($"Invalid argument passed to --chmod ({UsageException.Quote(given.Value)}): give an octal mode or [DF][ugoa][+-=][rwxXst], several behind commas, e.g. D755,F644 or u=rwX,go=rX");
        }

        Mode = Mode.Length == 0 ? given.Value : [.. Mode, (byte)',', .. given.Value];
    }

    /// <summary>Takes --usermap or --groupmap.</summary>
    public void Map(GivenOption given)
    {
        bool users = given.Option.Id == OptionId.UserMap;
        Once(ref users ? ref _ownerOption : ref _groupOption, given.Option.Name);
        Check(given.Value, given.Option.Name);
        UserMap = users ? given.Value : UserMap;
        GroupMap = users ? GroupMap : given.Value;
    }

    /// <summary>Takes --chown; the flags say what it names.</summary>
    public JobFlags ChangeOwner(GivenOption given)
    {
        int colon = given.Value.AsSpan().IndexOf((byte)':');
        byte[] user = colon < 0 ? given.Value : given.Value[..colon];
        byte[] group = colon < 0 ? [] : given.Value[(colon + 1)..];
        JobFlags named = 0;
        if (user.Length > 0)
        {
            Once(ref _ownerOption, "--chown");
            UserMap = Check([.. "*:"u8, .. user], "--chown");
            named |= JobFlags.Owner;
        }

        if (group.Length > 0)
        {
            Once(ref _groupOption, "--chown");
            GroupMap = Check([.. "*:"u8, .. group], "--chown");
            named |= JobFlags.Group;
        }

        return named;
    }

    public void RefuseContradictions()
    {
        if (IsFakeSuper && XattrLevel > 1)
        {
            throw new UsageException("--fake-super conflicts with -XX (give -X once)");
        }
    }

    /// <summary>Says why an option is not here.</summary>
    public static void Refuse(GivenOption given)
    {
        if (given.Negated || (given.Option.Id == OptionId.Iconv && given.Text == "-"))
        {
            return;
        }

        throw given.Option.Id switch
        {
            OptionId.CreationTimes => new UsageException("--crtimes (-N) is not supported: Linux has no way to set creation times (leave it out)"),
            OptionId.CopyAs => new UsageException("option --copy-as is not supported (run the whole command as that user: setpriv or runuser)", UsageException.Unsupported),
            _ => new UsageException("option --iconv is not supported: names are bytes and arrive as they are (leave it out, or rename with convmv afterwards)", UsageException.Unsupported),
        };
    }

    private static void Once(ref string? before, string option)
    {
        if (before is not null)
        {
            throw new UsageException(before == option ? $"You can only specify {option} once" : $"{option} conflicts with prior {before}");
        }

        before = option;
    }

    private static byte[] Check(byte[] map, string option)
    {
        try
        {
            IdentityRules.Parse(map, option, find: null);
            return map;
        }
        catch (SessionException e)
        {
            throw new UsageException(e.Message, e.ExitCode);
        }
    }
}
