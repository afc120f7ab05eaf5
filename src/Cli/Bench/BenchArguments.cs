using System.Globalization;
using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Cli.Remote;

namespace NativeSync.Cli.Bench;

/// <summary>What <c>nativesync bench</c> was asked for.</summary>
/// <param name="Sync">The options that it shares with <c>sync</c>.</param>
/// <param name="Source">The directory to look at.</param>
/// <param name="Remote">Where the line leads to; null for none.</param>
/// <param name="Limit">How long each measurement may take.</param>
/// <param name="Connection">The options by which the other side is reached, as words of a shell, each with a space behind.</param>
internal sealed record BenchArguments(SyncArguments Sync, byte[] Source, Endpoint? Remote, TimeSpan Limit, string Connection)
{
    private const int DefaultSeconds = 5, MostSeconds = 600;

    /// <summary>Reads them.</summary>
    /// <exception cref="UsageException">Something is wrong with them.</exception>
    public static BenchArguments Parse(IReadOnlyList<byte[]> arguments)
    {
        List<byte[]> rest = [];
        int seconds = DefaultSeconds;
        bool ended = false;
        for (int i = 0; i < arguments.Count; i++)
        {
            ReadOnlySpan<byte> argument = arguments[i];
            ended |= argument.SequenceEqual("--"u8);
            if (!ended && argument.StartsWith("--seconds="u8))
            {
                seconds = Seconds(argument["--seconds=".Length..]);
            }
            else if (!ended && argument.SequenceEqual("--seconds"u8))
            {
                seconds = ++i < arguments.Count ? Seconds(arguments[i]) : throw new UsageException("--seconds: missing argument");
            }
            else
            {
                rest.Add(arguments[i]);
            }
        }

        SyncArguments sync = SyncArgumentsBuilder.ParseForBench(rest);
        if (sync.Help || sync.Version)
        {
            return new BenchArguments(sync, [], null, default, "");
        }

        if (sync.Operands.Count is 0 or > 2 || sync.Operands[0].Length == 0)
        {
            throw new UsageException("bench takes a directory, and perhaps where it is to go: SRC [[USER@]HOST:DIR] (try: nativesync bench --help)");
        }

        Endpoint source = Endpoint.Parse(sync.Operands[0]);
        Endpoint? remote = sync.Operands.Count == 2 ? Endpoint.Parse(sync.Operands[1]) : null;
        if (source.IsRemote)
        {
            throw new UsageException($"{UsageException.Quote(sync.Operands[0])}: SRC must be on this machine (run bench there)");
        }

        return remote is { Host: null or "" }
            ? throw new UsageException($"{UsageException.Quote(sync.Operands[1])} names no host: [USER@]HOST:DIR is expected (without it no line is measured)")
            : new BenchArguments(sync, source.Path, remote, TimeSpan.FromSeconds(seconds), Words(rest));
    }

    /// <summary>A word as a shell reads it.</summary>
    public static string Quoted(string word) =>
        word.Length > 0 && word.All(static c => char.IsAsciiLetterOrDigit(c) || "@%+=:,./_-".Contains(c, StringComparison.Ordinal)) ? word : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string Words(List<byte[]> rest)
    {
        StringBuilder words = new();
        foreach (GivenOption given in OptionParser.Parse(rest).Options)
        {
            if (given.Option.Id != OptionId.Json)
            {
                words.Append(Quoted(given.Negated ? "--no-" + given.Option.Long : given.Option.Name + (given.Option.Argument is null ? "" : "=" + given.Text))).Append(' ');
            }
        }

        return UsageException.Quote(words.ToString());
    }

    private static int Seconds(ReadOnlySpan<byte> text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is > 0 and <= MostSeconds
            ? value
            : throw new UsageException($"--seconds={UsageException.Quote(text)}: a number from 1 to {MostSeconds} is expected");
}
