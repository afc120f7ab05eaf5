using System.Globalization;
using System.Text;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Finds each disk by its id — never by vdb or vdc, which change — and mounts its file system below /mnt/nativesync.
/// Needs little of the rescue system (<see cref="DiskFunctions"/>), and mkfs and sfdisk only with the user's consent.
/// </summary>
/// <param name="client">Which disks may get new file systems and tables; null: none.</param>
/// <param name="formatted">Indexes that have got theirs; they are never formatted again.</param>
/// <param name="save">Writes that down before any data comes.</param>
/// <param name="migration">A word that no other migration has: what it made in the rescue system is known again, also when the answer was lost.</param>
internal sealed class MountedDiskLayout(ClientSettings? client = null, ICollection<int>? formatted = null, Action? save = null, string migration = "") : IDestinationLayout
{
    /// <summary>Mounts go below this directory.</summary>
    public const string Base = "/mnt/nativesync";

    private const string Chosen = "chosen ";

    public async Task<IReadOnlyList<string>> DescribeAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        List<string> lines = [];
        foreach (PlannedFileSystem fs in plan)
        {
            DiskAssignment disk = Of(fs, disks);
            string output = await Shell.RunAsync(system, DiskFunctions.All + $"set -- {disk.DiskId}\n" + DiskScripts.Describe, $"looking at {disk.DiskId}", ct).ConfigureAwait(false);
            string format = FormatOf(fs, disk);
            string fate = format == "never" || (format == "empty" && fs.Index == 0) ? "what is there is kept, and filled" : format == "empty" ? $"kept and filled, or a new {disk.SourceType} where there is no file system" : client!.HasNewTable(fs.Index) ? $"a new table with a new {disk.SourceType}" : $"a new {disk.SourceType}";
            lines.Add($"{disk.DiskId} takes {fs.MountPoint} ({fate}); now: {string.Join("; ", output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => Engine.ByteText.Escape(Encoding.UTF8.GetBytes(l.Trim()))))}");
        }

        return lines;
    }

    private static DiskAssignment Of(PlannedFileSystem fs, IReadOnlyList<DiskAssignment> disks)
    {
        DiskAssignment disk = disks.FirstOrDefault(d => d.Index == fs.Index)
            ?? throw new MigrationException($"the destination has no disk for the {fs.Label}", "check DataDisks in user.json");
        return NameForms.IsDiskId(disk.DiskId) ? disk : throw new MigrationException($"the API gave a disk id of an unknown form for the {fs.Label}", "");
    }

    /// <summary>What was made once is never made again: data is on it.</summary>
    private string FormatOf(PlannedFileSystem fs, DiskAssignment disk)
        => formatted?.Contains(fs.Index) == true || !FileSystemKinds.CanBeMade(disk.SourceType ?? "") ? "never" : client?.Format switch { FormatConsent.All => "all", FormatConsent.Empty => "empty", _ => "never" };

    public async Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        List<byte[]> places = [];
        foreach (PlannedFileSystem fs in plan)
        {
            DiskAssignment disk = Of(fs, disks);
            string place = fs.Index == 0 ? $"{Base}/system" : string.Create(CultureInfo.InvariantCulture, $"{Base}/disk{fs.Index}");
            string format = FormatOf(fs, disk);
            bool anew = format == "all" && client!.HasNewTable(fs.Index);
            string body = anew ? DiskScripts.New : fs.Index == 0 ? DiskScripts.System : DiskScripts.Data;
            string swap = fs.Index == 0 ? (client?.SwapMebibytes ?? 0).ToString(CultureInfo.InvariantCulture) : "0";
            string output = await MountAsync().ConfigureAwait(false);
            if (output.StartsWith(Chosen, StringComparison.Ordinal))
            {
                // Known before it is made, here where a restart of the rescue system takes nothing away: half made it looks like none.
                disk.Partition = int.TryParse(output.AsSpan(Chosen.Length), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int number)
                    ? number
                    : throw new MigrationException($"rescue system: mounting {disk.DiskId} for the {fs.Label}: its shell says \"{Engine.ByteText.Escape(Encoding.UTF8.GetBytes(output.Trim()))}\" and no number", "");
                save?.Invoke();
                output = await MountAsync().ConfigureAwait(false);
            }

            string[] told = output.Split('\n');
            disk.Device = told[0].StartsWith("device ", StringComparison.Ordinal) ? told[0][7..] : null;
            disk.Uuid = told.Length > 1 && told[1].Length > 0 ? told[1] : null;
            disk.SwapUuid = told.Length > 2 && told[2].StartsWith("swap ", StringComparison.Ordinal) ? told[2][5..] : disk.SwapUuid;
            if (format != "never" && formatted is not null)
            {
                disk.Partition = anew ? 1 : format == "all" ? disk.Partition : null;
                formatted.Add(fs.Index);
                save?.Invoke();
            }

            places.Add(Encoding.ASCII.GetBytes(place + "/"));

            Task<string> MountAsync()
            {
                // Where the consent was to make all anew, and is not any more, a choice counts that was carried out.
                string partition = format == "all" || formatted?.Contains(fs.Index) == true ? disk.Partition?.ToString(CultureInfo.InvariantCulture) ?? "" : "";
                string[] words = [disk.DiskId, place, format, disk.SourceType ?? "", disk.SourceUuid ?? "", disk.SourceLabel ?? "", swap, fs.Index == 0 ? "system" : "data", anew ? "table" : "", partition];
                string script = DiskFunctions.All + $"migration={Shell.Quote(migration)}\nset -- {string.Join(' ', words.Select(Shell.Quote))}\n" + DiskScripts.Begin + body;
                return Shell.RunAsync(system, script, $"mounting {disk.DiskId} for the {fs.Label}", ct);
            }
        }

        return places;
    }

    public Task ReleaseAsync(IRescueSystem system, CancellationToken ct)
        => Shell.RunAsync(system, DiskFunctions.All + DiskScripts.Unmount, "unmounting", ct);
}
