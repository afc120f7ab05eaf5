using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Fixups;

/// <summary>Writes down which migration the root comes from, so that the started system can be told from any other.</summary>
internal sealed class MarkerFixup : IFixup
{
    public string Name => "marker";

    public string Purpose => $"/{StartedSystem.MarkerFile}: which migration this system comes from";

    public void Plan(FixupContext context)
    {
        if (context.Facts.Marker is { } marker)
        {
            context.Write(StartedSystem.MarkerFile, marker + "\n", "which migration this system comes from");
        }
    }
}
