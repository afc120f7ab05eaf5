using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>Options that say nothing but flags of the job.</summary>
internal static class FlagOptions
{
    /// <summary>What an option turns on, and its <c>--no-</c> form off; none for others.</summary>
    public static JobFlags Switched(OptionId id) => id switch
    {
        OptionId.Links => JobFlags.Links,
        OptionId.Permissions => JobFlags.Permissions,
        OptionId.Times => JobFlags.Times,
        OptionId.Group => JobFlags.Group,
        OptionId.Owner => JobFlags.Owner,
        OptionId.DevicesAndSpecials => JobFlags.Devices | JobFlags.Specials,
        OptionId.Devices => JobFlags.Devices,
        OptionId.Specials => JobFlags.Specials,
        OptionId.HardLinks => JobFlags.HardLinks,
        OptionId.Executability => JobFlags.Executability,
        OptionId.Sparse => JobFlags.Sparse,
        OptionId.NumericIds => JobFlags.NumericIds,
        OptionId.OmitDirectoryTimes => JobFlags.OmitDirectoryTimes,
        OptionId.AccessTimes => JobFlags.AccessTimes,
        OptionId.OmitLinkTimes => JobFlags.OmitLinkTimes,
        OptionId.FileFlags => JobFlags.FileFlags,
        OptionId.ProjectIds => JobFlags.ProjectIds,
        OptionId.Checksum => JobFlags.Checksum,
        OptionId.Update => JobFlags.Update,
        OptionId.InPlace => JobFlags.InPlace,
        OptionId.Partial => JobFlags.Partial,
        OptionId.IgnoreErrors => JobFlags.IgnoreErrors,
        OptionId.Force => JobFlags.Force,
        OptionId.MakePath => JobFlags.MakePath,
        OptionId.WriteDevices => JobFlags.WriteDevices,
        OptionId.PruneEmptyDirectories => JobFlags.PruneEmptyDirectories,
        _ => JobFlags.None,
    };

    /// <summary>What an option turns on for good; none for others.</summary>
    public static JobFlags Given(OptionId id) => id switch
    {
        OptionId.DryRun => JobFlags.DryRun,
        OptionId.Existing => JobFlags.Existing,
        OptionId.IgnoreExisting => JobFlags.IgnoreExisting,
        OptionId.SizeOnly => JobFlags.SizeOnly,
        OptionId.IgnoreTimes => JobFlags.IgnoreTimes,
        OptionId.Delete => JobFlags.Delete,
        OptionId.DeleteExcluded => JobFlags.Delete | JobFlags.DeleteExcluded,
        OptionId.Fsync => JobFlags.Fsync,
        OptionId.RemoveSourceFiles => JobFlags.RemoveSourceFiles,
        OptionId.CopyLinks => JobFlags.CopyLinks,
        OptionId.CopyUnsafeLinks => JobFlags.CopyUnsafeLinks,
        OptionId.CopyDirLinks => JobFlags.CopyDirLinks,
        OptionId.SafeLinks => JobFlags.SafeLinks,
        OptionId.KeepDirLinks => JobFlags.KeepDirLinks,
        _ => JobFlags.None,
    };
}
