using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Options as a Job frame and back. docs/protocol.md, "Job".</summary>
internal static class JobTranslation
{
    public static JobFrame ToJob(JobKind kind, SyncRequest request, JobFlags flags)
    {
        var options = request.Options;
        var numbers = new List<KeyValuePair<JobNumber, long>>();
        Add(numbers, JobNumber.CompressLevel, options.CompressLevel ?? 0);
        Add(numbers, JobNumber.BandwidthLimit, options.BandwidthLimit);
        Add(numbers, JobNumber.TimeoutSeconds, options.TimeoutSeconds);
        Add(numbers, JobNumber.BlockSize, options.BlockSize);
        Add(numbers, JobNumber.ModifyWindow, options.ModifyWindow);
        if (options.MaxDelete is { } limit)
        {
            numbers.Add(new(JobNumber.MaxDelete, limit));
        }

        return new JobFrame
        {
            Kind = kind,
            Flags = flags,
            Numbers = numbers,
            Texts = kind == JobKind.Push && request.Destination.Length > 0 ? [new(JobText.Destination, request.Destination)] : [],
            Sources = kind == JobKind.Push ? [] : [.. request.Sources.Select(s => s.Length == 0 ? "."u8.ToArray() : s)],
            Rules = options.Rules,
            Secret = new byte[ProtocolLimits.SecretLength],
        };
    }

    public static SyncRequest ToRequest(JobFrame job)
    {
        var numbers = job.Numbers.ToDictionary();
        return new SyncRequest
        {
            Sources = job.Sources,
            Destination = job.Texts.FirstOrDefault(t => t.Key == JobText.Destination).Value ?? [],
            Options = new SyncOptions
            {
                Flags = job.Flags,
                CompressLevel = Get(numbers, JobNumber.CompressLevel) is var level and not 0 ? (int)Math.Clamp(level, -100, 22) : null,
                BandwidthLimit = Math.Max(0, Get(numbers, JobNumber.BandwidthLimit)),
                TimeoutSeconds = (int)Math.Clamp(Get(numbers, JobNumber.TimeoutSeconds), 0, int.MaxValue / 1000),
                BlockSize = (int)Math.Clamp(Get(numbers, JobNumber.BlockSize), 0, ProtocolLimits.MaxBlockSize),
                ModifyWindow = (int)Math.Clamp(Get(numbers, JobNumber.ModifyWindow), 0, int.MaxValue),
                MaxDelete = numbers.TryGetValue(JobNumber.MaxDelete, out var limit) ? Math.Max(0, limit) : null,
                Rules = job.Rules,
            },
        };
    }

    /// <summary>What a receiver can do of what is asked: without privileges nobody gives files away.</summary>
    public static JobFlags Effective(JobFlags flags, bool superUser) =>
        superUser ? flags | JobFlags.SuperUser : flags & ~(JobFlags.Owner | JobFlags.SuperUser);

    private static void Add(List<KeyValuePair<JobNumber, long>> numbers, JobNumber id, long value)
    {
        if (value != 0)
        {
            numbers.Add(new(id, value));
        }
    }

    private static long Get(Dictionary<JobNumber, long> numbers, JobNumber id) => numbers.GetValueOrDefault(id);
}
