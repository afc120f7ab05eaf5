namespace NativeSync.TestKit;

/// <summary>Where <c>./build.sh</c> and <c>./test.sh</c> leave what end-to-end tests run.</summary>
public static class PublishedExecutable
{
    /// <summary>The published <c>nativesync</c>: NATIVESYNC_EXE, else <c>artifacts/nativesync</c>. Throws when it is not there.</summary>
    public static string FullName => Required(Environment.GetEnvironmentVariable("NATIVESYNC_EXE"), "artifacts/nativesync", "./build.sh");

    /// <summary>
    /// The program that runs another as on Linux 2.6.32: <c>oldkernel COMMAND [ARGUMENT]…</c>; every newer system call answers ENOSYS.
    /// </summary>
    public static string OldKernel => Required(null, "artifacts/tools/oldkernel", "./test.sh --quick");

    /// <summary>The wrapper in the root of the repository, which builds on first use.</summary>
    public static string Wrapper => Path.Combine(Repository, "nativesync");

    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    private static string Required(string? given, string usual, string maker)
    {
        string path = string.IsNullOrEmpty(given) ? Path.Combine(Repository, usual) : given;
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is missing; {maker} makes it");
    }

    private static string FindRepository()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "NativeSync.sln")))
        {
            at = Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException("NativeSync.sln was not found above " + AppContext.BaseDirectory);
    }
}
