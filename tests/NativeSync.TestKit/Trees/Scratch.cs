using System.Diagnostics;

namespace NativeSync.TestKit.Trees;

/// <summary>A temporary directory in <see cref="TestRun.Place"/>, removed with everything below it, whatever its modes and depth.</summary>
public sealed class Scratch : IDisposable
{
    private readonly List<string> _mounts = [];

    public Scratch()
    {
        Directory.CreateDirectory(TestRun.Place);
        Root = Path.Combine(TestRun.Place, "nativesync-e2e-" + Path.GetRandomFileName());
        Directory.CreateDirectory(Root);
        // Others may pass: some tests act as another user.
        RawFiles.ChangeMode(RawFiles.Bytes(Root), 0x1ED);
    }

    /// <summary>The directory.</summary>
    public string Root { get; }

    /// <summary>A path below it.</summary>
    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Mounts a fresh tmpfs (as root) below it, for as long as this lives.</summary>
    public async Task<string> MountAsync(string name, string options)
    {
        string at = this[name];
        Directory.CreateDirectory(at);
        (await Command.RunAsync(["mount", "-t", "tmpfs", "-o", options, "nativesync-test", at])).MustExit(0);
        _mounts.Add(at);
        return at;
    }

    public void Dispose()
    {
        foreach (string mount in Enumerable.Reverse(_mounts))
        {
            Run("umount", "-l", mount);
        }

        // rm copes with names and depths that .NET's paths cannot express.
        Run("rm", "-rf", "--one-file-system", "--", Root);
    }

    private static void Run(params string[] command)
    {
        using Process process = Process.Start(Command.StartInfo(command))!;
        process.StandardInput.Close();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
    }
}
