namespace NativeSync.Migration.Fixups;

/// <summary>What came of a step of the fix-ups.</summary>
public static class FixupOutcomes
{
    /// <summary>There was nothing to do.</summary>
    public const string Unchanged = "unchanged";

    /// <summary>Done.</summary>
    public const string Changed = "changed";

    /// <summary>--dry-run: it would be done.</summary>
    public const string Planned = "would change";

    /// <summary>Left out by the user, or not possible here and not needed.</summary>
    public const string Skipped = "skipped";

    /// <summary>Something of it failed without which the system may still boot: see the warnings.</summary>
    public const string Warned = "warning";

    /// <summary>It failed, and without it the system does not boot.</summary>
    public const string Failed = "failed";
}

/// <summary>One step of the fix-ups, as the report shows it.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(FixupRecordJson))]
public sealed class FixupRecord
{
    /// <summary>Name of the step.</summary>
    public string Name { get; set; } = "";

    /// <summary>One of <see cref="FixupOutcomes"/>.</summary>
    public string Outcome { get; set; } = "";

    /// <summary>Why it was skipped or failed.</summary>
    public string? Why { get; set; }

    /// <summary>Changed files.</summary>
    public List<FixupChange> Changes { get; set; } = [];

    /// <summary>Commands.</summary>
    public List<FixupCommand> Commands { get; set; } = [];

    /// <summary>What the user should know.</summary>
    public List<string> Warnings { get; set; } = [];
}

/// <summary>A change of a file.</summary>
public sealed class FixupChange
{
    /// <summary>Path in the migrated root, with its slash.</summary>
    public string File { get; set; } = "";

    /// <summary>Why.</summary>
    public string Reason { get; set; } = "";

    /// <summary>The lines that go (with -) and come (with +); for a link its target.</summary>
    public List<string> Lines { get; set; } = [];
}

/// <summary>A command that was run.</summary>
public sealed class FixupCommand
{
    /// <summary>The script.</summary>
    public string Script { get; set; } = "";

    /// <summary>What it is for.</summary>
    public string Reason { get; set; } = "";

    /// <summary>Whether it runs in the rescue system and not inside the root.</summary>
    public bool Outside { get; set; }

    /// <summary>Its exit code; null in --dry-run.</summary>
    public int? ExitCode { get; set; }

    /// <summary>The end of what it printed, when it failed.</summary>
    public string? Output { get; set; }
}
