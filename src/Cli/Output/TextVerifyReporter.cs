using NativeSync.Cli.Options;
using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>Tells a person what a comparison finds.</summary>
internal sealed class TextVerifyReporter(Screen screen, OutputArguments output, int? statusWidth) : IVerifyReporter
{
    /// <inheritdoc/>
    public void OnDifference(VerifyDifference difference)
    {
        if (!output.Quiet)
        {
            screen.WriteLine(VerifyText.Line(difference));
        }
    }

    /// <inheritdoc/>
    public void OnProblem(VerifyProblem problem) => screen.WriteError("nativesync: " + VerifyText.Line(problem));

    /// <inheritdoc/>
    public void OnProgress(long directories, long entries)
    {
        if (statusWidth is { } width)
        {
            string text = $"{NumberText.Of(entries, 1)} entries in {NumberText.Of(directories, 1)} directories compared";
            screen.SetStatus(text.Length < width ? text : text[..(width - 1)]);
        }
    }

    /// <inheritdoc/>
    public void Finish(VerifyReport report, int exitCode)
    {
        screen.EndStatus(keep: false);
        if (!output.Quiet)
        {
            screen.Write(VerifyText.Summary(report));
        }

        screen.Flush();
    }

    /// <inheritdoc/>
    public void Fail(string message, int exitCode)
    {
        screen.EndStatus(keep: false);
        screen.WriteError("nativesync: " + message);
    }
}
