using System.Security.Cryptography;
using NativeSync.TestKit.Trees;

namespace NativeSync.TestKit.Machines;

/// <summary>
/// What virtual machines are booted from, made from Debian packages by tests/tools/cvm/images.sh once for each recipe, and
/// kept under artifacts.
/// </summary>
public sealed record CvmImages(string Directory)
{
    private static readonly string Recipe = Path.Combine(TestRun.Repository, "tests/tools/cvm");

    /// <summary>Kernel and initrd of the rescue system.</summary>
    public (string Kernel, string Initrd) Rescue => (Path.Combine(Directory, "rescue.kernel"), Path.Combine(Directory, "rescue.cpio"));

    /// <summary>A server's root.</summary>
    public string Source => Path.Combine(Directory, "source.tar");

    /// <summary>What a new instance holds.</summary>
    public string Small => Path.Combine(Directory, "small.tar");

    /// <summary>The images, made when they are not there yet.</summary>
    public static async Task<CvmImages> GetAsync()
    {
        string artifacts = System.IO.Directory.CreateDirectory(Path.Combine(TestRun.Repository, "artifacts/cvm")).FullName;
        string directory = Path.Combine(artifacts, await HashAsync());
        string complete = Path.Combine(directory, "complete");
        if (!File.Exists(complete))
        {
            // Images of other recipes are of no use any more; a second run of the tests waits.
            await Command.ShellAsync($"exec 9>'{artifacts}/lock'; flock 9; [ -e '{complete}' ] || {{ rm -rf '{artifacts}'/*/; TMPDIR='{TestRun.Place}' sh '{Recipe}/images.sh' '{directory}' >&2 && : >'{complete}'; }}");
        }

        return new CvmImages(directory);
    }

    private static async Task<string> HashAsync()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in System.IO.Directory.EnumerateFiles(Recipe, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(Path.GetRelativePath(Recipe, file)));
            hash.AppendData(await File.ReadAllBytesAsync(file));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
