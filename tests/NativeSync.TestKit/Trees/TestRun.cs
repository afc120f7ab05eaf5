namespace NativeSync.TestKit.Trees;

/// <summary>What this run of the tests is to be like.</summary>
public static class TestRun
{
    /// <summary>NATIVESYNC_QUICK=1, from <c>./test.sh --quick</c>: smaller trees, the same promises.</summary>
    public static bool IsQuick => Environment.GetEnvironmentVariable("NATIVESYNC_QUICK") is { Length: > 0 } value && value != "0";

    /// <summary>Where trees are built: NATIVESYNC_TEST_DIR, else memory when there is room (and it holds user attributes, Linux 6.6), else the system's temporary directory.</summary>
    public static string Place { get; } = ChoosePlace();

    /// <summary>The directory of the solution.</summary>
    public static string Repository { get; } = FindRepository();

    private static string ChoosePlace()
    {
        if (Environment.GetEnvironmentVariable("NATIVESYNC_TEST_DIR") is { Length: > 0 } given)
        {
            return given;
        }

        const string Memory = "/dev/shm";
        const long Room = 6L << 30;
        if (Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= Room && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= Room && HoldsAttributes(Memory))
        {
            return Memory;
        }

        return Path.GetTempPath().TrimEnd('/');
    }

    private static bool HoldsAttributes(string directory)
    {
        string probe = Path.Combine(directory, "nativesync-probe-" + Path.GetRandomFileName());
        File.WriteAllBytes(probe, []);
        try
        {
            RawFiles.SetAttribute(RawFiles.Bytes(probe), "user.probe", "x"u8);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
        finally
        {
            File.Delete(probe);
        }
    }

    private static string FindRepository()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "NativeSync.sln")))
            {
                return at;
            }
        }

        throw new InvalidOperationException("The tests run from inside the repository; NativeSync.sln was not found above " + AppContext.BaseDirectory);
    }
}
