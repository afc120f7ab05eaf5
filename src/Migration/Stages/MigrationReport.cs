using System.Globalization;
using System.Text;
using System.Text.Json;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Stages;

/// <summary>What a migration did: times, bytes, digests and warnings, as text for people and as JSON for programs.</summary>
public static class MigrationReport
{
    /// <summary>Name of the text, in the tool's directory.</summary>
    public const string TextFile = "report.txt";

    /// <summary>Name of the JSON.</summary>
    public const string JsonFile = "report.json";

    private const double MiB = 1 << 20;

    /// <summary>Writes both; they hold no secret. A directory without room is no reason to fail a finished migration.</summary>
    internal static void Write(ToolDirectory tool, MigrationState state)
    {
        try
        {
            File.WriteAllText(tool.File(TextFile), Text(state), new UTF8Encoding(false));
            File.WriteAllBytes(tool.File(JsonFile), JsonSerializer.SerializeToUtf8Bytes(Public(state), StateJson.Default.MigrationState));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The same is in the state and in the log.
        }
    }

    /// <summary>The lines of the table: what was moved, by file system and pass, and the digests of both sides.</summary>
    public static List<string> Table(MigrationState state)
    {
        List<string[]> rows = [["file system", "pass", "files", "dirs", "links", "other", "size MiB", "sent", "content MiB", "wire MiB", "seconds", "MiB/s"]];
        foreach (PassRecord pass in state.Passes.OrderBy(p => p.Index).ThenBy(p => p.Pass))
        {
            TransferResult r = pass.Result;
            double seconds = Math.Max(r.Elapsed.TotalSeconds, 0.001);
            rows.Add([
                pass.MountPoint, Number(pass.Pass), Number(r.Files), Number(r.Directories), Number(r.Links), Number(r.Others), Decimal(r.TotalBytes / MiB),
                Number(r.FilesSent), Decimal(r.LiteralBytes / MiB), Decimal(r.WireBytes / MiB), Decimal(seconds, 2), Decimal(r.TotalBytes / MiB / seconds)]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        List<string> lines = [.. rows.Select(row => string.Join("  ", row.Select((cell, c) => c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))))];
        lines.Add("");
        foreach (VerifyRecord verify in state.Verified)
        {
            lines.Add($"{verify.MountPoint}: source      {verify.Result.SourceDigest} ({Number(verify.Result.Entries)} entries)");
            lines.Add($"{new string(' ', verify.MountPoint.Length)}  destination {verify.Result.DestinationDigest}  {(verify.Result.Equal ? "equal" : "NOT EQUAL")}");
        }

        return lines;
    }

    private static string Text(MigrationState state)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"Migration to {state.InstanceId} in {state.Region}\nbegan {state.Began:u}, {(state.Ended is { } ended ? $"ended {ended:u}" : "not ended yet")}\n\n");
        foreach (StepRecord step in state.Steps.Where(s => s.Outcome is not null))
        {
            text.Append(CultureInfo.InvariantCulture, $"{step.BegunAt:HH:mm:ss}  {step.Name}: {step.Outcome}\n");
        }

        text.Append('\n');
        foreach (string line in Table(state))
        {
            text.Append(line).Append('\n');
        }

        foreach (FixupRecord fixup in state.Fixups)
        {
            text.Append(fixup == state.Fixups[0] ? "\nTo make it boot (what was replaced is in /var/lib/nativesync/backup):\n" : "").Append(FixupText.Of(fixup));
        }

        foreach (string line in state.Started)
        {
            text.Append(line == state.Started[0] ? "\nWhat the started system says:\n  " : "  ").Append(line).Append('\n');
        }

        List<string> troubles = [.. state.Warnings, .. state.Passes.SelectMany(p => p.Result.Problems).Distinct(), .. state.Verified.SelectMany(v => v.Result.Differences).Select(d => "differs: " + d)];
        text.Append(troubles.Count == 0 ? "\nNo warnings.\n" : "\nWarnings:\n");
        foreach (string trouble in troubles)
        {
            text.Append("  ").Append(trouble).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The state with the secret part already gone, and what only matters to the next run left out.</summary>
    private static MigrationState Public(MigrationState state) => new()
    {
        InstanceId = state.InstanceId,
        Region = state.Region,
        Began = state.Began,
        Ended = state.Ended,
        Steps = [.. state.Steps.Select(s => new StepRecord { Name = s.Name, BegunAt = s.BegunAt, DoneAt = s.DoneAt ?? state.Ended, Outcome = s.Outcome })],
        Address = state.Address,
        Disks = state.Disks,
        Formatted = state.Formatted,
        Passes = state.Passes,
        Verified = state.Verified,
        Fixups = state.Fixups,
        Started = state.Started,
        Warnings = state.Warnings,
    };

    private static string Number(long n) => n.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Decimal(double d, int digits = 1) => d.ToString(digits == 1 ? "#,0.0" : "#,0.00", CultureInfo.InvariantCulture);
}
