using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeSync.Cli;

/// <summary>What <c>nativesync --version</c> says: version, commit, runtime, and whether the executable is static.</summary>
internal static class VersionText
{
#if STATIC_EXECUTABLE
    /// <summary>True in the published executable, which contains its C library and OpenSSL.</summary>
    public const bool IsStatic = true;
#else
    /// <summary>True in the published executable, which contains its C library and OpenSSL.</summary>
    public const bool IsStatic = false;
#endif

    /// <summary>The rsync whose options and output are taken as the example.</summary>
    private const string RsyncVersion = "3.5.0";

    /// <summary>The version alone, e.g. <c>0.1.0</c>.</summary>
    public static string Version => Informational.Split('+', 2)[0];

    /// <summary>The commit that was built, shortened to 12 digits and marked <c>-dirty</c> when the tree had changes; "unknown" for a build that was not told.</summary>
    public static string Commit => Informational.Split('+', 2) is [_, { Length: > 0 } commit] ? commit : "unknown";

    /// <summary>
    /// Three lines, each ended by a newline:
    /// <code>
    /// nativesync 0.1.0
    /// commit 0123456789ab
    /// .NET 10.0.12, linux-x64, static
    /// </code>
    /// </summary>
    public static string Text =>
        $"nativesync {Version}\ncommit {Commit}\n{RuntimeInformation.FrameworkDescription}, {Platform}, {(IsStatic ? "static" : "not static")}\n";

    /// <summary>
    /// What is printed under the name rsync: the first line has rsync's shape, and the version whose command line is taken, since scripts
    /// read those; the rest says what this really is.
    /// </summary>
    public static string For(bool asRsync) => asRsync
        ? $"rsync  version {RsyncVersion}  protocol version 32\nThis is NativeSync, which takes the command line of rsync {RsyncVersion} and speaks a protocol of its own.\n{Text}"
        : Text;

    private static string Platform => "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static string Informational =>
        typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
