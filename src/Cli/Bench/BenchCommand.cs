using System.Diagnostics;
using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Engine.Compression;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Bench;

/// <summary><c>nativesync bench SRC [[USER@]HOST:DIR]</c>: figures for one's own directory and line, and what to set for them.</summary>
internal static class BenchCommand
{
    /// <summary>As packs are on the wire.</summary>
    private const int PackSize = 512 << 10;

    /// <summary>Has no divisor in common with any number of packs, so that steps of it visit each once.</summary>
    private const long PrimeStep = 7919;

    private static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs it.</summary>
    /// <returns>0; otherwise rsync's code for what is wrong.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<byte[]> arguments, Streams streams, Interruption interruption)
    {
        BenchArguments bench = BenchArguments.Parse(arguments);
        if (bench.Sync.Version || bench.Sync.Help)
        {
            streams.Write(bench.Sync.Version ? VersionText.Text : HelpText.ForCommand("bench"));
            return 0;
        }

        BenchReporter reporter = new(streams, bench.Sync.Output.Json);
        try
        {
            BenchFigures figures = new();
            SourceSample sample = Measure(bench, figures, reporter, interruption.Token);
            if (bench.Remote is { } remote)
            {
                RemoteConnector connector = new(bench.Sync.Remote, interruption);
                await new LineMeasure(connector, remote, bench.Limit, reporter.Warn, interruption).MeasureAsync(sample, figures, reporter.Line);
                reporter.Connection(figures);
            }

            IReadOnlyList<Advice> all = BenchAdvice.From(figures);
            reporter.Finish(all, Command(bench, all));
            return 0;
        }
        catch (Exception e) when (bench.Sync.Output.Json)
        {
            Failure failure = Failure.Of(e, interruption);
            reporter.Fail(failure);
            return failure.ExitCode;
        }
    }

    /// <summary>What needs no line.</summary>
    private static SourceSample Measure(BenchArguments bench, BenchFigures figures, BenchReporter reporter, CancellationToken ct)
    {
        ISystemCalls io = LinuxSystemCalls.Instance;
        string name = UsageException.Quote(bench.Source);
        int root = io.OpenPath(bench.Source, OpenFlags.Read | OpenFlags.Directory);
        if (root < 0)
        {
            throw new SessionException(ExitCodes.Partial, $"source: opening \"{name}\" failed: {Errno.Describe(-root)} ({-root}); bench needs a directory that can be read");
        }

        try
        {
            SourceSample sample = new(io, root, ct);
            figures.Scan = sample.Scan(bench.Limit);
            reporter.Scan(figures.Scan);
            figures.Read = sample.Read(bench.Limit);
            sample.Collect(bench.Limit);
            if (sample.Content.Length == 0)
            {
                throw new SessionException(ExitCodes.FileSelection, $"\"{name}\" has no file with content that can be read: there is nothing to measure (name a directory that has some)");
            }

            reporter.Read(figures.Read);
            foreach (int level in (ReadOnlySpan<int>)[0, 1, 3, 6, 9, 15])
            {
                LevelFigure figure = Compress(sample.Content, level, bench.Limit, ct);
                figures.Levels.Add(figure);
                reporter.Level(figure);
            }

            return sample;
        }
        finally
        {
            io.Close(root);
        }
    }

    private static LevelFigure Compress(byte[] content, int level, TimeSpan limit, CancellationToken ct)
    {
        if (level == 0)
        {
            return new LevelFigure(0, 1, 0);
        }

        using PackCodec codec = new();
        byte[] packed = new byte[PackSize];
        long before = 0, after = 0, started = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            // Little content is compressed again and again: once would tell of the start. Much may not be done in the time: its packs come from all places.
            int packs = ((content.Length - 1) / PackSize) + 1;
            for (int i = 0; i < packs; i++)
            {
                ct.ThrowIfCancellationRequested();
                int at = (int)(i * PrimeStep % packs) * PackSize;
                ReadOnlySpan<byte> pack = content.AsSpan(at, Math.Min(PackSize, content.Length - at));
                int length = codec.Compress(pack, packed, level);
                before += pack.Length;
                after += length < 0 ? pack.Length : length;
                if (Stopwatch.GetElapsedTime(started) >= limit)
                {
                    break;
                }
            }

            elapsed = Stopwatch.GetElapsedTime(started);
        }
        while (elapsed < LeastTime);
        return new LevelFigure(level, (double)before / after, before / elapsed.TotalSeconds);
    }

    /// <summary>The command line that the recommendations make, to be given to a shell.</summary>
    internal static string Command(BenchArguments bench, IReadOnlyList<Advice> all)
    {
        string options = string.Concat(all.Where(static advice => advice.Verdict == Verdict.Use).Select(static advice => advice.Option + " "));
        string source = UsageException.Quote(bench.Source).TrimEnd('/') + "/";
        source = source[0] == '-' ? "./" + source : source;
        Endpoint target = bench.Remote ?? new Endpoint("HOST", "USER", "DIR"u8.ToArray());
        string host = target.Host!.Contains(':', StringComparison.Ordinal) ? $"[{target.Host}]" : target.Host;
        string place = UsageException.Quote(target.User is null ? host : $"{target.User}@{host}") + ":" + UsageException.Quote(target.Path);
        return $"nativesync sync -a {options}{bench.Connection}{BenchArguments.Quoted(source)} {BenchArguments.Quoted(place)}";
    }
}
