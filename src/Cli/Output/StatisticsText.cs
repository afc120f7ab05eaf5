using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>The end of rsync's output: the block of <c>--stats</c> and the two closing lines.</summary>
internal static class StatisticsText
{
    /// <summary>rsync's <c>--stats</c>, with rsync's names of the fields; no empty line before it.</summary>
    public static string Block(SyncReport report, int human)
    {
        Statistics s = report.Statistics;
        StringBuilder text = new();
        text.Append("Number of files: ").Append(Counts(s.Entries, s.Files, s.Directories, s.SymbolicLinks, s.Devices, s.Specials, human)).Append('\n');
        text.Append("Number of created files: ")
            .Append(Counts(s.Created, s.CreatedFiles, s.CreatedDirectories, s.CreatedSymbolicLinks, s.CreatedDevices, s.CreatedSpecials, human)).Append('\n');
        text.Append("Number of deleted files: ")
            .Append(Counts(s.Deleted, s.DeletedFiles, s.DeletedDirectories, s.DeletedSymbolicLinks, s.DeletedDevices, s.DeletedSpecials, human)).Append('\n');
        text.Append("Number of regular files transferred: ").Append(NumberText.OfCount(s.FilesTransferred, human)).Append('\n');
        Bytes("Total file size", s.TotalSize);
        Bytes("Total transferred file size", s.TransferredSize);
        Bytes("Literal data", s.LiteralBytes);
        Bytes("Matched data", s.MatchedBytes);
        text.Append("File list size: ").Append(NumberText.Of(s.ListBytes, human)).Append('\n');

        // The list is not made before the transfer but during it.
        text.Append("File list generation time: 0.001 seconds\nFile list transfer time: 0.000 seconds\n");
        text.Append("Total bytes sent: ").Append(NumberText.Of(report.BytesSent, human)).Append('\n');
        text.Append("Total bytes received: ").Append(NumberText.Of(report.BytesReceived, human)).Append('\n');
        return text.ToString();

        void Bytes(string name, long value) => text.Append(name).Append(": ").Append(NumberText.Of(value, human)).Append(" bytes\n");
    }

    /// <summary>The last line of a log when standard output has no summary.</summary>
    public static string LogSummary(SyncReport report) =>
        $"sent {NumberText.Of(report.BytesSent, 1)} bytes  received {NumberText.Of(report.BytesReceived, 1)} bytes  total size {NumberText.Of(report.Statistics.TotalSize, 1)}";

    /// <summary>The two lines at the very end; <paramref name="remark"/> says that nothing was really done.</summary>
    public static string Summary(SyncReport report, int human, string remark)
    {
        long both = report.BytesSent + report.BytesReceived;
        double rate = both / (0.5 + report.Elapsed.TotalSeconds);
        double speedup = both > 0 ? (double)report.Statistics.TotalSize / both : 0;
        return $"sent {NumberText.Of(report.BytesSent, human)} bytes  received {NumberText.Of(report.BytesReceived, human)} bytes  "
            + $"{NumberText.OfRate(rate, human)} bytes/sec\n"
            + $"total size is {NumberText.Of(report.Statistics.TotalSize, human)}  speedup is "
            + speedup.ToString(human == 0 ? "0.00" : "#,0.00", CultureInfo.InvariantCulture) + remark + "\n";
    }

    private static string Counts(long all, long files, long directories, long links, long devices, long specials, int human)
    {
        (string Name, long Count)[] parts = [("reg", files), ("dir", directories), ("link", links), ("dev", devices), ("special", specials)];
        string list = string.Join(", ", parts.Where(static part => part.Count > 0).Select(part => $"{part.Name}: {NumberText.OfCount(part.Count, human)}"));
        return NumberText.OfCount(all, human) + (list.Length > 0 ? $" ({list})" : "");
    }
}
