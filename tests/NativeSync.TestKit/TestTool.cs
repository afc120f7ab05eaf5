using System.Security.Cryptography;
using NativeSync.TestKit.Trees;

namespace NativeSync.TestKit;

/// <summary>The programs of <c>tests/tools</c> that are compiled on first use into <c>artifacts/tools</c>, under the hash of their source.</summary>
public static class TestTool
{
    /// <summary>Compiles <c>tests/tools/NAME.c</c> unless that is done; the program's path.</summary>
    public static async Task<string> CompileAsync(string name, params string[] libraries)
    {
        string source = Path.Combine(TestRun.Repository, "tests", "tools", name + ".c");
        string hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(source)))[..16];
        string tool = Path.Combine(TestRun.Repository, "artifacts", "tools", $"{name}-{hash}");
        if (!File.Exists(tool))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(tool)!);
            string fresh = $"{tool}.{Guid.NewGuid():N}";
            (await Command.RunAsync(["cc", "-O2", "-o", fresh, source, .. libraries])).MustExit(0);
            File.Move(fresh, tool, overwrite: true);
        }

        return tool;
    }
}
