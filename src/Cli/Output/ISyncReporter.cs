using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>Tells the world about one transfer, from its start to its end.</summary>
internal interface ISyncReporter : ISyncObserver
{
    /// <summary>The transfer begins.</summary>
    void Start();

    /// <summary>What the remote shell wrote to its standard error, escaped, lines apart by line feeds.</summary>
    void Remark(string text);

    /// <summary>The transfer went through to its end, perhaps with problems.</summary>
    void Finish(SyncReport report);

    /// <summary>The transfer failed as a whole. <paramref name="message"/> is one escaped line.</summary>
    void Fail(string message, int exitCode);
}
