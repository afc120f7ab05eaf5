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
    public static Task RunAsync(JobFrame job, IRecordSink sink, CancellationToken ct)
    {
        Check(job);
        return new TreeManifest(LinuxSystemCalls.Instance, OptionsOf(job.Flags, job.Rules), sink).RunAsync(job.Sources[0], ct);
    }

    /// <summary>Options for flags and rules, the same on both sides of a comparison.</summary>
    public static ManifestOptions OptionsOf(JobFlags flags, IReadOnlyList<byte[]> rules) => new() { Flags = flags, Filters = FilterList.Parse(rules) };
}
