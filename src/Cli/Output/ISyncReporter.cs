using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>Tells the world about one transfer, from its start to its end.</summary>
internal interface ISyncReporter : ISyncObserver
{
    /// <summary>The transfer begins.</summary>
    void Start();

    /// <summary>What the remote shell wrote to its standard error, escaped, lines apart by line feeds.</summary>
    void Remark(string text);

    /// <summary>The line dropped, or could not be had again yet.</summary>
    void Lost(in LineLoss loss);

    /// <summary>The other side is there again.</summary>
    void Resumed();

    /// <summary>A pass of several is done.</summary>
    void Passed(int number, SyncReport report);

    /// <summary>The last pass of several begins.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="forecast">How long it will take, from those before; zero when that is not known.</param>
    void BeginsLast(int number, TimeSpan forecast);

    /// <summary>Whether a pass behind the first looked only at what had changed, or why not.</summary>
    void Followed(string account);

    /// <summary>The transfer went through to its end, perhaps with problems.</summary>
    void Finish(SyncReport report);

    /// <summary>The transfer failed as a whole. <paramref name="message"/> is one escaped line.</summary>
    void Fail(string message, int exitCode);
}
