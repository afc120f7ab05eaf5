using System.Globalization;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>The published executable under test, and rsync beside it.</summary>
internal static class Tool
{
    /// <summary>NATIVESYNC_EXE, else <c>artifacts/nativesync</c>; it must have been built: there is nothing to test otherwise.</summary>
    public static string Path { get; } = Find();

    public static string PathOfRsync => "rsync";

    /// <summary><c>nativesync sync …</c></summary>
    public static Task<CommandResult> SyncAsync(params IEnumerable<string> arguments) => Command.RunAsync([Path, "sync", .. arguments]);

    /// <summary><c>nativesync sync …</c> with the options that reach a private server.</summary>
    public static Task<CommandResult> SyncAsync(PrivateSshd server, params IEnumerable<string> arguments) => SyncAsync([.. OptionsFor(server), .. arguments]);

    /// <summary>rsync with the same words.</summary>
    public static Task<CommandResult> RsyncAsync(params IEnumerable<string> arguments) => Command.RunAsync([PathOfRsync, .. arguments]);

    /// <summary>rsync with the same words and the private server.</summary>
    public static Task<CommandResult> RsyncAsync(PrivateSshd server, params IEnumerable<string> arguments) => RsyncAsync(["-e", server.RshCommand, .. arguments]);

    /// <summary>Port, key and known hosts of a private server as options of <c>sync</c>.</summary>
    public static string[] OptionsFor(PrivateSshd server) =>
        ["--port", server.Port.ToString(CultureInfo.InvariantCulture), "--identity", server.ClientKeyPath, "--known-hosts", server.KnownHostsPath];

    /// <summary><c>user@host:path</c> on a private server.</summary>
    public static string Remote(string path) => $"{PrivateSshd.User}@{PrivateSshd.Host}:{path}";

    private static string Find()
    {
        string path = Environment.GetEnvironmentVariable("NATIVESYNC_EXE") is { Length: > 0 } given
            ? given
            : System.IO.Path.Combine(TestRun.Repository, "artifacts", "nativesync");
        return File.Exists(path)
            ? path
            : throw new InvalidOperationException($"{path} is not there: run ./build.sh, or name the executable in NATIVESYNC_EXE");
    }
}
