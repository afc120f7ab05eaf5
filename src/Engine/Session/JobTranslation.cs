using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Options as a Job frame and back. docs/protocol.md, "Job".</summary>
internal static class JobTranslation
{
    public static JobFrame ToJob(JobKind kind, SyncRequest request, JobFlags flags, byte[] secret)
    {
        var options = request.Options;
        var numbers = new List<KeyValuePair<JobNumber, long>>();
        Add(numbers, JobNumber.CompressLevel, options.CompressLevel ?? 0);
        Add(numbers, JobNumber.BandwidthLimit, request.RemoteBandwidthLimit ?? options.BandwidthLimit);
        Add(numbers, JobNumber.TimeoutSeconds, options.TimeoutSeconds);
        Add(numbers, JobNumber.BlockSize, options.BlockSize);
        Add(numbers, JobNumber.ModifyWindow, options.ModifyWindow);
        Add(numbers, JobNumber.SourceOptions, (long)options.SourceOptions);
        Add(numbers, JobNumber.DeleteTiming, (long)options.DeleteTiming);
        Add(numbers, JobNumber.AlternateUse, (long)options.AlternateUse);
        Add(numbers, JobNumber.Fuzzy, options.Fuzzy);
        Add(numbers, JobNumber.DetectRenamed, options.DetectRenamed ? options.RenamesAreNear ? 2 : 1 : 0);
        Add(numbers, JobNumber.ResumeFrom, options.ResumeFrom);
        Add(numbers, JobNumber.Durable, options.Durable ? 1 : 0);
        Add(numbers, JobNumber.BatchOnly, options.BatchOnly ? 1 : 0);
        Add(numbers, JobNumber.Lanes, options.Lanes == 0 ? ProtocolLimits.MaxLane + 1 : options.Lanes == 1 ? 0 : options.Lanes);
        if (options.MaxDelete is { } limit)
        {
            numbers.Add(new(JobNumber.MaxDelete, limit));
        }

        if (options.MaxSize is { } largest)
        {
            numbers.Add(new(JobNumber.MaxSize, largest));
        }

        if (options.MinSize is { } smallest)
        {
            numbers.Add(new(JobNumber.MinSize, smallest));
        }

        Add(numbers, JobNumber.XattrLevel, options.XattrLevel);
        var texts = new List<KeyValuePair<JobText, byte[]>>();
        Add(texts, JobText.Destination, kind == JobKind.Push ? request.Destination : []);
        Add(texts, JobText.UserMap, options.UserMap);
        Add(texts, JobText.GroupMap, options.GroupMap);
        Add(texts, JobText.ChangeMode, options.ChangeMode);
        Add(texts, JobText.SkipCompress, options.SkipCompress);
        Add(texts, JobText.ChecksumIndex, options.ChecksumIndex);
        Add(texts, JobText.FilesFrom, request is { FilesFrom: { } list, FilesFromIsRemote: true } ? list : []);
        if (kind == JobKind.Push)
        {
            AddReceiverTexts(texts, options);
        }

        return new JobFrame
        {
            Kind = kind,
            Flags = flags,
            Numbers = numbers,
            Texts = texts,
            Sources = kind == JobKind.Push ? [] : [.. request.Sources.Select(s => s.Length == 0 ? "."u8.ToArray() : s)],
            Rules = options.Rules,
            Secret = secret,
        };
    }

    public static SyncRequest ToRequest(JobFrame job)
    {
        var numbers = job.Numbers.ToDictionary();
        var alternates = job.Text(JobText.AlternateDirectories) is { } packed ? Unpack(packed) : [];
        return new SyncRequest
        {
            Sources = job.Sources,
            Destination = job.Text(JobText.Destination) ?? [],
            FilesFrom = job.Text(JobText.FilesFrom),
            Options = new SyncOptions
            {
                Flags = job.Flags,
                SourceOptions = (SourceOptions)Get(numbers, JobNumber.SourceOptions),
                CompressLevel = Get(numbers, JobNumber.CompressLevel) is var level and not 0 ? level == Compression.AdaptiveLevel.Adapt ? (int)level : (int)Math.Clamp(level, -100, 22) : null,
                BandwidthLimit = Math.Max(0, Get(numbers, JobNumber.BandwidthLimit)),
                TimeoutSeconds = (int)Math.Clamp(Get(numbers, JobNumber.TimeoutSeconds), 0, int.MaxValue / 1000),
                BlockSize = (int)Math.Clamp(Get(numbers, JobNumber.BlockSize), 0, ProtocolLimits.MaxBlockSize),
                ModifyWindow = (int)Math.Clamp(Get(numbers, JobNumber.ModifyWindow), 0, int.MaxValue),
                MaxDelete = numbers.TryGetValue(JobNumber.MaxDelete, out var limit) ? Math.Max(0, limit) : null,
                MaxSize = numbers.TryGetValue(JobNumber.MaxSize, out var largest) ? largest : null,
                MinSize = numbers.TryGetValue(JobNumber.MinSize, out var smallest) ? smallest : null,
                UserMap = job.Text(JobText.UserMap) ?? [],
                GroupMap = job.Text(JobText.GroupMap) ?? [],
                ChangeMode = job.Text(JobText.ChangeMode) ?? [],
                SkipCompress = job.Text(JobText.SkipCompress) ?? [],
                FakeSuper = (job.Flags & JobFlags.FakeSuper) != 0,
                XattrLevel = (int)Math.Clamp(Get(numbers, JobNumber.XattrLevel), 0, 2),
                DeleteTiming = (DeleteTiming)Math.Clamp(Get(numbers, JobNumber.DeleteTiming), 0, (long)DeleteTiming.After),
                BackupDirectory = job.Text(JobText.BackupDirectory),
                BackupSuffix = job.Text(JobText.BackupSuffix),
                PartialDirectory = job.Text(JobText.PartialDirectory),
                TempDirectory = job.Text(JobText.TempDirectory),
                AlternateUse = alternates.Count == 0 ? AlternateUse.None
                    : (AlternateUse)Math.Clamp(Get(numbers, JobNumber.AlternateUse), (long)AlternateUse.Compare, (long)AlternateUse.Link),
                AlternateDirectories = alternates,
                Fuzzy = (int)Math.Clamp(Get(numbers, JobNumber.Fuzzy), 0, 2),
                ChecksumIndex = job.Text(JobText.ChecksumIndex),
                DetectRenamed = Get(numbers, JobNumber.DetectRenamed) != 0,
                RenamesAreNear = Get(numbers, JobNumber.DetectRenamed) == 2,
                ResumeFrom = Math.Max(0, Get(numbers, JobNumber.ResumeFrom)),
                Durable = Get(numbers, JobNumber.Durable) != 0,
                BatchOnly = Get(numbers, JobNumber.BatchOnly) == 1,
                Lanes = (int)Math.Clamp(Get(numbers, JobNumber.Lanes), 1, ProtocolLimits.MaxLane + 1),
                Rules = job.Rules,
            },
        };
    }

    /// <summary>The paths that mean something at the receiver.</summary>
    private static void AddReceiverTexts(List<KeyValuePair<JobText, byte[]>> texts, SyncOptions options)
    {
        Add(texts, JobText.TempDirectory, options.TempDirectory);
        Add(texts, JobText.PartialDirectory, options.PartialDirectory);
        Add(texts, JobText.BackupDirectory, options.BackupDirectory);
        if (options.BackupSuffix is { } suffix)
        {
            // Also an empty one says something.
            texts.Add(new(JobText.BackupSuffix, suffix));
        }

        Add(texts, JobText.AlternateDirectories, Pack(options.AlternateDirectories));
    }

    private static byte[] Pack(IReadOnlyList<byte[]> paths)
    {
        var packed = new byte[paths.Sum(path => WireWriter.BlobSize(path.Length))];
        var writer = new WireWriter(packed);
        foreach (var path in paths)
        {
            writer.WriteBlob(path);
        }

        return writer.Position <= ProtocolLimits.MaxPath
            ? packed[..writer.Position]
            : throw new SessionException(1, $"the paths of the {paths.Count} alternate directories are too long ({writer.Position} bytes, at most {ProtocolLimits.MaxPath})");
    }

    private static List<byte[]> Unpack(byte[] packed)
    {
        var paths = new List<byte[]>();
        var reader = new WireReader(packed);
        while (reader.Remaining > 0)
        {
            var path = reader.ReadBlob(ProtocolLimits.MaxPath);
            if (path.IsEmpty || paths.Count == SyncOptions.MaxAlternates)
            {
                throw new ProtocolException(ProtocolError.LengthOutOfRange, "an alternate directory of the job is empty, or there are too many");
            }

            paths.Add(path.ToArray());
        }

        return paths;
    }

    /// <summary>
    /// What a receiver will do of what is asked: without privileges, unless it shall try (--super) or pretend (--fake-super), nobody
    /// gives files away or makes devices.
    /// </summary>
    public static JobFlags Effective(JobFlags flags, bool isRoot, bool fakeSuper)
    {
        var superUser = (flags & JobFlags.NoSuper) == 0 && (isRoot || fakeSuper || (flags & JobFlags.SuperUser) != 0);
        return superUser ? flags | JobFlags.SuperUser : flags & ~(JobFlags.Owner | JobFlags.Devices | JobFlags.SuperUser);
    }

    /// <summary>
    /// What holds at the caller's end. A receiver may say what it can set and what not; that files are removed, or links are taken as they come, is no
    /// peer's to decide.
    /// </summary>
    public static JobFlags Agreed(JobKind kind, JobFlags asked, JobFlags answered)
    {
        const JobFlags Able = JobFlags.Owner | JobFlags.Devices;
        return kind == JobKind.Push ? (asked & ~(Able | JobFlags.SuperUser)) | (asked & answered & Able) | (answered & JobFlags.SuperUser) : asked;
    }

    /// <summary>The same before the agent has answered, by how it introduced itself.</summary>
    public static JobFlags Foreseen(JobFrame job, Capabilities agent) => Agreed(
        job.Kind, job.Flags, Effective(job.Flags, (agent & Capabilities.SuperUser) != 0, (job.Flags & JobFlags.FakeSuper) != 0));

    private static void Add(List<KeyValuePair<JobText, byte[]>> texts, JobText id, byte[]? value)
    {
        if (value is { Length: > 0 })
        {
            texts.Add(new(id, value));
        }
    }

    private static void Add(List<KeyValuePair<JobNumber, long>> numbers, JobNumber id, long value)
    {
        if (value != 0)
        {
            numbers.Add(new(id, value));
        }
    }

    private static long Get(Dictionary<JobNumber, long> numbers, JobNumber id) => numbers.GetValueOrDefault(id);
}
