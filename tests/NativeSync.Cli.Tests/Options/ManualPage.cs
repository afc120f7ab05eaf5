using System.Text;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Options;

/// <summary>docs/nativesync.1, made from the table of options and the exit codes of docs/cli.md.</summary>
internal static class ManualPage
{
    /// <summary>The page in man(7)'s language.</summary>
    public static string Roff(string cliPage)
    {
        StringBuilder text = new();
        text.Append(
            """
            .\" Made from src/Cli/Options/OptionTable.cs and docs/cli.md: NATIVESYNC_UPDATE_DOCS=1 ./test.sh --quick writes it.
            .TH NATIVESYNC 1 2026-11-25 "NativeSync" "User Commands"
            .SH NAME
            nativesync \- synchronise trees of files over SSH as rsync does, and move servers to the cloud
            .SH SYNOPSIS
            .nf
            .B nativesync sync \fR[\fIOPTION\fR]... \fISRC\fR... \fIDEST\fR
            .B nativesync sync \fR[\fIOPTION\fR]... \fISRC\fR... [\fIUSER\fR@]\fIHOST\fR:\fIDEST\fR
            .B nativesync sync \fR[\fIOPTION\fR]... [\fIUSER\fR@]\fIHOST\fR:\fISRC\fR... \fIDEST\fR
            .B nativesync verify \fR[\fIOPTION\fR]... \fISRC DEST\fR
            .B nativesync bench \fR[\fIOPTION\fR]... \fISRC\fR [[\fIUSER\fR@]\fIHOST\fR:\fIDIR\fR]
            .B nativesync \fR[\fBmigrate\fR|\fBinit\fR|\fBrehearse\fR] [\fIOPTION\fR]...
            .B nativesync completion bash\fR|\fBzsh\fR|\fBfish\fR
            .fi
            .SH DESCRIPTION
            .B sync
            takes rsync's command line and means what rsync means by it.
            The other side needs no installation: NativeSync connects over SSH and brings itself along.
            A slash behind
            .I SRC
            means the contents of the directory.
            Started under the name
            .BR rsync ,
            the executable takes the command line of
            .B sync
            and nothing else.
            .PP
            .B verify
            compares two trees by digest.
            .B bench
            measures a directory and a line, and says what to set.
            .B migrate
            moves this server to a Tencent Cloud CVM.
            .SH OPTIONS
            Short options may be clustered; arguments are taken as
            .BR \-\-bwlimit=5m ,
            .BR "\-\-bwlimit 5m" ,
            .B \-B700
            or
            .BR "\-B 700" .

            """.ReplaceLineEndings("\n"));
        foreach (OptionSpec option in OptionTable.All.Where(static option => !option.Hidden && option.Relation != Relation.Lacks))
        {
            text.Append(".TP\n").Append(Usage(option)).Append('\n').Append(Line(Sentence(option))).Append('\n');
        }

        text.Append(".SS Options of rsync that are refused by name (exit code 4; those for daemons 1)\n")
            .AppendJoin(",\n", OptionTable.All.Where(static option => option is { Hidden: false, Relation: Relation.Lacks }).Select(static option => Escape(option.Name))).Append(".\n");
        text.Append(".SH EXIT STATUS\n");
        foreach (string row in Between(cliPage, "## Exit codes", "## ").Split('\n').Where(static row => row.StartsWith("| ", StringComparison.Ordinal) && !row.StartsWith("| code", StringComparison.Ordinal)))
        {
            string[] cells = row.Trim('|', ' ').Split('|');
            text.Append(".TP\n.B ").Append(Escape(cells[0].Trim())).Append('\n').Append(Line(cells[1].Trim().Replace("`", "", StringComparison.Ordinal))).Append('\n');
        }

        return text.Append(".SH ENVIRONMENT\nSee docs/cli.md: RSYNC_RSH, NATIVESYNC_PASSWORD, NATIVESYNC_AGENT, NATIVESYNC_DEBUG.\n.SH SEE ALSO\n.BR rsync (1),\n.BR ssh (1)\n").ToString();
    }

    private static string Usage(OptionSpec option) =>
        ".B " + Escape(string.Join(", ", (string[])[option.Usage, .. option.Aliases.Select(static alias => "--" + alias), .. option.Negations.Take(1).Select(static name => "--no-" + name)]));

    private static string Sentence(OptionSpec option) => char.ToUpperInvariant(option.Help[0]) + option.Help[1..] + (option.Relation switch
    {
        Relation.NoEffect => ". Accepted for rsync's sake, without effect.",
        Relation.Own => ". NativeSync's own.",
        _ => ".",
    });

    private static string Escape(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);

    /// <summary>A line of text; one that begins like a request is kept from being one.</summary>
    private static string Line(string text) => (text[0] is '.' or '\'' ? "\\&" : "") + Escape(text);

    private static string Between(string page, string begin, string end)
    {
        int from = page.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return page[from..page.IndexOf("\n" + end, from, StringComparison.Ordinal)];
    }
}
