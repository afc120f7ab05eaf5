using System.Globalization;
using System.Text;

namespace NativeSync.SideBySide;

/// <summary>The table of all long lines with each kind of data: a row for each, with rsync's best setting and NativeSync beside each other.</summary>
internal sealed class LineTable(bool cubic)
{
    private readonly StringBuilder _rows = new();

    /// <summary>Of its section in the page.</summary>
    public string Name => cubic ? "lines-cubic" : "lines";

    /// <summary>Another row.</summary>
    public void Add(Case @case, IReadOnlyList<Series> series)
    {
        Series? Best(Role role) => series.Where(s => s.Contender.Role == role && s.Failure is null && s.Runs.Count > 0).MinBy(s => s.Seconds);
        Series? rival = Best(Role.Rival), subject = Best(Role.Subject);
        _rows.Append(CultureInfo.InvariantCulture, $"| `{@case.Name}` | {@case.Row!.Line} | {@case.Row.Data} | {Cells(rival)} | {Cells(subject)} | {subject?.Seconds / rival?.Seconds:0.00} | {(subject?.Seconds - subject?.Connecting) / (rival?.Seconds - rival?.Connecting):0.00} |\n");
    }

    /// <summary>Title, circumstances and the rows so far.</summary>
    public async Task<string> WriteAsync(Bench bench, Options options, DateTimeOffset date)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"### Long lines{(cubic ? ", kernels with cubic and 4 and 6 MiB of buffers" : "")}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd HH:mm} UTC, `{options.CommandLine}`, medians of {options.Runs} runs in turn. {Meter.Machine()}; load {Meter.Load():0.0} at the end. {await Report.VersionsAsync(bench, [])}.\n\n");
        text.Append("Seconds are from start to end of the program. Connected is who has had the server begin what it was asked for. The share is that of the line's capacity which the contents took from then on: with compression it may be more than all of it; nothing is said where round trips decide. The last columns are nativesync ÷ rsync, as a whole and once connected.\n\n");
        text.Append("| case | line | data | rsync | s | connected after | share | MB | nativesync | s | connected after | share | MB | ÷ | ÷ connected |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
        return text.Append(_rows).ToString();
    }

    private static string Cells(Series? one) => one is null ? "failed | | | | " : string.Create(CultureInfo.InvariantCulture,
        $"`{one.Contender.Name[(one.Contender.Name.IndexOf(' ') + 1)..]}` | {one.Seconds:0.00} | {one.Connecting:0.00} | {(one.Share > 0 ? one.Share.ToString("P0", CultureInfo.InvariantCulture) : "")} | {one.WireBytes / 1e6:0.00}");
}
