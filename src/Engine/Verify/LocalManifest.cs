using System.Threading.Channels;
using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Verify;

/// <summary>A manifest of this machine as a source of records: made by a task of its own, through a bounded queue of packs.</summary>
internal sealed class LocalManifest : IRecordSource, IRecordSink
{
    private const int PacksAhead = 4;

    private readonly Channel<byte[]> _packs = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(PacksAhead) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _stop;
    private readonly Task _making;
    private readonly SharedDigests? _digests;

    public LocalManifest(ISystemCalls io, ManifestOptions options, byte[] root, SharedDigests? digests, CancellationToken ct)
    {
        _digests = digests;
        options = options with { Digests = digests?.Index };
        _stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _making = Task.Run(() => MakeAsync(new TreeManifest(io, options, this), root), CancellationToken.None);
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken ct)
    {
        while (await _packs.Reader.WaitToReadAsync(ct).ConfigureAwait(false))
        {
            if (_packs.Reader.TryRead(out byte[]? pack))
            {
                return pack;
            }
        }

        return default;
    }

    public async ValueTask FinishAsync(CancellationToken ct) => await _making.WaitAsync(ct).ConfigureAwait(false);

    public async ValueTask SendAsync(ReadOnlyMemory<byte> records, CancellationToken ct) =>
        await _packs.Writer.WriteAsync(records.ToArray(), ct).ConfigureAwait(false);

    /// <summary>Stops making, if it goes on still, and waits until it has let go of the tree.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _making.ConfigureAwait(false);
        _stop.Dispose();
        _digests?.Dispose();
    }

    private async Task MakeAsync(TreeManifest manifest, byte[] root)
    {
        try
        {
            await manifest.RunAsync(root, _stop.Token).ConfigureAwait(false);
            _packs.Writer.TryComplete();
        }
        catch (Exception e)
        {
            _packs.Writer.TryComplete(e); // the reader of the packs throws it
        }
    }
}
