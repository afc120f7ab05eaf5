namespace NativeSync.Protocol;

/// <summary>What an entry is written relative to; zero at the start of each Entries record.</summary>
internal struct EntryState
{
    internal uint Mode, Uid, Gid;
    internal long Seconds;
}

/// <summary>The fields of an entry behind its name (docs/protocol.md, "Entry"), also used for the attributes of the root.</summary>
internal static class EntryFields
{
    private const uint KnownFlags = 0x3fff;

    internal static EntryFlags Flags(scoped in Entry entry, scoped in EntryState before)
    {
        ref readonly EntryMetadata metadata = ref entry.Metadata;
        uint flags = metadata.Mode == before.Mode ? (uint)EntryFlags.SameMode : 0;
        flags |= metadata.Uid == before.Uid ? (uint)EntryFlags.SameUid : 0;
        flags |= metadata.Gid == before.Gid ? (uint)EntryFlags.SameGid : 0;
        flags |= metadata.Modified.Seconds == before.Seconds ? (uint)EntryFlags.SameSeconds : 0;
        flags |= !entry.LinkTarget.IsEmpty ? (uint)EntryFlags.LinkTarget : 0;
        flags |= entry.HardLinkGroup != 0 ? (uint)EntryFlags.HardLink : 0;
        flags |= metadata.IsDevice ? (uint)EntryFlags.Rdev : 0;
        flags |= !entry.Xattrs.IsEmpty ? (uint)EntryFlags.Xattrs : 0;
        flags |= entry.HasContentDigest ? (uint)EntryFlags.ContentDigest : 0;
        flags |= metadata.FileFlags != 0 ? (uint)EntryFlags.FileFlags : 0;
        flags |= metadata.HasAccessed ? (uint)EntryFlags.AccessTime : 0;
        flags |= metadata.ProjectId != 0 ? (uint)EntryFlags.ProjectId : 0;
        flags |= entry.Mark != EntryMark.None ? (uint)EntryFlags.Mark : 0;
        return (EntryFlags)flags;
    }

    internal static void Write(scoped ref WireWriter writer, scoped in Entry entry, EntryFlags flags, scoped ref EntryState before)
    {
        ref readonly EntryMetadata metadata = ref entry.Metadata;
        if (metadata.Modified.Nanoseconds >= Timestamp.NanosecondsPerSecond || metadata.Accessed.Nanoseconds >= Timestamp.NanosecondsPerSecond || metadata.Size < 0 || !IsConsistent(flags, metadata.Mode))
        {
            throw new ArgumentException("an entry with a negative size, too many nanoseconds, or fields that its type does not have");
        }

        if ((flags & EntryFlags.SameMode) == 0)
        {
            writer.WriteVarint(before.Mode = metadata.Mode);
        }

        if ((flags & EntryFlags.SameUid) == 0)
        {
            writer.WriteVarint(before.Uid = metadata.Uid);
        }

        if ((flags & EntryFlags.SameGid) == 0)
        {
            writer.WriteVarint(before.Gid = metadata.Gid);
        }

        writer.WriteVarint((ulong)metadata.Size);
        if ((flags & EntryFlags.SameSeconds) == 0)
        {
            // Wraps on purpose: every difference of two 64-bit numbers has a 64-bit form.
            writer.WriteSigned(unchecked(metadata.Modified.Seconds - before.Seconds));
            before.Seconds = metadata.Modified.Seconds;
        }

        writer.WriteVarint(metadata.Modified.Nanoseconds);
        if (((uint)flags & ~0x1fu) != 0)
        {
            WriteOptional(ref writer, entry, flags);
        }
    }

    private static void WriteOptional(scoped ref WireWriter writer, scoped in Entry entry, EntryFlags flags)
    {
        if ((flags & EntryFlags.LinkTarget) != 0)
        {
            writer.WriteBlob(entry.LinkTarget);
        }

        if ((flags & EntryFlags.HardLink) != 0)
        {
            writer.WriteVarint(entry.HardLinkGroup);
        }

        if ((flags & EntryFlags.Rdev) != 0)
        {
            writer.WriteVarint(entry.Metadata.Rdev >> 32);
            writer.WriteVarint((uint)entry.Metadata.Rdev);
        }

        if ((flags & EntryFlags.Xattrs) != 0)
        {
            writer.WriteBlob(entry.Xattrs);
        }

        if ((flags & EntryFlags.ContentDigest) != 0)
        {
            writer.WriteDigest(entry.ContentDigest);
        }

        if ((flags & EntryFlags.FileFlags) != 0)
        {
            writer.WriteVarint(entry.Metadata.FileFlags);
        }

        if ((flags & EntryFlags.AccessTime) != 0)
        {
            writer.WriteSigned(entry.Metadata.Accessed.Seconds);
            writer.WriteVarint(entry.Metadata.Accessed.Nanoseconds);
        }

        if ((flags & EntryFlags.ProjectId) != 0)
        {
            writer.WriteVarint(entry.Metadata.ProjectId);
        }

        if ((flags & EntryFlags.Mark) != 0)
        {
            writer.WriteByte((byte)entry.Mark);
        }
    }

    internal static EntryFlags ReadFlags(scoped ref WireReader reader)
    {
        ulong flags = reader.ReadVarint();
        if ((flags & ~(ulong)KnownFlags) != 0)
        {
            Throw.Unknown("entry flags", flags);
        }

        return (EntryFlags)flags;
    }

    internal static Entry Read(scoped ref WireReader reader, EntryFlags flags, scoped ref EntryState before)
    {
        Entry entry = default;
        ref EntryMetadata metadata = ref entry.Metadata;
        if ((flags & EntryFlags.SameMode) == 0)
        {
            before.Mode = reader.ReadVarint32();
        }

        metadata.Mode = before.Mode;
        if (metadata.Mode > 0xffff || !EntryTypes.IsKnown(metadata.Mode >> 12))
        {
            Throw.Value("the mode of an entry", metadata.Mode);
        }

        if (!IsConsistent(flags, metadata.Mode))
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, $"an entry of type {metadata.Type} has fields that its type does not have (flags 0x{(uint)flags:x})");
        }

        if ((flags & EntryFlags.SameUid) == 0)
        {
            before.Uid = reader.ReadVarint32();
        }

        metadata.Uid = before.Uid;
        if ((flags & EntryFlags.SameGid) == 0)
        {
            before.Gid = reader.ReadVarint32();
        }

        metadata.Gid = before.Gid;
        metadata.Size = reader.ReadSize();
        if ((flags & EntryFlags.SameSeconds) == 0)
        {
            before.Seconds = unchecked(before.Seconds + reader.ReadSigned());
        }

        metadata.Modified = new Timestamp(before.Seconds, ReadNanoseconds(ref reader));
        if (((uint)flags & ~0x1fu) != 0)
        {
            ReadOptional(ref reader, flags, ref entry);
        }

        return entry;
    }

    private static uint ReadNanoseconds(scoped ref WireReader reader)
    {
        ulong nanoseconds = reader.ReadVarint();
        if (nanoseconds >= Timestamp.NanosecondsPerSecond)
        {
            Throw.Value("the nanoseconds of a time", nanoseconds);
        }

        return (uint)nanoseconds;
    }

    private static void ReadOptional(scoped ref WireReader reader, EntryFlags flags, ref Entry entry)
    {
        if ((flags & EntryFlags.LinkTarget) != 0)
        {
            entry.LinkTarget = reader.ReadBlob(ProtocolLimits.MaxLinkTarget);
            if (entry.LinkTarget.IsEmpty)
            {
                Throw.Protocol(ProtocolError.LengthOutOfRange, "the target of a link is empty");
            }

            WireNames.CheckNoNul(entry.LinkTarget, "the target of a link");
        }

        if ((flags & EntryFlags.HardLink) != 0)
        {
            entry.HardLinkGroup = reader.ReadVarint();
            if (entry.HardLinkGroup == 0)
            {
                Throw.Value("a hard link group", 0);
            }
        }

        if ((flags & EntryFlags.Rdev) != 0)
        {
            entry.Metadata.Rdev = (ulong)reader.ReadVarint32() << 32;
            entry.Metadata.Rdev |= reader.ReadVarint32();
        }

        if ((flags & EntryFlags.Xattrs) != 0)
        {
            entry.Xattrs = reader.ReadBlob(ProtocolLimits.MaxXattrsPerEntry);
            XattrReader.Validate(entry.Xattrs);
        }

        if ((flags & EntryFlags.ContentDigest) != 0)
        {
            entry.HasContentDigest = true;
            entry.ContentDigest = reader.ReadDigest();
        }

        if ((flags & EntryFlags.FileFlags) != 0)
        {
            entry.Metadata.FileFlags = reader.ReadVarint32();
        }

        if ((flags & EntryFlags.AccessTime) != 0)
        {
            entry.Metadata.HasAccessed = true;
            long accessed = reader.ReadSigned();
            entry.Metadata.Accessed = new Timestamp(accessed, ReadNanoseconds(ref reader));
        }

        if ((flags & EntryFlags.ProjectId) != 0)
        {
            entry.Metadata.ProjectId = reader.ReadVarint32();
        }

        if ((flags & EntryFlags.Mark) != 0)
        {
            var mark = (EntryMark)reader.ReadByte();
            if (mark != (entry.Metadata.IsDirectory ? EntryMark.Passage : EntryMark.Missing))
            {
                Throw.Value("the mark of an entry", (ulong)mark);
            }

            entry.Mark = mark;
        }
    }

    /// <summary>Targets are for links, device numbers for devices (always), digests for regular files, link groups not for directories, marks for both of these.</summary>
    private static bool IsConsistent(EntryFlags flags, uint mode)
    {
        var type = (EntryType)(mode >> 12 & 15);
        EntryFlags forbidden = type switch
        {
            EntryType.Regular => EntryFlags.LinkTarget | EntryFlags.Rdev,
            EntryType.Directory => EntryFlags.LinkTarget | EntryFlags.Rdev | EntryFlags.HardLink | EntryFlags.ContentDigest,
            EntryType.SymbolicLink => EntryFlags.Rdev | EntryFlags.ContentDigest | EntryFlags.Mark,
            EntryType.BlockDevice or EntryType.CharacterDevice => EntryFlags.LinkTarget | EntryFlags.ContentDigest | EntryFlags.Mark,
            EntryType.Fifo or EntryType.Socket => EntryFlags.LinkTarget | EntryFlags.Rdev | EntryFlags.ContentDigest | EntryFlags.Mark,
            _ => (EntryFlags)KnownFlags,
        };
        bool device = type is EntryType.BlockDevice or EntryType.CharacterDevice;
        return (flags & forbidden) == 0 && (!device || (flags & EntryFlags.Rdev) != 0) && EntryTypes.IsKnown(mode >> 12);
    }
}
