using System.Text;

namespace NativeSync.Cli.Startup;

/// <summary>The command line as bytes: names need not be UTF-8, and .NET's strings lose those that are not.</summary>
internal sealed class RawArguments
{
    private const char Lost = '\uFFFD';

    private readonly IReadOnlyList<byte[]> _values;

    private RawArguments(string programName, IReadOnlyList<byte[]> values)
    {
        ProgramName = programName;
        _values = values;
    }

    /// <summary>The last part of the name under which the program was started.</summary>
    public string ProgramName { get; }

    /// <summary>The arguments without the program's name.</summary>
    public IReadOnlyList<byte[]> Values => _values;

    /// <summary>The arguments behind the first <paramref name="count"/>.</summary>
    public IReadOnlyList<byte[]> Skip(int count) => [.. _values.Skip(count)];

    /// <summary>A command line made up, for tests.</summary>
    internal static RawArguments Of(string programName, params IReadOnlyList<byte[]> values) => new(programName, values);

    /// <summary>The process's own, given as .NET decoded them.</summary>
    public static RawArguments OfProcess(string[] args)
    {
        string program = Path.GetFileName(Environment.GetCommandLineArgs() is [var first, ..] ? first : "");
        if (!args.Any(static argument => argument.Contains(Lost)))
        {
            return new RawArguments(program, [.. args.Select(Encoding.UTF8.GetBytes)]);
        }

        try
        {
            return new RawArguments(program, Split(File.ReadAllBytes("/proc/self/cmdline"), args.Length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Options.UsageException("an argument is not UTF-8, and /proc/self/cmdline, which has its bytes, cannot be read (mount /proc)");
        }
    }

    /// <summary>The last <paramref name="count"/> of the NUL-terminated strings of /proc/PID/cmdline.</summary>
    internal static IReadOnlyList<byte[]> Split(ReadOnlySpan<byte> commandLine, int count)
    {
        List<byte[]> all = [];
        while (!commandLine.IsEmpty)
        {
            int end = commandLine.IndexOf((byte)0);
            all.Add(commandLine[..(end < 0 ? commandLine.Length : end)].ToArray());
            commandLine = end < 0 ? default : commandLine[(end + 1)..];
        }

        return all[(all.Count - count)..];
    }
}
