using System.Text;
using NativeSync.Cli.Startup;

namespace NativeSync.Cli.Output;

/// <summary>Where a command writes.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="ErrorWidth">Columns of the terminal behind standard error; null when there is none.</param>
internal sealed record Streams(Stream Out, Stream Error, int? ErrorWidth)
{
    /// <summary>The process's own.</summary>
    public static Streams OfProcess => new(Console.OpenStandardOutput(), Console.OpenStandardError(), Terminal.ErrorWidth);

    /// <summary>Writes text to standard output; nobody there to read it is no error.</summary>
    public void Write(string text) => Send(Out, text);

    /// <summary>Writes a line to standard error.</summary>
    public void WriteErrorLine(string line) => Send(Error, line + "\n");

    private static void Send(Stream stream, string text)
    {
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush();
        }
        catch (IOException)
        {
            // A closed pipe.
        }
    }
}
