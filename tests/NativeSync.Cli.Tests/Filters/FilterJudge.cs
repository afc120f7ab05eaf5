using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Tests.Filters;

/// <summary>What a dry run says: the names transferred and deleted, and the exit code when there was no run. Names are Latin-1 strings.</summary>
internal sealed record Decisions(SortedSet<string> Sent, SortedSet<string> Deleted, int Failure, string Messages)
{
    public bool Agrees(Decisions other) => Failure == other.Failure && (Failure != 0 || (Sent.SetEquals(other.Sent) && Deleted.SetEquals(other.Deleted)));
}

/// <summary>Asks the installed rsync and the engine, by the same command line.</summary>
internal static class FilterJudge
{
    private const string CannotDelete = "cannot delete non-empty directory: ";

    public static Decisions AskRsync(IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new("rsync")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
        };
        start.Environment["LC_ALL"] = "C";
        foreach (string argument in (IEnumerable<string>)["--out-format=%i %n", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using Process rsync = Process.Start(start)!;
        Task<string> errors = rsync.StandardError.ReadToEndAsync();
        string output = rsync.StandardOutput.ReadToEnd();
        string messages = errors.GetAwaiter().GetResult();
        rsync.WaitForExit();
        SortedSet<string> sent = new(StringComparer.Ordinal), deleted = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // A dry run says that it deletes a directory even after it said that something in it is protected.
            if (line.StartsWith(CannotDelete, StringComparison.Ordinal))
            {
                kept.Add(Unescape(line[CannotDelete.Length..]));
            }
            else if (line.Length >= 13 && line[11] == ' ' && (line[0] is '>' or 'c' or '.' || line.StartsWith("*deleting ", StringComparison.Ordinal)))
            {
                string name = Unescape(line[12..]);
                int arrow = line[1] == 'L' ? name.IndexOf(" -> ", StringComparison.Ordinal) : -1;
                (line[0] == '*' ? deleted : sent).Add((arrow < 0 ? name : name[..arrow]).TrimEnd('/'));
            }
        }

        sent.Remove(".");
        deleted.ExceptWith(kept);
        return new Decisions(sent, deleted, rsync.ExitCode is 0 or 23 ? 0 : rsync.ExitCode, messages);
    }

    public static Decisions AskEngine(IReadOnlyList<string> arguments)
    {
        Listener listener = new();
        try
        {
            SyncArguments parsed = SyncArgumentsBuilder.Parse([.. arguments.Select(Encoding.UTF8.GetBytes)]);
            SyncRequest request = new() { Sources = [.. parsed.Operands.SkipLast(1)], Destination = parsed.Operands[^1], Options = parsed.Options };
            _ = Synchronizer.LocalAsync(request, listener).WaitAsync(TimeSpan.FromMinutes(1)).GetAwaiter().GetResult();
        }
        catch (UsageException e)
        {
            return new Decisions([], [], e.ExitCode, e.Message);
        }
        catch (SessionException e)
        {
            return new Decisions([], [], e.ExitCode, e.Message);
        }

        bool all = arguments.Any(static a => a.StartsWith("-rl", StringComparison.Ordinal) && a.Contains("ii", StringComparison.Ordinal));
        SortedSet<string> sent = new(StringComparer.Ordinal), deleted = new(StringComparer.Ordinal);
        foreach ((OutcomeKind kind, string path) in listener.Entries)
        {
            if (kind == OutcomeKind.Deleted)
            {
                deleted.Add(path);
            }
            else if (kind is OutcomeKind.Created or OutcomeKind.Updated or OutcomeKind.MetadataOnly or OutcomeKind.Linked || (all && kind == OutcomeKind.Unchanged))
            {
                sent.Add(path);
            }
        }

        sent.Remove(".");
        return new Decisions(sent, deleted, 0, string.Join('\n', listener.Problems));
    }

    private static string Unescape(string text)
    {
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            bool escape = text[i] == '\\' && i + 4 < text.Length && text[i + 1] == '#' && text.AsSpan(i + 2, 3).IndexOfAnyExceptInRange('0', '7') < 0;
            plain.Append(escape ? (char)Convert.ToInt32(text.Substring(i + 2, 3), 8) : text[i]);
            i += escape ? 4 : 0;
        }

        return plain.ToString();
    }

    private sealed class Listener : ISyncObserver
    {
        public ConcurrentQueue<(OutcomeKind Kind, string Path)> Entries { get; } = [];

        public ConcurrentQueue<string> Problems { get; } = [];

        public void OnEntry(in EntryEvent entry) => Entries.Enqueue((entry.Kind, Encoding.Latin1.GetString(entry.Path)));

        public void OnProblem(in SyncProblem problem) => Problems.Enqueue(problem.Message);

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
