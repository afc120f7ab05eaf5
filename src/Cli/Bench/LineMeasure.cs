using System.Diagnostics;
using System.Globalization;
using NativeSync.Cli.Remote;
using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Engine.Verify;
using NativeSync.Protocol;

namespace NativeSync.Cli.Bench;

/// <summary>Measures a line by sending the sample over it, into a directory of its own that is removed again.</summary>
/// <param name="connector">Reaches the other side; each transfer has a connection of its own.</param>
/// <param name="remote">The host, and the directory below which the other one is made.</param>
/// <param name="limit">How long a transfer may take.</param>
/// <param name="warn">Told what had to be left behind.</param>
/// <param name="interruption">Signals; what was made is removed all the same.</param>
internal sealed class LineMeasure(RemoteConnector connector, Endpoint remote, TimeSpan limit, Action<string> warn, Interruption interruption)
{
    /// <summary>What came through is known by whole files.</summary>
    private const int LargestFile = 256 << 10;

    private readonly RemotePlace _place = new(connector, remote, warn);
    private double _connect = double.MaxValue;

    /// <summary>Fills in what is about the line.</summary>
    /// <exception cref="SessionException">DIR is missing or cannot be written to, or the session failed.</exception>
    /// <exception cref="TransportException">The connection failed.</exception>
    public async Task MeasureAsync(SourceSample sample, BenchFigures figures, Action<LineFigure> tell)
    {
        DirectoryInfo local = Directory.CreateTempSubdirectory("nativesync-bench-"); // ours alone, as the copy of it will be
        try
        {
            figures.RoundTrip = await AskAsync(interruption.Token);
            long bytes = sample.Content.Length;
            interruption.MustFinish = true;
            bool whole = false;
            try
            {
                for (int i = 0; i < 4; i++)
                {
                    string place = $"{local.FullName}/{i}";
                    bytes = Write(sample, place, bytes);
                    LineFigure line = await SendAsync(place, auto: (i & 1) != 0, compressed: (i & 2) != 0, bytes, i == 0 ? limit : 3 * limit);
                    figures.Lines.Add(line);
                    tell(line);
                    Directory.Delete(place, recursive: true);

                    // What the line does not carry in the time is left out from the second one on, so that they need not be cut.
                    bytes = i == 0 && line.Cut ? Math.Max(line.Content.Bytes, LargestFile) : bytes;
                }

                whole = true;
            }
            finally
            {
                await _place.RemoveAsync(local.FullName, mustBeThere: whole);
                interruption.MustFinish = false;
            }
        }
        finally
        {
            local.Delete(recursive: true);
        }

        figures.Connect = _connect;
    }

    private static long Write(SourceSample sample, string directory, long most)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        int begin = 0, name = 0;
        foreach (int whole in sample.Ends)
        {
            for (int end = (int)Math.Min(whole, most), next; begin < end; begin = next)
            {
                next = Math.Min(end, begin + LargestFile);
                using FileStream file = File.Create(Path.Combine(directory, (name++).ToString(CultureInfo.InvariantCulture)), bufferSize: 1);
                file.Write(sample.Content.AsSpan(begin, next - begin));
            }
        }

        return begin;
    }

    private async Task<IConnection> ConnectAsync(CancellationToken ct)
    {
        long started = Stopwatch.GetTimestamp();
        IConnection connection = await connector.ConnectAsync(remote, ct);
        _connect = Math.Min(_connect, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return connection;
    }

    /// <summary>How long an answer takes: asked for the digests of what is not there yet, the agent has nothing to do.</summary>
    private async Task<double> AskAsync(CancellationToken ct)
    {
        await using IConnection connection = await ConnectAsync(ct);
        long started = Stopwatch.GetTimestamp();
        await using IRecordSource answer = await RemoteManifest.OpenAsync(connection, _place.Path, new VerifyOptions(), ct);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private async Task<LineFigure> SendAsync(string source, bool auto, bool compressed, long bytes, TimeSpan atMost)
    {
        await using IConnection connection = await ConnectAsync(interruption.Token);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(interruption.Token);
        Meter meter = new();
        SyncRequest request = new()
        {
            Sources = [ByteText.FromArgument(source)],
            Destination = _place.Path,
            Options = new SyncOptions
            {
                Flags = JobFlags.Recursive | JobFlags.Permissions | (compressed ? JobFlags.None : JobFlags.NoCompress),
                CompressLevel = compressed ? SyncOptions.AdaptLevel : null,
                Lanes = auto ? 0 : 1,
                ReportContent = true,
            },
        };
        long started = Stopwatch.GetTimestamp(), moved = 0;
        TimeSpan elapsed = default;
        using CancellationTokenRegistration up = stop.Token.Register(() =>
        {
            // Now: the end takes its time, since buffers are full.
            (moved, elapsed) = (meter.Bytes, Stopwatch.GetElapsedTime(started));
        });
        try
        {
            stop.CancelAfter(atMost);
            SyncReport report = await Synchronizer.PushAsync(connection, request, meter, stop.Token);
            return report.ExitCode == 0
                ? new LineFigure(auto, compressed, new Throughput(bytes, report.Elapsed.TotalSeconds), Cut: false)
                : throw new SessionException(report.ExitCode, report.Problems is [var first, ..] ? first.Message : "the sample did not arrive whole");
        }
        catch (OperationCanceledException) when (!interruption.Token.IsCancellationRequested)
        {
            return new LineFigure(auto, compressed, new Throughput(Math.Min(moved, bytes), elapsed.TotalSeconds), Cut: true);
        }
    }

    /// <summary>Counts what the other side says has arrived.</summary>
    private sealed class Meter : ISyncObserver
    {
        private long _bytes;

        public long Bytes => Interlocked.Read(ref _bytes);

        public void OnEntry(in EntryEvent entry) => Interlocked.Add(ref _bytes, entry.Transferred);

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
