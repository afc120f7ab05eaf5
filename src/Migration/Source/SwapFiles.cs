namespace NativeSync.Migration.Source;

/// <summary>A file of the source that is used as swap.</summary>
/// <param name="Path">As the source sees it.</param>
/// <param name="Bytes">Its size.</param>
public sealed record SwapFile(string Path, long Bytes);

/// <summary>
/// The source's swap files, by fstab and by what is in use. They are not carried: what is in them is worthless, changes all
/// the time, and arrives with holes, in which nothing can swap. The fix-ups make them anew.
/// </summary>
internal static class SwapFiles
{
    /// <summary>Those below a root; what is in use only when that is "/".</summary>
    public static List<SwapFile> Read(string root)
    {
        List<SwapFile> files = [];
        foreach (string line in Lines(Path.Join(root, "etc/fstab")))
        {
            if (Fields(line) is [var path, _, "swap", ..])
            {
                Add(path);
            }
        }

        foreach (string line in root == "/" ? Lines("/proc/swaps") : [])
        {
            if (Fields(line) is [var path, "file", ..])
            {
                Add(path);
            }
        }

        return files;

        void Add(string escaped)
        {
            string path = escaped.Replace("\\040", " ", StringComparison.Ordinal);
            FileInfo file = new(Path.Join(root, path));
            if (path.StartsWith('/') && !path.StartsWith("/dev/", StringComparison.Ordinal) && file.Exists && file.LinkTarget is null && !files.Exists(f => f.Path == path))
            {
                files.Add(new SwapFile(path, file.Length));
            }
        }
    }

    private static string[] Fields(string line) => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
