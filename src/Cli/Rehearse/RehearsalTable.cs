using System.Globalization;
using NativeSync.Migration.Stages;

namespace NativeSync.Cli.Rehearse;

/// <summary>What was moved, by file system and pass, and the digests of both sides.</summary>
internal static class RehearsalTable
{
    private const double MiB = 1 << 20;

    /// <summary>The lines of the table.</summary>
    public static List<string> Lines(MigrationState state)
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

    private static string Number(long n) => n.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Decimal(double d, int digits = 1) => d.ToString(digits == 1 ? "#,0.0" : "#,0.00", CultureInfo.InvariantCulture);
}
