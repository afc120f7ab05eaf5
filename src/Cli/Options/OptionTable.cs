using static NativeSync.Cli.Options.OptionId;
using static NativeSync.Cli.Options.Relation;

namespace NativeSync.Cli.Options;

/// <summary>Every option of rsync 3.5.0 and NativeSync's own, in the order in which help shows them.</summary>
internal static class OptionTable
{
    /// <summary>The table.</summary>
    public static IReadOnlyList<OptionSpec> All { get; } =
    [
        Row(Verbose, "verbose", 'v', null, Equal, "name what is transferred; twice: also what is up to date").No("verbose", "v"),
        Row(Info, "info", '\0', "FLAGS", Equal, "levels of what is told, e.g. name2,progress2,stats0; help lists them"),
        Row(OptionId.Debug, "debug", '\0', "FLAGS", Differs, "cmd, deltasum, nstr and all of these are known; what is about rsync's own code is refused"),
        Row(StandardError, "stderr", '\0', "e|a|c", Equal, "a: everything goes to standard error; e and c: errors alone"),
        Row(MessagesToError, "msgs2stderr", '\0', null, Equal, "the same as --stderr=all").No("msgs2stderr").Unlisted(),
        Row(Quiet, "quiet", 'q', null, Equal, "say nothing but errors"),
        None("motd", '\0', null, "there is no daemon to greet").No("motd").Unlisted(),
        Row(OptionId.Checksum, "checksum", 'c', null, Exceeds, "compare contents (XXH3-128), not size and time").No("checksum", "c"),
        Row(Archive, "archive", 'a', null, Equal, "the same as -rlptgoD"),
        Row(Recursive, "recursive", 'r', null, Equal, "descend into directories").No("recursive", "r"),
        None("inc-recursive", '\0', null, "the tree is always transferred while it is being scanned", "i-r").No("inc-recursive", "i-r"),
        Row(Relative, "relative", 'R', null, Equal, "use the whole names of the command line").No("relative", "R"),
        Row(ImpliedDirs, "implied-dirs", '\0', null, Equal, "send the directories that --relative implies", "i-d").No("implied-dirs", "i-d"),
        Row(Backup, "backup", 'b', null, Exceeds, "keep what is overwritten or deleted; a replaced file is never away for a moment").No("backup"),
        Row(BackupDirectory, "backup-dir", '\0', "DIR", Differs, "keep it below this directory; implies --backup; one inside the destination is not reached through a link"),
        Row(Suffix, "suffix", '\0', "SUFFIX", Equal, "put this behind the names of what is kept (~, or nothing with --backup-dir)"),
        Row(Update, "update", 'u', null, Equal, "leave files alone that are newer at the destination"),
        Row(InPlace, "inplace", '\0', null, Equal, "write into the existing file; implies --partial").No("inplace"),
        Row(Append, "append", '\0', null, Equal, "append to shorter files, taking what they hold for right").No("append"),
        Row(AppendVerify, "append-verify", '\0', null, Equal, "append to shorter files and check all of them"),
        Row(Dirs, "dirs", 'd', null, Equal, "transfer directories without their contents").No("dirs", "d"),
        Row(OldDirs, "old-dirs", '\0', null, Equal, "as --dirs, for old versions", "old-d").Unlisted(),
        Row(MakePath, "mkpath", '\0', null, Equal, "make the missing directories on the way to the destination").No("mkpath"),
        Row(Links, "links", 'l', null, Equal, "copy symbolic links as links").No("links", "l"),
        Row(CopyLinks, "copy-links", 'L', null, Equal, "copy what symbolic links point to"),
        Row(CopyUnsafeLinks, "copy-unsafe-links", '\0', null, Equal, "copy what links point to that lead out of the tree"),
        Row(SafeLinks, "safe-links", '\0', null, Equal, "leave out links that lead out of the tree"),
        Row(MungeLinks, "munge-links", '\0', null, Equal, "make symbolic links unusable").No("munge-links"),
        None("insecure-links", '\0', null, "a link of the tree is never followed").No("insecure-links"),
        Lack("confine-root", '\0', "DIR", "refuse paths that lead out of this directory"),
        Row(CopyDirLinks, "copy-dirlinks", 'k', null, Equal, "copy what links to directories point to"),
        Row(KeepDirLinks, "keep-dirlinks", 'K', null, Equal, "treat a link to a directory at the destination as the directory"),
        Row(HardLinks, "hard-links", 'H', null, Equal, "keep hard links").No("hard-links", "H"),
        Row(Permissions, "perms", 'p', null, Equal, "keep permissions").No("perms", "p"),
        Row(Executability, "executability", 'E', null, Equal, "keep executability"),
        Row(ChangeMode, "chmod", '\0', "CHMOD", Equal, "change permissions on the way"),
        Row(Acls, "acls", 'A', null, Equal, "keep access control lists; implies --perms").No("acls", "A"),
        Row(Xattrs, "xattrs", 'X', null, Exceeds, "keep extended attributes, capabilities among them; twice: those of --fake-super, too").No("xattrs", "X"),
        Row(Owner, "owner", 'o', null, Equal, "keep the owner (super-user only)").No("owner", "o"),
        Row(Group, "group", 'g', null, Equal, "keep the group").No("group", "g"),
        Row(Devices, "devices", '\0', null, Equal, "keep device files (super-user only)").No("devices"),
        Row(CopyDevices, "copy-devices", '\0', null, Equal, "copy the contents of devices"),
        Lack("write-devices", '\0', null, "write into devices as if they were files").No("write-devices"),
        Row(Specials, "specials", '\0', null, Equal, "keep FIFOs and sockets").No("specials"),
        Row(DropDevices, "drop-D", '\0', null, Equal, "make no devices and special files at the receiver").No("drop-D"),
        Row(DevicesAndSpecials, "", 'D', null, Equal, "the same as --devices --specials").No("D"),
        Row(Times, "times", 't', null, Exceeds, "keep modification times, to the nanosecond").No("times", "t"),
        Row(AccessTimes, "atimes", 'U', null, Exceeds, "keep access times, to the nanosecond").No("atimes", "U"),
        None("open-noatime", '\0', null, "files are always read without moving their access times, where the system allows that").No("open-noatime"),
        Row(CreationTimes, "crtimes", 'N', null, Equal, "keep creation times: refused, as by rsync on Linux, which cannot set them (exit 1)").No("crtimes", "N"),
        Row(OmitDirectoryTimes, "omit-dir-times", 'O', null, Equal, "leave out the times of directories").No("omit-dir-times", "O"),
        Row(OmitLinkTimes, "omit-link-times", 'J', null, Equal, "leave out the times of symbolic links").No("omit-link-times", "J"),
        Row(Super, "super", '\0', null, Equal, "try at the receiver what only the super-user may do").No("super"),
        Row(FakeSuper, "fake-super", '\0', null, Equal, "keep in extended attributes, as rsync keeps it, what only the super-user may set"),
        Row(Sparse, "sparse", 'S', null, Exceeds, "make holes of zeros; holes of the source are found without reading them").No("sparse", "S"),
        Row(Preallocate, "preallocate", '\0', null, Differs, "reserve the space of a file before writing it; with --sparse nothing is reserved"),
        Row(DryRun, "dry-run", 'n', null, Equal, "change nothing, only tell what would be done"),
        Row(WholeFile, "whole-file", 'W', null, Equal, "send changed files whole").No("whole-file", "W"),
        Row(ChecksumChoice, "checksum-choice", '\0', "STR", Differs, "contents are always compared by XXH3-128: auto, the xxh names and none (which sends files whole) are accepted, md4, md5 and sha1 are refused", "cc"),
        Row(OneFileSystem, "one-file-system", 'x', null, Equal, "stay on one file system; twice: also leave mount points out").No("one-file-system", "x"),
        Row(BlockSize, "block-size", 'B', "SIZE", Equal, "use this block size for the delta"),
        Row(Rsh, "rsh", 'e', "COMMAND", Equal, "reach the other side through this command, in place of the built-in SSH"),
        Row(RsyncPath, "rsync-path", '\0', "PROGRAM", Differs, "the nativesync to run at the other side; nothing is uploaded then"),
        Row(Existing, "existing", '\0', null, Equal, "make nothing new at the destination", "ignore-non-existing"),
        Row(IgnoreExisting, "ignore-existing", '\0', null, Equal, "leave alone what exists at the destination"),
        Row(RemoveSourceFiles, "remove-source-files", '\0', null, Equal, "remove what was transferred from the source", "remove-sent-files"),
        Row(Delete, "delete", '\0', null, Equal, "delete at the destination what the source does not have"),
        Row(DeleteBefore, "delete-before", '\0', null, Equal, "delete before the transfer"),
        Row(DeleteDuring, "delete-during", '\0', null, Equal, "delete during the transfer (the default)", "del"),
        Row(DeleteDelay, "delete-delay", '\0', null, Equal, "find during and delete after the transfer"),
        Row(DeleteAfter, "delete-after", '\0', null, Equal, "delete after the transfer"),
        Row(DeleteExcluded, "delete-excluded", '\0', null, Equal, "delete what the rules exclude, too"),
        Row(IgnoreMissing, "ignore-missing-args", '\0', null, Equal, "say nothing about missing sources"),
        Row(DeleteMissing, "delete-missing-args", '\0', null, Equal, "delete at the destination what is missing among the sources"),
        Row(IgnoreErrors, "ignore-errors", '\0', null, Equal, "delete even after read errors").No("ignore-errors"),
        Row(Force, "force", '\0', null, Equal, "replace directories that are not empty").No("force"),
        Row(MaxDelete, "max-delete", '\0', "NUM", Equal, "delete at most this many"),
        Row(MaxSize, "max-size", '\0', "SIZE", Equal, "do not transfer larger files"),
        Row(MinSize, "min-size", '\0', "SIZE", Equal, "do not transfer smaller files"),
        Row(MaxAlloc, "max-alloc", '\0', "SIZE", Relation.NoEffect, "memory is bounded by design; the value is only checked"),
        Row(Partial, "partial", '\0', null, Equal, "keep what an interrupted run wrote").No("partial"),
        Row(PartialDirectory, "partial-dir", '\0', "DIR", Equal, "keep it in this directory, a relative one in each directory, where its last part is made and removed; RSYNC_PARTIAL_DIR is its default with --partial"),
        Row(DelayUpdates, "delay-updates", '\0', null, Equal, "put all updated files in place at the end").No("delay-updates"),
        Row(PruneEmptyDirectories, "prune-empty-dirs", 'm', null, Equal, "leave out directories without files").No("prune-empty-dirs", "m"),
        Row(NumericIds, "numeric-ids", '\0', null, Equal, "keep user and group numbers, whatever their names").No("numeric-ids"),
        Row(UserMap, "usermap", '\0', "STRING", Equal, "map users: FROM:TO,…"),
        Row(GroupMap, "groupmap", '\0', "STRING", Equal, "map groups: FROM:TO,…"),
        Row(ChangeOwner, "chown", '\0', "USER:GROUP", Equal, "set owner and group"),
        Row(OptionId.Timeout, "timeout", '\0', "SECONDS", Differs, "give up when nothing has come from the other side for so long (300); 0: never").No("timeout"),
        Row(OptionId.ConnectTimeout, "contimeout", '\0', "SECONDS", Differs, "limit for connecting; rsync has it for daemons only").No("contimeout"),
        Row(IgnoreTimes, "ignore-times", 'I', null, Equal, "transfer even what has the same size and time"),
        Row(SizeOnly, "size-only", '\0', null, Equal, "compare sizes alone"),
        Row(ModifyWindow, "modify-window", '@', "NUM", Differs, "times that differ by no more seconds are equal; by default nanoseconds count, and run as rsync whole seconds (-1: nanoseconds)"),
        Row(TempDirectory, "temp-dir", 'T', "DIR", Exceeds, "make temporary files in this directory; on another file system, too, a file is replaced in one step"),
        Row(Fuzzy, "fuzzy", 'y', null, Equal, "take a similar file as basis; twice: also one of the --link-dest directories").No("fuzzy", "y"),
        Row(CompareDest, "compare-dest", '\0', "DIR", Equal, "leave out what this directory has; up to 20"),
        Row(CopyDest, "copy-dest", '\0', "DIR", Equal, "copy from this directory what did not change; up to 20"),
        Row(LinkDest, "link-dest", '\0', "DIR", Equal, "link to this directory's what did not change; up to 20"),
        Row(Compress, "compress", 'z', null, Exceeds, "compress (zstd, at a level that follows the line and the processor unless told otherwise)", "old-compress", "new-compress").No("compress", "z"),
        Row(CompressChoice, "compress-choice", '\0', "STR", Differs, "zstd, whichever of auto, zstd, lz4, zlibx and zlib is named (-vv and --debug=nstr say so); none compresses nothing", "zc"),
        Row(CompressLevel, "compress-level", '\0', "NUM", Equal, "compress at this level of zstd; 0 does not compress", "zl"),
        Row(OptionId.Number, "compress-threads", '\0', "NUM", Relation.NoEffect, "the number of threads is NativeSync's own choice", "zt"),
        Row(SkipCompress, "skip-compress", '\0', "LIST", Exceeds, "suffixes of files that are not compressed, e.g. gz/jp[e]g (rsync's does nothing); all else is judged by a sample"),
        Row(CvsExclude, "cvs-exclude", 'C', null, Equal, "leave out what CVS leaves out"),
        Row(Filter, "filter", 'f', "RULE", Equal, "add a filter rule"),
        Row(FilterFiles, "", 'F', null, Equal, "the same as --filter='dir-merge /.rsync-filter'; twice: also leave these files out"),
        Row(Exclude, "exclude", '\0', "PATTERN", Equal, "leave out what matches"),
        Row(ExcludeFrom, "exclude-from", '\0', "FILE", Equal, "read exclude patterns from a file"),
        Row(Include, "include", '\0', "PATTERN", Equal, "do not leave out what matches"),
        Row(IncludeFrom, "include-from", '\0', "FILE", Equal, "read include patterns from a file"),
        Row(FilesFrom, "files-from", '\0', "FILE", Equal, "read the names of the sources from a file"),
        Row(From0, "from0", '0', null, Equal, "lines of such files end at NUL").No("from0"),
        None("old-args", '\0', null, "names never pass through a remote shell").No("old-args"),
        None("secluded-args", 's', null, "names never pass through a remote shell", "protect-args").No("secluded-args", "protect-args", "s"),
        None("trust-sender", '\0', null, "no side trusts the other"),
        Row(CopyAs, "copy-as", '\0', "USER[:GROUP]", Lacks, "copy as another user"),
        Daemon("address", "ADDRESS", "address to connect to a daemon from"),
        Daemon("sockopts", "OPTIONS", "socket options for a daemon"),
        None("blocking-io", '\0', null, "input and output suit any remote shell").No("blocking-io"),
        Row(OptionId.OutBuffer, "outbuf", '\0', "N|L|B", Equal, "flush each line (N, L) or blocks (B); by default ten times a second"),
        Row(OptionId.Stats, "stats", '\0', null, Equal, "print statistics at the end"),
        Row(EightBit, "8-bit-output", '8', null, Equal, "leave high-bit characters unescaped").No("8-bit-output", "8"),
        Row(HumanReadable, "human-readable", 'h', null, Equal, "print sizes with units; twice: units of 1024").No("human-readable", "h"),
        Row(Progress, "progress", '\0', null, Differs, "a line for each file, once it is there; --info=progress2 for the whole transfer").No("progress"),
        Row(PartialProgress, "", 'P', null, Equal, "the same as --partial --progress"),
        Row(Itemize, "itemize-changes", 'i', null, Equal, "say what changes about each entry; twice: name what does not change, too").No("itemize-changes", "i"),
        Row(RemoteOption, "remote-option", 'M', "OPT", Differs, "give an option to the other side only: --fake-super, --bwlimit; others are refused"),
        Row(OptionId.OutFormat, "out-format", '\0', "FORMAT", Equal, "say it in this format", "log-format"),
        Row(OptionId.LogFile, "log-file", '\0', "FILE", Equal, "append what is done to a log"),
        Row(LogFileFormat, "log-file-format", '\0', "FMT", Equal, "in this format (%i %n%L)"),
        Daemon("password-file", "FILE", "password for a daemon"),
        Daemon("early-input", "FILE", "input for a daemon"),
        Row(ListOnly, "list-only", '\0', null, Equal, "list the files, copy nothing"),
        Row(BandwidthLimit, "bwlimit", '\0', "RATE", Equal, "send no more than this, in KiB/s or with a unit; also a timetable, \"08:00,512 19:00,off\", in which the last word for a minute holds").No("bwlimit"),
        Row(StopAfter, "stop-after", '\0', "MINS", Equal, "stop after so many minutes, with exit code 30", "time-limit"),
        Row(OptionId.StopAt, "stop-at", '\0', "TIME", Equal, "stop at that local time: [[Y-]M-]D[Th:m] or [h]:m"),
        Row(Fsync, "fsync", '\0', null, Equal, "flush each file to the disk"),
        Row(WriteBatch, "write-batch", '\0', "FILE", Differs, "record what is sent in a file, too, for equal destinations; the file has a format of its own (docs/batch.md)"),
        Row(OnlyWriteBatch, "only-write-batch", '\0', "FILE", Differs, "record it and change nothing; in a push no contents travel"),
        Row(ReadBatch, "read-batch", '\0', "FILE", Differs, "do to a local destination what was recorded (- is standard input); a file that is cut or damaged is refused whole"),
        Row(OptionId.Protocol, "protocol", '\0', "NUM", Relation.NoEffect, "rsync's protocol is not spoken; the number is only checked (20 to 32, else exit 2)"),
        Row(Iconv, "iconv", '\0', "SPEC", Lacks, "convert the character set of names; - (no conversion) is accepted").No("iconv"),
        Row(OptionId.Number, "checksum-seed", '\0', "NUM", Relation.NoEffect, "digests are strong enough without a seed"),
        None("qsort", '\0', null, "names are always sorted bytewise").Unlisted(),
        Row(Ipv4, "ipv4", '4', null, Equal, "connect by IPv4"),
        Row(Ipv6, "ipv6", '6', null, Equal, "connect by IPv6"),
        new(OptionId.Version, "version", 'V', null, Equal, "print the version"),
        new(OptionId.Help, "help", '\0', null, Equal, "print this help (also -h on its own)"),
        new(OptionId.Server, "server", '\0', null, Lacks, "rsync's own protocol") { Hidden = true },
        new(OptionId.Server, "sender", '\0', null, Lacks, "rsync's own protocol") { Hidden = true },
        new(OptionId.Server, "daemon", '\0', null, Lacks, "rsync's daemon") { Hidden = true },
        new(OptionId.Server, "config", '\0', "FILE", Lacks, "rsync's daemon") { Hidden = true },
        new(OptionId.Server, "dparam", '\0', "OVERRIDE", Lacks, "rsync's daemon") { Hidden = true },
        Row(Json, "json", '\0', null, Own, "one JSON object a line on standard output, for every event and the report"),
        Row(OptionId.FileFlags, "fileflags", '\0', null, Own, "keep inode flags, as chattr sets them; what is immutable at the destination is replaced all the same").No("fileflags"),
        Row(DetectRenamed, "detect-renamed", '\0', null, Own, "move or copy what the destination has under another name (same size, time and digest) instead of sending it; deletes at the end").No("detect-renamed"),
        Row(ChecksumIndex, "checksum-index", '\0', "FILE", Own, "keep digests in this file, at each end, so that the next --checksum, --detect-renamed or verify reads only what changed").No("checksum-index"),
        Row(ProjectIds, "project-ids", '\0', null, Own, "keep project ids, by which project quotas count").No("project-ids"),
        Row(Resume, "resume", '\0', null, Own, "keep what came of a large file when a run breaks off, in .nativesync-partial at the destination, and go on from it (the default, except under the name rsync)").No("resume"),
        Row(Reconnect, "reconnect", '\0', "SECONDS", Own, "when the line drops, try for so long to connect again and go on; the run stays one (0: do not, the default)").No("reconnect"),
        Row(UntilConverged, "until-converged", '\0', "SIZE", Own, "repeat the transfer until a pass sends no more content than this"),
        Row(MaxPasses, "max-passes", '\0', "NUM", Own, "at most so many passes (10)"),
        Row(BeforeLast, "before-last", '\0', "COMMAND", Own, "have /bin/sh run this here before the last pass, e.g. to stop what writes; that pass then is one more"),
        Row(AfterLast, "after-last", '\0', "COMMAND", Own, "have it run this after the last pass, and after any failure once --before-last has begun"),
        Row(HookTimeout, "hook-timeout", '\0', "SECONDS", Own, "how long each of these commands may take (300)"),
        Row(FollowChanges, "follow-changes", '\0', null, Own, "let passes behind the first look only at what has changed, where the system tells that (the default)").No("follow-changes"),
        Row(Port, "port", '\0', "PORT", Own, "port of the SSH server"),
        Row(Identity, "identity", '\0', "FILE", Own, "log in with this private key; may be repeated"),
        Row(OptionId.Lanes, "lanes", '\0', "N", Own, "carry the transfer over so many channels and connections; auto: as many as help"),
        Row(OptionId.BandwidthFile, "bwlimit-file", '\0', "FILE", Own, "read what --bwlimit takes from this file, and again whenever it changes"),
        Row(KnownHosts, "known-hosts", '\0', "FILE", Own, "the known_hosts file to use; may be repeated"),
        Row(OptionId.HostKeyCheck, "host-key-check", '\0', "yes|accept-new|no", Own, "what to do about an unknown host key"),
        Row(SshConfig, "ssh-config", '\0', "FILE", Own, "the SSH configuration file to use; none for none"),
    ];

    private static readonly Dictionary<string, (OptionSpec Option, bool Negated)> LongNames = MakeLongNames();
    private static readonly Dictionary<char, OptionSpec> ShortNames = All.Where(option => option.Short != '\0').ToDictionary(option => option.Short);

    /// <summary>Finds an option by its long name, <c>no-</c> and aliases included.</summary>
    public static bool TryFind(string name, out OptionSpec option, out bool negated)
    {
        bool found = LongNames.TryGetValue(name, out var entry);
        (option, negated) = entry;
        return found;
    }

    /// <summary>Finds an option by its short name.</summary>
    public static OptionSpec? Find(char name) => ShortNames.GetValueOrDefault(name);

    private static Dictionary<string, (OptionSpec, bool)> MakeLongNames()
    {
        Dictionary<string, (OptionSpec, bool)> names = new(StringComparer.Ordinal);
        foreach (OptionSpec option in All)
        {
            // "motd" stands for its negation alone.
            foreach (string name in (string[])[.. option.Long.Length > 0 && option.Long != "motd" ? (string[])[option.Long] : [], .. option.Aliases])
            {
                names.Add(name, (option, false));
            }

            foreach (string name in option.Negations)
            {
                names.Add("no-" + name, (option, true));
            }
        }

        return names;
    }

    private static OptionSpec Row(OptionId id, string name, char letter, string? argument, Relation relation, string help, params string[] aliases) =>
        new(id, name, letter, argument, relation, help) { Aliases = aliases };

    private static OptionSpec Lack(string name, char letter, string? argument, string help, params string[] aliases) =>
        Row(Refused, name, letter, argument, Lacks, help, aliases);

    private static OptionSpec None(string name, char letter, string? argument, string help, params string[] aliases) =>
        Row(OptionId.NoEffect, name, letter, argument, Relation.NoEffect, help, aliases);

    private static OptionSpec Daemon(string name, string argument, string help) => Row(DaemonOnly, name, '\0', argument, Lacks, help);

    private static OptionSpec No(this OptionSpec option, params string[] names) => option with { Negations = names };

    private static OptionSpec Unlisted(this OptionSpec option) => option with { Hidden = true };
}
