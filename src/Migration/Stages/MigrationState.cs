using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSync.Migration.Fixups;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Everything that a migration must remember. Holds paths of the destination only, so that the directory can be copied.</summary>
public sealed class MigrationState
{
    /// <summary>The form of the file that this program reads and writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Form of the file.</summary>
    public int Version { get; set; } = CurrentVersion;

    /// <summary>The instance that it is about.</summary>
    public string InstanceId { get; set; } = "";

    /// <summary>Its region.</summary>
    public string Region { get; set; } = "";

    /// <summary>When it began.</summary>
    public DateTimeOffset Began { get; set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Ended { get; set; }

    /// <summary>The steps that were begun, in order.</summary>
    public List<StepRecord> Steps { get; set; } = [];

    /// <summary>Where each stage ran: "1", "2", "3".</summary>
    public Dictionary<string, RunPlace> Places { get; set; } = [];

    /// <summary>How to reach the rescue system; null before and after.</summary>
    public RescueAccess? Rescue { get; set; }

    /// <summary>The state of the instance before the migration.</summary>
    public string? StateBefore { get; set; }

    /// <summary>LatestOperationRequestId before the action that is under way.</summary>
    public string? RequestBefore { get; set; }

    /// <summary>The address that the data goes to, and the booted instance answers at.</summary>
    public string? Address { get; set; }

    /// <summary>Which disk takes which file system.</summary>
    public List<DiskAssignment> Disks { get; set; } = [];

    /// <summary>Indexes of the disks that were given a file system by us: never again, since data is on them.</summary>
    public List<int> Formatted { get; set; } = [];

    /// <summary>Whether the source has the cloud's automation agent, so that the started instance can be asked.</summary>
    public bool HasTatAgent { get; set; }

    /// <summary>By what the started copy of the source is known; null before stage 2.</summary>
    public SourceIdentity? Source { get; set; }

    /// <summary>The port at which the started instance answers by SSH.</summary>
    public int? AnswerPort { get; set; }

    /// <summary>What the started system said of itself, or the end of its console; see <see cref="StartedSystem"/>.</summary>
    public List<string> Started { get; set; } = [];

    /// <summary>What the user was warned of.</summary>
    public List<string> Warnings { get; set; } = [];

    /// <summary>The passes of the transfer.</summary>
    public List<PassRecord> Passes { get; set; } = [];

    /// <summary>The command before the last pass has been run, or begun, and not been undone; null otherwise.</summary>
    public QuietRecord? Quiet { get; set; }

    /// <summary>The comparison of each file system.</summary>
    public List<VerifyRecord> Verified { get; set; } = [];

    /// <summary>What was done to make the copied system boot.</summary>
    public List<FixupRecord> Fixups { get; set; } = [];

    /// <summary>Whether a step was finished.</summary>
    public bool IsDone(string step) => Steps.Exists(s => s.Name == step && s.DoneAt is not null);
}

/// <summary>A step that was begun, and perhaps finished.</summary>
public sealed class StepRecord
{
    /// <summary>Name of the step.</summary>
    public string Name { get; set; } = "";

    /// <summary>When its intent was written.</summary>
    public DateTimeOffset BegunAt { get; set; }

    /// <summary>When its outcome was written; null as long as it is unknown.</summary>
    public DateTimeOffset? DoneAt { get; set; }

    /// <summary>What came out.</summary>
    public string? Outcome { get; set; }
}

/// <summary>How to reach the rescue system: the secret part of the state.</summary>
public sealed class RescueAccess
{
    /// <summary>User.</summary>
    public string User { get; set; } = "";

    /// <summary>Password given to EnterRescueMode.</summary>
    public string Password { get; set; } = "";

    /// <summary>Host key seen first.</summary>
    public string? HostKey { get; set; }
}

/// <summary>A disk of the destination.</summary>
public sealed class DiskAssignment
{
    /// <summary>0 for the system disk, else the data disk's index.</summary>
    public int Index { get; set; }

    /// <summary>disk-….</summary>
    public string DiskId { get; set; } = "";

    /// <summary>Size.</summary>
    public long SizeGiB { get; set; }

    /// <summary>The device in the rescue system that is mounted; null before.</summary>
    public string? Device { get; set; }

    /// <summary>The partition that gets, or got, a new file system, 0 for the disk itself; null where none was chosen.</summary>
    public int? Partition { get; set; }

    /// <summary>UUID of its file system, where the rescue system could tell.</summary>
    public string? Uuid { get; set; }

    /// <summary>UUID of the swap partition that was made on it; null without.</summary>
    public string? SwapUuid { get; set; }

    /// <summary>Type of the source's file system that goes there.</summary>
    public string? SourceType { get; set; }

    /// <summary>UUID of the source's file system.</summary>
    public string? SourceUuid { get; set; }

    /// <summary>Label of the source's file system.</summary>
    public string? SourceLabel { get; set; }
}

/// <summary>One pass over one file system.</summary>
public sealed class PassRecord
{
    /// <summary>1 for the first pass.</summary>
    public int Pass { get; set; }

    /// <summary>Index of the file system.</summary>
    public int Index { get; set; }

    /// <summary>"/" or the mount point.</summary>
    public string MountPoint { get; set; } = "/";

    /// <summary>What it did.</summary>
    public required TransferResult Result { get; set; }
}

/// <summary>The source's services are stopped by Client.Transfer.Hooks.BeforeLastPass.</summary>
public sealed class QuietRecord
{
    /// <summary>The pass that follows.</summary>
    public int Pass { get; set; }

    /// <summary>The boot of the source that it was in: another one has started the services again.</summary>
    public string BootId { get; set; } = "";

    /// <summary>The command ended well.</summary>
    public bool Done { get; set; }
}

/// <summary>The comparison of one file system.</summary>
public sealed class VerifyRecord
{
    /// <summary>Index of the file system.</summary>
    public int Index { get; set; }

    /// <summary>"/" or the mount point.</summary>
    public string MountPoint { get; set; } = "/";

    /// <summary>What came out.</summary>
    public required VerifyResult Result { get; set; }
}

/// <summary>Source-generated reader and writer of the state.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(MigrationState))]
internal sealed partial class StateJson : JsonSerializerContext;
