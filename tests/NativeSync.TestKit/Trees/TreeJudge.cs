namespace NativeSync.TestKit.Trees;

/// <summary>The two judges that share no code with NativeSync: rsync itself, and the manifest tool.</summary>
public static class TreeJudge
{
    /// <summary>
    /// Throws unless both trees are the same in content, types, modes, owners, times in nanoseconds, links, hard-link
    /// groups, devices, attributes and ACLs. With <paramref name="holes"/>, files with holes must have kept some.
    /// </summary>
    public static async Task MustBeEqualAsync(string source, string destination, bool holes = true)
    {
        CommandResult rsync = await Command.RunAsync(
            ["rsync", "-naHAXSi", "--delete", "--checksum", "--numeric-ids", source.TrimEnd('/') + "/", destination.TrimEnd('/') + "/"]);
        if (rsync.MustExit(0).Output.Length != 0)
        {
            throw new InvalidOperationException($"rsync still sees differences between {source} and {destination}\n{rsync}");
        }

        await MustHaveSameManifestAsync(source, destination, holes ? [] : ["sparse"]);
    }

    /// <summary>Throws unless the manifests agree except in the fields named (see <see cref="Manifest.Differences"/>).</summary>
    public static async Task MustHaveSameManifestAsync(string first, string second, IReadOnlyCollection<string>? ignore = null, string? because = null, Func<string, string, string, bool>? except = null)
    {
        // One after the other: two readers of one disk are no faster, and the machine is shared.
        Manifest here = await Manifest.ReadAsync(first);
        Manifest there = await Manifest.ReadAsync(second);
        List<string> differences = here.Differences(there, ignore, except);
        if (differences.Count > 0)
        {
            throw new InvalidOperationException($"{first} and {second} differ{(because is null ? "" : " (" + because + ")")}:\n  {string.Join("\n  ", differences)}");
        }
    }
}
