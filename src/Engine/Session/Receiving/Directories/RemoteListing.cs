using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>The entries of one directory as the sender told them, with what the receiver notes beside each.</summary>
internal sealed class RemoteListing
{
    private readonly List<ulong> _groups = [];
    private Dictionary<int, EntryMark>? _marks;
    private ContentState[] _states = [];
    private byte[] _attempts = [];
    private Changes[] _changes = [];

    public DirectoryListing Entries { get; } = new();

    public int Count => Entries.Count;

    /// <summary>All entries have come.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The source sends only what was named in it: whatever else is here is none of our business.</summary>
    public bool IsSelected { get; private set; }

    /// <summary>Takes a part of the entries.</summary>
    /// <param name="header">The record up to its first entry.</param>
    /// <param name="fields">Stands at that entry.</param>
    /// <param name="xattrs">Which attributes count; null for all.</param>
    /// <param name="munge">Links get the mark of --munge-links.</param>
    /// <exception cref="ProtocolException">A part that is not the next one, or names that do not ascend.</exception>
    public void Read(in EntriesRecord header, ref WireReader fields, XattrFilter? xattrs = null, bool munge = false)
    {
        if (IsComplete || Count != header.First)
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {header.Directory} come twice or out of order");
        }

        var decoder = new EntryDecoder();
        for (var i = 0; i < header.Count; i++)
        {
            var entry = decoder.Read(ref fields);
            if (Count > 0 && Entries.Name(Count - 1).SequenceCompareTo(entry.Name) >= 0)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {header.Directory} are not in byte order");
            }

            if (munge && !entry.LinkTarget.IsEmpty)
            {
                entry.LinkTarget = (byte[])[.. LinkSafety.MungePrefix, .. entry.LinkTarget];
            }

            entry.Xattrs = XattrBlob.Select(entry.Xattrs, xattrs);
            Add(entry);
        }

        Entries.Incomplete |= (header.Flags & EntriesFlags.Incomplete) != 0;
        IsSelected |= (header.Flags & EntriesFlags.Selected) != 0;
        if ((header.Flags & EntriesFlags.Last) != 0)
        {
            Complete();
        }
    }

    public EntryMark Mark(int index) => _marks?.GetValueOrDefault(index) ?? EntryMark.None;

    public ulong Group(int index) => index < _groups.Count ? _groups[index] : 0;

    public ref ContentState State(int index) => ref _states[index];

    /// <summary>How often the content was asked for again.</summary>
    public ref byte Attempts(int index) => ref _attempts[index];

    /// <summary>What differed when the content was asked for.</summary>
    public ref Changes Differences(int index) => ref _changes[index];

    private void Add(in Entry entry)
    {
        Entries.Append(entry.Name, entry.Metadata, default, entry.LinkTarget, entry.Xattrs);
        if (entry.Mark != EntryMark.None)
        {
            (_marks ??= []).Add(Count - 1, entry.Mark);
        }

        if (entry.HardLinkGroup != 0 || _groups.Count > 0)
        {
            while (_groups.Count < Count - 1)
            {
                _groups.Add(0);
            }

            _groups.Add(entry.HardLinkGroup);
        }
    }

    private void Complete()
    {
        IsComplete = true;
        _states = new ContentState[Count];
        _attempts = new byte[Count];
        _changes = new Changes[Count];
    }
}
