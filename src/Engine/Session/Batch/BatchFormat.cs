using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>
/// What --write-batch writes (docs/batch.md): magic bytes, a Job frame, the Records frames of a session, a Goodbye frame, and the
/// digest of all that.
/// </summary>
internal static class BatchFormat
{
    /// <summary>The last byte is the version.</summary>
    public static ReadOnlySpan<byte> Magic => "\0NSBATCH\r\n\x01"u8;

    /// <summary>The digest at the end.</summary>
    public const int DigestLength = 16;

    /// <summary>
    /// What the records are about: they say nothing of links, owners and so on that were not asked for, so who applies them cannot
    /// ask for more, nor for less. As in rsync the rest is up to who reads.
    /// </summary>
    public const JobFlags Bound = JobFlags.Recursive | JobFlags.Dirs | JobFlags.Links | JobFlags.Owner | JobFlags.Group | JobFlags.Devices
        | JobFlags.Specials | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.NumericIds | JobFlags.Checksum | JobFlags.Append
        | JobFlags.AppendVerify | JobFlags.AccessTimes | JobFlags.FileFlags | JobFlags.ProjectIds | JobFlags.WholeFile;

    /// <summary>The frame that says what a batch was made with.</summary>
    public static JobFrame Describe(SyncOptions options) => new()
    {
        Kind = JobKind.Push,
        Flags = options.Flags & Bound,
        Numbers = options.XattrLevel > 0 ? [new(JobNumber.XattrLevel, options.XattrLevel)] : [],
        Secret = new byte[ProtocolLimits.SecretLength],
    };
}
