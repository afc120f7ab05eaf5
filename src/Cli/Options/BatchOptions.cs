using System.Text;
using NativeSync.Engine;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Options;

/// <summary>What --write-batch, --only-write-batch and --read-batch say. docs/batch.md.</summary>
/// <param name="Path">The batch file, raw bytes.</param>
/// <param name="Reads">It is applied, not written.</param>
/// <param name="Only">Nothing but the batch is written.</param>
/// <param name="Script">What applies it, for a shell; empty when it is read.</param>
internal sealed record BatchArguments(byte[] Path, bool Reads, bool Only, byte[] Script)
{
    private const uint OwnersAlone = 0x1C0;

    /// <summary>Writes the script beside the batch, as rsync does.</summary>
    /// <exception cref="SessionException">3: it cannot be written.</exception>
    public void WriteScript()
    {
        LinuxSystemCalls io = LinuxSystemCalls.Instance;
        byte[] name = [.. Path, .. ".sh"u8];
        int fd = io.OpenPath(name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Truncate, OwnersAlone);
        long error = fd < 0 ? fd : io.Write(fd, Script) is var count && count == Script.Length ? 0 : count < 0 ? count : -Errno.ENOSPC;
        if (fd >= 0)
        {
            io.Close(fd);
        }

        if (error < 0)
        {
            throw new SessionException(ExitCodes.FileSelection, $"batch file \"{UsageException.Quote(name)}\": writing it failed: {Errno.Describe((int)-error)} ({-error})");
        }
    }
}

/// <summary>Makes sense of the options about batches, and of what a script needs of all the others.</summary>
internal sealed class BatchOptions
{
    private byte[]? _written, _read;
    private bool _only;

    /// <summary>A batch is applied: the only operand is its destination.</summary>
    public bool Reads => _read is not null;

    /// <summary>Takes an option; false when it is not about batches.</summary>
    public bool Apply(GivenOption given)
    {
        switch (given.Option.Id)
        {
            case OptionId.WriteBatch or OptionId.OnlyWriteBatch:
                _written = given.Value;
                _only = given.Option.Id == OptionId.OnlyWriteBatch;
                break;
            case OptionId.ReadBatch:
                _read = given.Value;
                break;
            default:
                return false;
        }

        if (given.Value.Length == 0)
        {
            throw new UsageException($"{given.Option.Name} needs the name of a file");
        }

        return _written is null || _read is null ? true : throw new UsageException("--write-batch and --read-batch cannot be used together");
    }

    /// <summary>What was said; null for nothing.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="rules">The filter rules, in order.</param>
    /// <param name="asRsync">Run under the name rsync: so does the script.</param>
    public BatchArguments? Build(ParsedCommandLine line, IReadOnlyList<byte[]> rules, bool asRsync) =>
        _read is { } read ? new BatchArguments(read, Reads: true, Only: false, [])
        : _written is { } path ? new BatchArguments(path, Reads: false, _only, Script(path, line, rules, asRsync))
        : null;

    /// <summary>
    /// The same command with the batch in place of the sources, and another destination if one is given. The rules are a document
    /// behind it, where whoever wants to change what is deleted finds them.
    /// </summary>
    private static byte[] Script(byte[] path, ParsedCommandLine line, IReadOnlyList<byte[]> rules, bool asRsync)
    {
        // What a line cannot hold is said by options.
        bool document = rules.Count > 0 && !line.Options.Any(static given => given is { Option.Id: OptionId.From0, Negated: false })
            && !rules.Any(static rule => rule.AsSpan().ContainsAny((byte)'\n', (byte)'\r'));
        MemoryStream script = new();
        // A program that is not compiled ahead of time is told the name of its library.
        string program = Environment.GetCommandLineArgs()[0];
        Word(script, Encoding.UTF8.GetBytes(program.EndsWith(".dll", StringComparison.Ordinal) ? Environment.ProcessPath ?? program : program));
        if (!asRsync)
        {
            Word(script, "sync"u8);
        }

        if (document)
        {
            Word(script, "--filter=._-"u8);
        }

        foreach (byte[] rule in document ? [] : rules)
        {
            Word(script, [.. "--filter="u8, .. rule]);
        }

        foreach (GivenOption given in line.Options)
        {
            if (given.Option.Id is OptionId.WriteBatch or OptionId.OnlyWriteBatch)
            {
                Word(script, [.. "--read-batch="u8, .. path]);
            }
            else if (!IsDropped(given.Option.Id))
            {
                byte[] name = Encoding.UTF8.GetBytes(given.Option.Argument is null || given.Negated ? given.Given : given.Option.Name + "=");
                Word(script, [.. name, .. given.Value]);
            }
        }

        script.Write("${1:-"u8);
        Quote(script, line.Operands is [.., var destination] ? destination : "."u8.ToArray());
        script.Write("}"u8);
        if (document)
        {
            script.Write(" <<'#E#'"u8);
            foreach (byte[] rule in rules)
            {
                script.Write("\n"u8);
                script.Write(rule);
            }

            script.Write("\n#E#"u8);
        }

        script.Write("\n"u8);
        return script.ToArray();
    }

    /// <summary>The sources' business, and rules, which are there already.</summary>
    private static bool IsDropped(OptionId id) => id is OptionId.FilesFrom or OptionId.Filter or OptionId.FilterFiles or OptionId.Exclude or OptionId.ExcludeFrom
        or OptionId.Include or OptionId.IncludeFrom or OptionId.CvsExclude or OptionId.RemoveSourceFiles or OptionId.RsyncPath or OptionId.Rsh;

    private static void Word(MemoryStream script, ReadOnlySpan<byte> word)
    {
        Quote(script, word);
        script.WriteByte((byte)' ');
    }

    private static void Quote(MemoryStream script, ReadOnlySpan<byte> word)
    {
        script.WriteByte((byte)'\'');
        foreach (byte b in word)
        {
            if (b == '\'')
            {
                script.Write("'\\''"u8);
            }
            else
            {
                script.WriteByte(b);
            }
        }

        script.WriteByte((byte)'\'');
    }
}
