using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Startup;

namespace NativeSync.Cli.Commands;

/// <summary><c>nativesync verify SRC DEST</c>: digests of both sides, and what differs.</summary>
internal static class VerifyCommand
{
    /// <summary>Runs it.</summary>
    public static Task<int> RunAsync(IReadOnlyList<byte[]> arguments, Streams streams, Interruption interruption) =>
        throw new UsageException("verify is not supported yet", UsageException.Unsupported);
}
