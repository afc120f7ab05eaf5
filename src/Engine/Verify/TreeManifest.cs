using System.Threading.Channels;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// Walks a tree, depth first in the byte order of names, reads every file, and streams what it found as records:
/// <list type="number">
/// <item>Root; then per directory Probe, its Problems and Identities, Entries with content digests; then its child directories; then Close.</item>
/// <item>TreeDigest over all of it; EndOfTree with counts.</item>
/// </list>
/// One walker scans ahead, several readers hash, one writer emits in order. At most <see cref="StepsAhead"/> directories wait.
/// </summary>
internal sealed class TreeManifest
{
    private const int StepsAhead = 64;

    private readonly ISystemCalls _io;
    private readonly ManifestOptions _options;
    private readonly FileReaders _readers;
    private readonly ManifestWriter _writer;

    public TreeManifest(ISystemCalls io, ManifestOptions options, IRecordSink sink)
    {
        _io = io;
        _options = options;
        _readers = new FileReaders(io, options.Readers, options.Digests);
        IdentityMap? identities = options.Has(JobFlags.NumericIds) ? null : IdentityMap.Load(io);
        _writer = new ManifestWriter(options, identities, sink);
    }

    /// <summary>Files and bytes read so far; any thread may ask.</summary>
    public (long Files, long Bytes) Progress => _readers.Progress;

    /// <summary>Streams the manifest of what lies at an operator's path: a directory, or a single entry of any other type.</summary>
    public async Task RunAsync(ReadOnlyMemory<byte> root, CancellationToken ct)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        int error = ManifestRoot.Open(_io, root.Span, out ManifestRoot opened);
        if (error < 0)
        {
            await _writer.WriteMissingRootAsync(-error, ct).ConfigureAwait(false);
            return;
        }

        error = opened.ReadXattrs(_io, _options.ScanFields);
        Channel<ManifestStep> steps = Channel.CreateBounded<ManifestStep>(new BoundedChannelOptions(StepsAhead) { SingleReader = true, SingleWriter = true });
        ManifestWalker walker = new(_io, _options, _readers, steps.Writer);
        Task[] stages =
        [
            RunStageAsync(() => walker.RunAsync(opened, stop.Token), stop),
            RunStageAsync(() => _readers.RunAsync(stop.Token), stop),
            RunStageAsync(() => _writer.RunAsync(opened, -error, steps.Reader, stop.Token), stop),
        ];
        try
        {
            await Task.WhenAll(stages).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // One stage failed and stopped the others: its reason wins.
            foreach (Task stage in stages)
            {
                if (stage.IsFaulted)
                {
                    await stage.ConfigureAwait(false);
                }
            }

            throw;
        }
        finally
        {
            _readers.Drain();
            while (steps.Reader.TryRead(out _))
            {
            }
        }
    }

    private static async Task RunStageAsync(Func<Task> stage, CancellationTokenSource stop)
    {
        try
        {
            await Task.Run(stage, CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}

/// <summary>From walker to writer: a directory to emit, or (Directory null) the end of one.</summary>
internal readonly record struct ManifestStep(ManifestDirectory? Directory, int Closed);
