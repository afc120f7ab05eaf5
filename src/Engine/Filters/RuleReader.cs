namespace NativeSync.Engine.Filters;

/// <summary>
/// Goes through the rules of a file (rsync-semantics.md §2.1): a line ends at LF or CR, or at NUL with <c>--from0</c>; empty lines and
/// those whose first byte is <c>#</c> or <c>;</c> are skipped. A file of words ends rules at white space and knows no comments.
/// </summary>
internal ref struct RuleReader(ReadOnlySpan<byte> content, RuleSyntax syntax)
{
    /// <summary>rsync discards longer lines.</summary>
    private const int MaxLine = 5119;

    private static ReadOnlySpan<byte> WhiteSpace => " \t\n\v\f\r\0"u8;

    private ReadOnlySpan<byte> _rest = content;

    /// <summary>The text of the current rule.</summary>
    public ReadOnlySpan<byte> Text { get; private set; }

    /// <summary>Its line, counted from 1.</summary>
    public int Line { get; private set; } = 1;

    private int _linesPassed;

    /// <summary>Goes to the next rule.</summary>
    public bool TryNext()
    {
        while (!_rest.IsEmpty)
        {
            Line += _linesPassed;
            _linesPassed = 0;
            Text = syntax.Words ? TakeWord() : TakeLine();
            if (Text.Length is > 0 and <= MaxLine && (syntax.Words || Text[0] is not ((byte)'#' or (byte)';')))
            {
                return true;
            }
        }

        return false;
    }

    private ReadOnlySpan<byte> TakeLine()
    {
        int end = syntax.NulSeparated ? _rest.IndexOf((byte)0) : _rest.IndexOfAny((byte)'\n', (byte)'\r');
        ReadOnlySpan<byte> line = end < 0 ? _rest : _rest[..end];
        int length = end < 0 ? _rest.Length : end + 1;

        // For the number of the line, CR and LF together end one.
        length += !syntax.NulSeparated && length < _rest.Length && _rest[length - 1] == '\r' && _rest[length] == '\n' ? 1 : 0;
        _rest = _rest[length..];
        _linesPassed = 1;

        // Inside a line a NUL ends it, as in any C string.
        int nul = line.IndexOf((byte)0);
        return nul < 0 ? line : line[..nul];
    }

    private ReadOnlySpan<byte> TakeWord()
    {
        int end = _rest.IndexOfAny(WhiteSpace);
        if (end == 0)
        {
            _linesPassed = _rest[0] == '\n' ? 1 : 0;
            _rest = _rest[1..];
            return default;
        }

        end = end < 0 ? _rest.Length : end;
        if (syntax.Prefixes == RulePrefixes.Full && end < _rest.Length && _rest[end] == ' ' && FilterRuleParser.LacksPattern(_rest[..end]))
        {
            int more = _rest[(end + 1)..].IndexOfAny(WhiteSpace);
            end = more < 0 ? _rest.Length : end + 1 + more;
        }

        ReadOnlySpan<byte> word = _rest[..end];
        _rest = _rest[end..];
        return word;
    }
}
