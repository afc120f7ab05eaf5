using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// --detect-renamed: which contents were sent in this session, by size and beginning, so that one that comes again is named by its digest
/// instead of sent. docs/protocol.md, "Content".
/// </summary>
/// <remarks>
/// XXH3 tells contents apart and does not withstand who makes two of them alike on purpose: only files of one owner, which nobody else may write, are
/// taken for each other, or a user's file could come to be what another's has in it.
/// Used by the content stage alone. What begins as something that was sent is read for its digest before it is sent; files of one size that
/// only begin alike (images, segments of databases) stop that after a few.
/// </remarks>
internal sealed class SentContents(SyncContext context)
{
    private const int SampleSize = 16 * 1024;

    /// <summary>S_IWGRP (which where there is an access list is the most that it grants anybody) and S_IWOTH.</summary>
    private const uint WritableByOthers = 0x12;
    private const int MostMisses = 3;

    /// <summary>To read so much in vain takes seconds, in which nothing is sent: once is enough.</summary>
    private const long LongRead = 1L << 30;

    /// <summary>Some 200 bytes each at either end: what more there is, is sent.</summary>
    private const int Most = 16 * 1024;

    private readonly bool _isOn = context.Options.DetectRenamed && !context.InPlace && !context.Has(JobFlags.DelayUpdates) && !context.Has(JobFlags.DryRun);
    private readonly Dictionary<ulong, Content> _contents = [];
    private readonly HashSet<ulong> _named = [];
    private readonly byte[] _sample = context.Options.DetectRenamed ? new byte[SampleSize] : [];
    private ulong _key;
    private ulong _entry;
    private uint _owner;
    private int _count;

    /// <summary>Whether an open file's content was sent before. If not, it is to be sent, and told to <see cref="Add"/>.</summary>
    public bool TryFind(in SenderWork work, int fd, in FileStatus status, out UInt128 digest)
    {
        digest = default;
        _key = 0;
        if (!_isOn || !status.IsRegular || (status.Mode & WritableByOthers) != 0 || context.Io.ReadAt(fd, _sample, 0) != SampleSize)
        {
            return false;
        }

        _key = XxHash3.HashToUInt64(_sample, unchecked((status.Size * 31) ^ ((long)status.Uid << 32)));

        // Who asks for it again has not got it.
        _owner = status.Uid;
        _entry = ((ulong)work.Directory.Id << 32) | (uint)work.Index;
        if (!_contents.TryGetValue(_key, out var sent) || sent.Misses >= (status.Size < LongRead ? MostMisses : 1) || sent.Owner != status.Uid || sent.Entry == _entry || _named.Count == Most || !_named.Add(_entry))
        {
            return false;
        }

        context.Outbox.Flush();
        if (FileDigest.Compute(context.Io, context.Digests, fd, status, out digest) < 0 || digest != sent.Digest)
        {
            sent.Misses++;
            return false;
        }

        return context.Io.Stat(fd, out var after) >= 0 && after.IsSameVersion(status);
    }

    /// <summary>What was not found was sent, and held still.</summary>
    public void Add(UInt128 digest)
    {
        if (_key != 0 && _count++ < Most)
        {
            _contents.TryAdd(_key, new Content { Entry = _entry, Owner = _owner, Digest = digest });
        }
    }

    private sealed class Content
    {
        /// <summary>As which it was sent.</summary>
        public ulong Entry { get; init; }

        public uint Owner { get; init; }

        public UInt128 Digest { get; init; }

        /// <summary>How often another content began like this.</summary>
        public int Misses { get; set; }
    }
}
