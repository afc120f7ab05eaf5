using NativeSync.SideBySide;
using NativeSync.TestKit.Trees;

// Side by side: the same data, the same server, the same cipher, in memory, in turn.
(Options? options, string? error) = Options.Parse(args);
if (options is null)
{
    await Console.Error.WriteLineAsync("bench/compare: " + error);
    return 2;
}

if (options.List)
{
    foreach (Case one in Cases.All.Concat(LineCases.All).Concat(LevelCases.All))
    {
        Console.WriteLine($"{one.Name,-14} {(one.ByDefault ? "        " : "(asked) ")} {one.Title}");
    }

    return 0;
}

Case[] all = [.. Cases.All, .. LineCases.All, .. LevelCases.All];
Case[] chosen = [.. (options.Lines ? LineCases.Table : all).Where(c => options.Cases.Count == 0 ? options.Lines || c.ByDefault : options.Cases.Contains(c.Name))];
string[] unknown = [.. options.Cases.Where(name => all.All(c => c.Name != name))];
if (unknown.Length > 0)
{
    await Console.Error.WriteLineAsync($"bench/compare: no case is called {string.Join(", ", unknown)}; see bench/compare --list");
    return 2;
}

if (options.Cases.Count == 0)
{
    foreach (Case large in chosen.Where(c => !Bench.HasRoom(c.Room)))
    {
        Console.WriteLine($"{large.Name} is left out: it takes {large.Room >> 20} MiB of memory");
    }

    chosen = [.. chosen.Where(c => Bench.HasRoom(c.Room))];
}

string executable = options.Executable ?? Path.Combine(TestRun.Repository, "artifacts", "nativesync");
if (!File.Exists(executable))
{
    await Command.RunAsync([Path.Combine(TestRun.Repository, "build.sh")], TimeSpan.FromMinutes(30));
}

try
{
    await using Bench bench = await Bench.OpenAsync(executable, chosen.Select(c => c.Room).DefaultIfEmpty().Max());
    var runner = new Runner(bench, options.Runs, Console.WriteLine) { Traces = options.Trace, WarmsUp = options.WarmUp, Cubic = options.Cubic };
    Dictionary<string, string> sections = [];
    var lines = new LineTable(options.Cubic);
    foreach (Case one in chosen)
    {
        Console.WriteLine($"{one.Name}: {one.Title}");
        IReadOnlyList<Series> series = await runner.RunAsync(one, options.Only);
        if (options.Lines)
        {
            lines.Add(one, series);
            sections[lines.Name] = await lines.WriteAsync(bench, options, DateTimeOffset.UtcNow);
            continue;
        }

        sections[one.Name] = await Report.WriteAsync(one, series, bench, options, DateTimeOffset.UtcNow);
        Console.WriteLine("\n" + sections[one.Name]);
    }

    if (options.Lines)
    {
        Console.WriteLine("\n" + sections[lines.Name]);
    }

    if (options.Write)
    {
        await Report.UpdatePageAsync(Path.Combine(TestRun.Repository, "docs", "benchmarks.md"), sections);
    }

    return 0;
}
catch (InvalidOperationException e)
{
    await Console.Error.WriteLineAsync("bench/compare: " + e.Message);
    return 1;
}
