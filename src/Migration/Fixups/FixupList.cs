namespace NativeSync.Migration.Fixups;

/// <summary>The steps, in their order.</summary>
internal static class FixupList
{
    public static IReadOnlyList<IFixup> All { get; } =
    [
        new HookFixup(before: true),
        new SwapFileFixup(),
        new FstabFixup(),
        new MountUnitsFixup(),
        new CrypttabFixup(),
        new VolumesFixup(),
        new GrubDefaultsFixup(),
        new NetworkNamesFixup(),
        new IfupdownFixup(),
        new NetplanFixup(),
        new IfcfgFixup(suse: false),
        new IfcfgFixup(suse: true),
        new NetworkManagerFixup(),
        new NetworkdFixup(),
        new ResolverFixup(),
        new CloudInitFixup(),
        new AgentsFixup(),
        new IdentityFixup(),
        new InitramfsFixup(),
        new BootMenuFixup(),
        new BootLoaderFixup(),
        new MarkerFixup(),
        new HookFixup(before: false),
        new SelinuxFixup(),
    ];

    /// <summary>The first of the names that no step bears; null when all are known.</summary>
    public static string? Unknown(IEnumerable<string> names)
        => names.FirstOrDefault(static name => name != "all" && !All.Any(step => step.Name == name));
}

/// <summary>A command of the user, inside the root.</summary>
internal sealed class HookFixup(bool before) : IFixup
{
    public string Name => before ? "hook-before" : "hook-after";

    public string Purpose => before ? "Client.Fixups.Before, a command of yours" : "Client.Fixups.After, a command of yours";

    public void Plan(FixupContext context)
    {
        if ((before ? context.Facts.Before : context.Facts.After) is { Length: > 0 } script)
        {
            context.Run(new RootCommand(script, before ? "Client.Fixups.Before" : "Client.Fixups.After") { Vital = true });
        }
    }
}
