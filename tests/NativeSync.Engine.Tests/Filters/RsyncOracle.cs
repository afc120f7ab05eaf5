using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>Asks the installed rsync what it would transfer and delete. Names are Latin-1 strings here: one char is one byte.</summary>
internal static class RsyncOracle
{
    private const string CannotDelete = "cannot delete non-empty directory: ";

    /// <summary>Runs <c>rsync -rn --delete</c> with <paramref name="arguments"/>; gives the names it would send and those it would delete.</summary>
    public static (SortedSet<string> Sent, SortedSet<string> Deleted) Ask(string source, string destination, params string[] arguments)
    {
        ProcessStartInfo start = new("rsync") { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.Latin1 };
        start.Environment["LC_ALL"] = "C";
        foreach (string argument in (string[])["-rlnIii", "--delete", "--out-format=%i %n", .. arguments, source, destination])
        {
            start.ArgumentList.Add(argument);
        }

        using Process rsync = Process.Start(start)!;
        Task<string> errors = rsync.StandardError.ReadToEndAsync();
        string output = rsync.StandardOutput.ReadToEnd();
        rsync.WaitForExit();

        // 23: a protected name keeps a directory alive that is in the way of a file.
        Assert.True(rsync.ExitCode is 0 or 23, $"rsync exited with {rsync.ExitCode}: {errors.Result}");
        SortedSet<string> sent = new(StringComparer.Ordinal), deleted = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // A dry run says that it deletes a directory even after it said that something in it is protected.
            if (line.StartsWith(CannotDelete, StringComparison.Ordinal))
            {
                kept.Add(Unescape(line[CannotDelete.Length..]));
                continue;
            }

            if (line.Length < 13 || line[11] != ' ' || !(line[0] is '>' or 'c' or '.' || line.StartsWith("*deleting ", StringComparison.Ordinal)))
            {
                continue;
            }

            string name = Unescape(line[12..]);
            (line.StartsWith("*deleting", StringComparison.Ordinal) ? deleted : sent).Add(name.TrimEnd('/'));
        }

        sent.Remove(".");
        deleted.ExceptWith(kept);
        return (sent, deleted);
    }

    private static string Unescape(string text) => Regex.Replace(text, @"\\#([0-7]{3})", match => ((char)Convert.ToInt32(match.Groups[1].Value, 8)).ToString());
}
