using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>Runs over a private server behind a line that counts, with the processes of both ends within reach.</summary>
internal sealed class RemoteRun(PrivateSshd server, CountedLine line)
{
    /// <summary>The words that reach the server through the line.</summary>
    public string[] Options { get; } =
    [
        "--port", line.Port.ToString(CultureInfo.InvariantCulture), "--identity", server.ClientKeyPath, "--known-hosts", "/dev/null", "--host-key-check", "no", "--rsync-path", Tool.Path,
    ];

    /// <summary>Pushes to its end.</summary>
    public Task<CommandResult> PushAsync(string source, string destination, params string[] options) => PushAsync(source, destination, _ => Task.CompletedTask, options);

    /// <summary>Pushes while <paramref name="meanwhile"/> does something to it; its argument is the process of our end.</summary>
    public Task<CommandResult> PushAsync(string source, string destination, Func<int, Task> meanwhile, params string[] options) =>
        RunAsync([.. options, source, Tool.Remote(destination)], meanwhile);

    /// <summary>Fetches from its end, likewise.</summary>
    public Task<CommandResult> PullAsync(string source, string destination, Func<int, Task> meanwhile, params string[] options) =>
        RunAsync([.. options, Tool.Remote(source), destination], meanwhile);

    /// <summary>Of a command line at the other end: the agent's.</summary>
    public static bool IsAgent(string words) => (words.EndsWith(" serve", StringComparison.Ordinal) || words.Contains(" serve --wait=", StringComparison.Ordinal)) && !IsShell(words);

    /// <summary>Of a command line at the other end: that of a further lane.</summary>
    public static bool IsLane(string words) => words.EndsWith(" serve join", StringComparison.Ordinal) && !IsShell(words);

    /// <summary>Of a command line at the other end: that of a connection's server.</summary>
    public static bool IsSshd(string words) => words.StartsWith("sshd", StringComparison.Ordinal);

    /// <summary>The process that serves at the other end, or that of sshd above it; null when there is none.</summary>
    public int? Find(bool sshd) => FindAll(sshd ? IsSshd : IsAgent) is [var first, ..] ? first : null;

    /// <summary>The processes at the other end whose command line is of a kind.</summary>
    public IReadOnlyList<int> FindAll(Func<string, bool> kind) =>
        [.. ProcessWatch.Descendants(server.ProcessId).Where(id => ProcessWatch.CommandLineOf(id) is { } words && kind(words))];

    /// <summary>SIGKILL, when it is still there.</summary>
    public static void Kill(int? id)
    {
        try
        {
            using Process process = Process.GetProcessById(id ?? 0);
            if (id > 0)
            {
                process.Kill();
            }
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It was through already.
        }
    }

    /// <summary>Waits until something holds, or until the process has ended.</summary>
    public static async Task UntilAsync(Func<bool> holds, int process)
    {
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(2));
        while (!holds() && ProcessWatch.CommandLineOf(process) is { Length: > 0 })
        {
            await poll.WaitForNextTickAsync();
        }
    }

    /// <summary>An event of <c>--json</c>.</summary>
    public static List<JsonElement> EventsOf(CommandResult result, string name) =>
    [
        .. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(text => JsonDocument.Parse(text).RootElement)
            .Where(e => e.GetProperty("event").GetString() == name),
    ];

    /// <summary>A number of the report.</summary>
    public static long Reported(CommandResult result, string name) => Assert.Single(EventsOf(result, "report")).GetProperty(name).GetInt64();

    private static bool IsShell(string words) => words.StartsWith("/bin/sh", StringComparison.Ordinal) || words.StartsWith("sh ", StringComparison.Ordinal);

    private async Task<CommandResult> RunAsync(string[] words, Func<int, Task> meanwhile)
    {
        Task? task = null;
        CommandResult result = await Command.RunAsync([Tool.Path, "sync", .. Options, .. words], TimeSpan.FromMinutes(4), started: process => task = meanwhile(process.Id));
        await task!;
        return result;
    }
}
