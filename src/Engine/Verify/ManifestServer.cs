using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>What the agent does for <see cref="JobKind.Manifest"/>: the manifest of the job's one source, by its flags and rules.</summary>
internal static class ManifestServer
{
    /// <summary>Whether the job can be done.</summary>
    /// <exception cref="ProtocolException">It does not name exactly one source.</exception>
    /// <exception cref="FilterException">A rule that does not parse.</exception>
    public static void Check(JobFrame job)
    {
        FilterList.Parse(job.Rules);
        if (job.Sources.Count != 1)
        {
            throw new ProtocolException(ProtocolError.ValueOutOfRange, $"a manifest has one source, not {job.Sources.Count}");
        }
    }

    /// <summary>Streams the manifest.</summary>
    /// <exception cref="SessionException">11: the index of digests cannot be used.</exception>
    public static async Task RunAsync(JobFrame job, IRecordSink sink, CancellationToken ct)
    {
        Check(job);
        using var digests = SharedDigests.Open(LinuxSystemCalls.Instance, TimeProvider.System, job.Text(JobText.ChecksumIndex));
        var options = OptionsOf(job.Flags, job.Rules) with { Digests = digests?.Index };
        await new TreeManifest(LinuxSystemCalls.Instance, options, sink).RunAsync(job.Sources[0], ct).ConfigureAwait(false);
    }

    /// <summary>Options for flags and rules, the same on both sides of a comparison.</summary>
    public static ManifestOptions OptionsOf(JobFlags flags, IReadOnlyList<byte[]> rules) => new() { Flags = flags, Filters = FilterList.Parse(rules) };
}
