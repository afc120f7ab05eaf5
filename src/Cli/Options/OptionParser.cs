using System.Text;

namespace NativeSync.Cli.Options;

/// <summary>One option as it was given.</summary>
/// <param name="Option">Which.</param>
/// <param name="Negated">Given as <c>--no-…</c>.</param>
/// <param name="Value">Its argument as raw bytes; empty when it takes none.</param>
/// <param name="Given">How the user wrote it, for messages, e.g. <c>--timeout=abc</c>; not escaped.</param>
internal sealed record GivenOption(OptionSpec Option, bool Negated, byte[] Value, string Given)
{
    /// <summary>The argument as text.</summary>
    public string Text => Encoding.UTF8.GetString(Value);
}

/// <summary>A command line taken apart: options in their order, and the other arguments.</summary>
internal sealed record ParsedCommandLine(IReadOnlyList<GivenOption> Options, IReadOnlyList<byte[]> Operands);

/// <summary>
/// rsync's grammar of options: clustered short ones, <c>-eVALUE</c>, <c>-e VALUE</c>, <c>--name=VALUE</c>, <c>--name VALUE</c>,
/// options and operands in any order, <c>--</c> ends the options, and no abbreviations (rsync's parser has none).
/// </summary>
internal static class OptionParser
{
    /// <summary>Takes <paramref name="arguments"/> apart.</summary>
    /// <exception cref="UsageException">An option that does not exist, or one with an argument too many or too few.</exception>
    /// <param name="arguments">All behind the command.</param>
    /// <param name="operandsEnd">With POSIXLY_CORRECT in the environment no options come behind the first operand.</param>
    public static ParsedCommandLine Parse(IReadOnlyList<byte[]> arguments, bool operandsEnd = false)
    {
        List<GivenOption> options = [];
        List<byte[]> operands = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            byte[] argument = arguments[i];
            if (argument.Length < 2 || argument[0] != '-')
            {
                operands.AddRange(operandsEnd ? arguments.Skip(i) : [argument]);
                if (operandsEnd)
                {
                    break;
                }
            }
            else if (argument.AsSpan().SequenceEqual("--"u8))
            {
                operands.AddRange(arguments.Skip(i + 1));
                break;
            }
            else if (argument[1] == '-')
            {
                options.Add(ParseLong(argument, arguments, ref i));
            }
            else
            {
                ParseCluster(argument, arguments, ref i, options);
            }
        }

        return new ParsedCommandLine(options, operands);
    }

    private static GivenOption ParseLong(byte[] argument, IReadOnlyList<byte[]> arguments, ref int i)
    {
        int equals = Array.IndexOf(argument, (byte)'=');
        string name = Encoding.UTF8.GetString(argument, 2, (equals < 0 ? argument.Length : equals) - 2);
        string given = Encoding.UTF8.GetString(argument);
        if (!OptionTable.TryFind(name, out OptionSpec option, out bool negated))
        {
            throw new UsageException($"{UsageException.Quote(argument)}: unknown option");
        }

        if (option.Argument is null || negated)
        {
            return equals < 0
                ? new GivenOption(option, negated, [], given)
                : throw new UsageException($"{UsageException.Quote(argument)}: option does not take an argument");
        }

        byte[] value = equals < 0 ? Next(argument, arguments, ref i) : argument[(equals + 1)..];
        return new GivenOption(option, false, value, equals < 0 ? $"{given}={Encoding.UTF8.GetString(value)}" : given);
    }

    private static void ParseCluster(byte[] argument, IReadOnlyList<byte[]> arguments, ref int i, List<GivenOption> options)
    {
        for (int at = 1; at < argument.Length; at++)
        {
            OptionSpec option = OptionTable.Find((char)argument[at]) ?? throw new UsageException($"{UsageException.Quote(argument)}: unknown option");
            if (option.Argument is null)
            {
                options.Add(new GivenOption(option, false, [], option.Name));
                continue;
            }

            // What follows the letter is its argument; an equals sign between them is skipped.
            int start = at + 1 < argument.Length && argument[at + 1] == '=' ? at + 2 : at + 1;
            byte[] value = at + 1 < argument.Length ? argument[start..] : Next(argument, arguments, ref i);
            options.Add(new GivenOption(option, false, value, $"{option.Name}={Encoding.UTF8.GetString(value)}"));
            break;
        }
    }

    private static byte[] Next(byte[] argument, IReadOnlyList<byte[]> arguments, ref int i) =>
        ++i < arguments.Count ? arguments[i] : throw new UsageException($"{UsageException.Quote(argument)}: missing argument");
}
