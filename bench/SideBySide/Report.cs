using System.Globalization;
using System.Text;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>A case as a Markdown section, and the page that holds the sections between markers.</summary>
internal static class Report
{
    /// <summary>Title, circumstances, table, ratio.</summary>
    public static async Task<string> WriteAsync(Case @case, IReadOnlyList<Series> series, Bench bench, Options options, DateTimeOffset date)
    {
        var text = new StringBuilder();
        Series[] rivals = [.. series.Where(s => s.Contender.Role == Role.Rival && s.Failure is null)];
        Series? best = rivals.MinBy(s => s.Seconds);
        Series? fewest = rivals.MinBy(s => s.WireBytes);
        text.Append(CultureInfo.InvariantCulture, $"### {@case.Title}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd HH:mm} UTC, `bench/compare --case {@case.Name} --runs {options.Runs}`, medians of {options.Runs} runs in turn. {Meter.Machine()}; load {Meter.Load():0.0} at the end. ");
        text.Append(await VersionsAsync(bench, series)).Append(".\n\n");
        text.Append("| contender | s | ÷ best rsync | spread s | CPU s here + there | MB on the wire | ÷ fewest of rsync | peak MiB here, there |").Append(@case.Line is null ? "" : " s to connect | share of the line |").Append("\n|---|---|---|---|---|---|---|---|").Append(@case.Line is null ? "\n" : "---|---|\n");
        foreach (Series one in series)
        {
            if (one.Failure is not null || one.Runs.Count == 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(one.Contender.Name)} | failed: {FirstLine(one.Failure)} | | | | | | |\n");
                continue;
            }

            bool isFloor = one.Contender.Role == Role.Floor;
            string mark = ReferenceEquals(one, best) ? "**" : "";
            text.Append(CultureInfo.InvariantCulture, $"| {mark}{Cell(one.Contender.Name)}{mark} | {one.Seconds:0.00} | {Ratio(one.Seconds, best?.Seconds, isFloor)} | {Spread(one)} | {one.ClientCpu:0.00} + {one.RemoteCpu:0.00} | {one.WireBytes / 1e6:0.00} | {Ratio(one.WireBytes, fewest?.WireBytes, isFloor)} | {(one.ClientPeak == 0 ? "" : $"{one.ClientPeak >> 20}, {one.RemotePeak >> 20}")} |");
            text.Append(@case.Line is null ? "\n" : string.Create(CultureInfo.InvariantCulture, $" {one.Connecting:0.00} | {(one.Share > 0 ? one.Share.ToString("P0", CultureInfo.InvariantCulture) : "")} |\n"));
        }

        return text.ToString();
    }

    /// <summary>Replaces the section of each case in the page, or appends it.</summary>
    public static async Task UpdatePageAsync(string page, IReadOnlyDictionary<string, string> sections)
    {
        string text = File.Exists(page) ? await File.ReadAllTextAsync(page) : "# Benchmarks\n";
        foreach ((string name, string section) in sections)
        {
            string begin = $"<!-- case {name} -->", end = $"<!-- end {name} -->";
            int from = text.IndexOf(begin, StringComparison.Ordinal), to = text.IndexOf(end, StringComparison.Ordinal);
            string block = $"{begin}\n{section}{end}";
            text = from >= 0 && to > from ? text[..from] + block + text[(to + end.Length)..] : $"{text.TrimEnd()}\n\n{block}\n";
        }

        await File.WriteAllTextAsync(page, text);
    }

    private static string Spread(Series series) => series.Runs.Count == 1
        ? "one run"
        : string.Create(CultureInfo.InvariantCulture, $"{series.Runs.Min(r => r.Seconds):0.00}–{series.Runs.Max(r => r.Seconds):0.00}");

    private static string Ratio(double value, double? reference, bool isFloor) =>
        isFloor || reference is null or 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{value / reference:0.00}");

    /// <summary>A pipe would end the cell.</summary>
    private static string Cell(string name) => name.Replace("|", "\\|", StringComparison.Ordinal);

    private static string FirstLine(string? text) => (text ?? "did not run").Split('\n').FirstOrDefault(l => l.Length > 0 && !l.StartsWith("exit code", StringComparison.Ordinal)) ?? "";

    /// <summary>The versions of all that takes part.</summary>
    public static async Task<string> VersionsAsync(Bench bench, IReadOnlyList<Series> series)
    {
        string First(CommandResult result) => (result.Output + result.Error).Split('\n')[0].Trim();
        string rsync = First(await Command.RunAsync(["rsync", "--version"])).Replace("  ", " ", StringComparison.Ordinal);
        string ssh = First(await Command.RunAsync(["ssh", "-V"]));
        string subject = File.Exists(bench.Executable) ? string.Join(' ', (await Command.RunAsync([bench.Executable, "--version"])).Output.Split('\n').Take(2)) : "nativesync not built";
        List<string> versions = [subject, rsync, ssh];
        foreach (string peer in series.Where(s => s.Contender.Role == Role.Floor && s.Failure is null).Select(s => s.Contender.Process).Where(p => p.Length > 0).Distinct())
        {
            versions.Add(First(await Command.RunAsync([peer, peer switch { "unison" => "-version", "rclone" => "version", _ => "--version" }])));
        }

        return string.Join("; ", versions);
    }
}
