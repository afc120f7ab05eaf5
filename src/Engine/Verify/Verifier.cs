using NativeSync.Engine.Digests;
using NativeSync.Engine.Session;
using NativeSync.Engine.Verify;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>Compares two trees by digest and names every entry that differs, and in what.</summary>
public static class Verifier
{
    /// <summary>
    /// Reads both sides at once, each where it lies: of a remote side only names, metadata and digests travel. Memory does not grow
    /// with the trees, but with the largest directory and the number of files with several names.
    /// </summary>
    /// <exception cref="TransportException">A connection failed.</exception>
    /// <exception cref="ProtocolException">The other end did not send a manifest.</exception>
    public static Task<VerifyReport> CompareAsync(VerifySide source, VerifySide destination, VerifyOptions options, IVerifyObserver? observer = null, CancellationToken ct = default) =>
        CompareAsync(source, destination, options, observer, SyncEnvironment.Default, ct);

    internal static async Task<VerifyReport> CompareAsync(VerifySide source, VerifySide destination, VerifyOptions options, IVerifyObserver? observer, SyncEnvironment environment, CancellationToken ct)
    {
        IRecordSource a = await OpenAsync(source, options, environment, ct).ConfigureAwait(false);
        await using (a.ConfigureAwait(false))
        {
            IRecordSource b = await OpenAsync(destination, options, environment, ct).ConfigureAwait(false);
            await using (b.ConfigureAwait(false))
            {
                VerifyReport report = await CompareAsync(a, b, options, observer, ct).ConfigureAwait(false);
                await a.FinishAsync(ct).ConfigureAwait(false);
                await b.FinishAsync(ct).ConfigureAwait(false);
                return report;
            }
        }
    }

    internal static async Task<VerifyReport> CompareAsync(IRecordSource source, IRecordSource destination, VerifyOptions options, IVerifyObserver? observer, CancellationToken ct)
    {
        VerifyCollector found = new(options, observer);
        ManifestReader a = new(source, problem => found.Problem(onDestination: false, problem));
        ManifestReader b = new(destination, problem => found.Problem(onDestination: true, problem));
        ManifestComparer comparer = new(a, b, options, found);
        await comparer.RunAsync(ct).ConfigureAwait(false);
        return found.Finish(a, b, comparer.Tolerated);
    }

    private static async ValueTask<IRecordSource> OpenAsync(VerifySide side, VerifyOptions options, SyncEnvironment environment, CancellationToken ct)
    {
        if (side.Connection is { } connection)
        {
            return await RemoteManifest.OpenAsync(connection, side.Path, options, ct).ConfigureAwait(false);
        }

        SharedDigests? digests = SharedDigests.Open(environment.Io, environment.Clock, options.ChecksumIndex);
        return new LocalManifest(environment.Io, ManifestServer.OptionsOf(options.Flags, options.Rules), side.Path, digests, ct);
    }
}
