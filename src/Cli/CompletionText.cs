using System.Text;
using NativeSync.Cli.Options;

namespace NativeSync.Cli;

/// <summary>What <c>nativesync completion SHELL</c> prints, made from the table of options.</summary>
internal static class CompletionText
{
    private const string Commands = "sync verify bench migrate init rehearse fixup completion";

    /// <summary>The script for a shell.</summary>
    /// <exception cref="UsageException">It is not known.</exception>
    public static string For(string? shell) => shell switch
    {
        "bash" => Bash(),
        "zsh" => Zsh(),
        "fish" => Fish(),
        _ => throw new UsageException("completion is there for bash, zsh and fish (e.g.: nativesync completion bash > /etc/bash_completion.d/nativesync)"),
    };

    private static IEnumerable<OptionSpec> Offered => OptionTable.All.Where(static option => !option.Hidden && option.Relation != Relation.Lacks);

    /// <summary>An option that takes a value is offered up to its equals sign, behind which bash completes names of files.</summary>
    private static string Bash()
    {
        StringBuilder words = new();
        foreach (OptionSpec option in Offered)
        {
            words.Append(option.Long.Length == 0 ? $" -{option.Short}" : $" --{option.Long}{(option.Argument is null ? "" : "=")}");
        }

        return $$"""
            _nativesync() {
                local word=${COMP_WORDS[COMP_CWORD]}
                if [[ $word == -* ]]; then
                    COMPREPLY=($(compgen -W '{{words.ToString().TrimStart()}}' -- "$word"))
                    [[ ${COMPREPLY-} == *= ]] && compopt -o nospace 2>/dev/null
                elif [[ $COMP_CWORD -eq 1 ]]; then
                    COMPREPLY=($(compgen -W '{{Commands}}' -- "$word"))
                fi
                return 0
            }
            complete -o default -F _nativesync nativesync

            """;
    }

    private static string Zsh()
    {
        StringBuilder text = new();
        text.Append("#compdef nativesync\nif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    compadd ").Append(Commands).Append("\n    return\nfi\n_arguments -s");
        foreach (OptionSpec option in Offered)
        {
            string help = option.Help.Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
            string value = option.Argument is null ? "" : $":{option.Argument.Replace(":", "\\:", StringComparison.Ordinal)}:{(IsFile(option) ? "_files" : "")}";
            foreach (string name in Names(option))
            {
                text.Append(" \\\n    ").Append(Quoted($"*{name}{(option.Argument is null ? "" : name.StartsWith("--", StringComparison.Ordinal) ? "=" : "+")}[{help}]{value}"));
            }
        }

        return text.Append(" \\\n    '*:file:_files'\n").ToString();
    }

    private static string Fish()
    {
        StringBuilder text = new();
        text.Append("complete -c nativesync -n __fish_use_subcommand -f -a '").Append(Commands).Append("'\n");
        foreach (OptionSpec option in Offered)
        {
            text.Append("complete -c nativesync")
                .Append(option.Long.Length > 0 ? " -l " + option.Long : "").Append(option.Short != '\0' ? " -s " + option.Short : "")
                .Append(option.Argument is null ? "" : IsFile(option) ? " -r -F" : " -x").Append(" -d ").Append(Quoted(option.Help, "\\'")).Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<string> Names(OptionSpec option)
    {
        if (option.Long.Length > 0)
        {
            yield return "--" + option.Long;
        }

        if (option.Short != '\0')
        {
            yield return "-" + option.Short;
        }
    }

    private static bool IsFile(OptionSpec option) => option.Argument is "FILE" or "DIR" or "PROGRAM";

    private static string Quoted(string text, string quote = "'\\''") => "'" + text.Replace("'", quote, StringComparison.Ordinal) + "'";
}
