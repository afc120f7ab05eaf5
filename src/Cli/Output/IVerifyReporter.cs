using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>Tells the world about one comparison.</summary>
internal interface IVerifyReporter : IVerifyObserver
{
    /// <summary>Both sides were read to their end.</summary>
    void Finish(VerifyReport report, int exitCode);

    /// <summary>The comparison failed as a whole. <paramref name="message"/> is one escaped line.</summary>
    void Fail(string message, int exitCode);
}
