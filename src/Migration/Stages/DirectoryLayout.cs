using System.Text;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Client.Transfer.DestinationRoot: everything goes below one directory of the rescue system, at the mount points that
/// the source has. For rehearsals, and for instances whose disks somebody has mounted by hand.
/// </summary>
internal sealed class DirectoryLayout(string root) : IDestinationLayout
{
    public Task<IReadOnlyList<string>> DescribeAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
        => Task.FromResult<IReadOnlyList<string>>([]);

    public async Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        StringBuilder script = new("set -e\n");
        List<byte[]> places = [];
        foreach (PlannedFileSystem fs in plan)
        {
            string place = fs.Index == 0 ? root : root.TrimEnd('/') + fs.MountPoint;
            script.Append("mkdir -p ").Append(Shell.Quote(place)).Append('\n');
            script.Append("[ -w ").Append(Shell.Quote(place)).Append(" ] || { echo ").Append(Shell.Quote(place + " cannot be written")).Append(" >&2; exit 1; }\n");
            places.Add(Encoding.UTF8.GetBytes(place.TrimEnd('/') + "/"));
        }

        await Shell.RunAsync(system, script.ToString(), "the destination directory cannot be used", ct).ConfigureAwait(false);
        return places;
    }

    public Task ReleaseAsync(IRescueSystem system, CancellationToken ct)
        => Shell.RunAsync(system, "sync", "writing to disk", ct);
}
