using System.Text;

namespace NativeSync.Cli.Tests.Filters;

/// <summary>Rules and rule files from a seed: the whole language, and what is close to it. One char is one byte.</summary>
internal sealed class RuleGenerator(Random random)
{
    /// <summary>Names of dir-merge files that trees hold.</summary>
    public static readonly string[] FileNames = [".f", ".g", ".rsync-filter", ".cvsignore"];

    private static readonly string[] Kinds =
        ["-", "-", "-", "-", "+", "+", "H", "S", "P", "R", "exclude", "include", "hide", "show", "protect", "risk"];

    private static readonly string[] Atoms =
    [
        "a", "b", "ab", "foo", "x", "*", "*", "**", "***", "?", "/", "/", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:nope:]]", "[a",
        "\\", "\\a", "\\*", "\\[", ".", " ", "-", "!", "[[:digit:]x]", "[\\]a]", "[a-]", "1", "_", "#", ",",
    ];

    private static readonly string[] RawAtoms = ["\u00e9", "[\u00e0-\u00ff]", "\u00ff", "\u0001", "\u00ef\u00bb\u00bf", "\t"];

    /// <summary>One of them.</summary>
    public string Pick(params ReadOnlySpan<string> from) => from[random.Next(from.Length)];

    /// <summary>True once in so many times.</summary>
    public bool Once(int times) => random.Next(times) == 0;

    /// <summary>A pattern; bytes that no text has only when <paramref name="raw"/>.</summary>
    public string Pattern(bool raw)
    {
        StringBuilder pattern = new(Once(4) ? "/" : "");
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            pattern.Append(raw && Once(12) ? Pick(RawAtoms) : Pick(Atoms));
        }

        return pattern.Append(Once(6) ? Pick("/", "/***") : "").ToString();
    }

    /// <summary>One include, exclude or clearing rule of the whole language.</summary>
    /// <param name="raw">Any byte may be in it.</param>
    /// <param name="sided">It may name a side.</param>
    /// <param name="word">It has no white space.</param>
    public string Rule(bool raw, bool sided = true, bool word = false)
    {
        if (Once(40))
        {
            return Pick("!", "clear");
        }

        string kind = sided ? Pick(Kinds) : Pick("-", "+", "exclude", "include");
        string modifiers = Once(4) ? Modifiers(kind is "-" or "+" or "exclude" or "include" && sided ? "!psr/" : "!p/") : "";
        string comma = modifiers.Length > 0 && (kind.Length > 1 || Once(2)) ? "," : "";
        string pattern = Pattern(raw);
        return kind + comma + modifiers + (word || Once(8) ? "_" : " ") + (word ? pattern.Replace(' ', 'a').Replace('\t', 'a') : pattern);
    }

    /// <summary>Some of these letters.</summary>
    public string Modifiers(string allowed) => new([.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => allowed[random.Next(allowed.Length)])]);

    /// <summary>Modifiers of a merge rule.</summary>
    public string MergeModifiers() => (Once(3) ? Pick("-", "+", "C") : "") + (Once(3) ? Modifiers("enwsrp") : "");

    /// <summary>The content of a file that is read by those modifiers of a merge rule.</summary>
    public string MergeFile(string modifiers, bool nulSeparated, Func<string>? another)
    {
        bool words = modifiers.AsSpan().IndexOfAny('w', 'C') >= 0;
        bool prefixes = modifiers.AsSpan().IndexOfAny("-+C") < 0;
        bool sided = modifiers.AsSpan().IndexOfAny('s', 'r') < 0;
        StringBuilder content = new();
        for (int i = random.Next(0, 5); i > 0; i--)
        {
            string rule = !prefixes ? Pattern(raw: true) + (Once(8) ? "!" : "")
                : another is not null && Once(10) ? another()
                : Once(10) ? ":" + (Once(2) ? Modifiers("enp") : "") + (words ? "_" : " ") + Pick(FileNames)
                : Rule(raw: true, sided, words);
            content.Append(!words && Once(12) ? Pick("#", ";") : "").Append(rule).Append(words ? Pick(" ", "\n", "\t", "  ") : LineEnd(nulSeparated));
        }

        return content.ToString();
    }

    /// <summary>The content of an exclude or include file.</summary>
    public string PatternFile(bool nulSeparated)
    {
        StringBuilder content = new();
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            content.Append(Pick("", "", "", "", "- ", "+ ", "#", ";", " ", "!", "-", "P ", "exclude "));
            content.Append(Once(20) ? "!" : Pattern(raw: true)).Append(LineEnd(nulSeparated));
        }

        return content.ToString();
    }

    private string LineEnd(bool nulSeparated) => nulSeparated ? Pick("\0", "\0", "\0\0") : Pick("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\0x\n");
}
