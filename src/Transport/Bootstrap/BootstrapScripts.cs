using System.Globalization;

namespace NativeSync.Transport;

/// <summary>
/// The commands that are run at the remote side: always <c>sh -c '…'</c>, in single quotes that sh, bash, dash, csh, tcsh
/// and fish read alike. So a script has no single quote, no line feed (csh), no backslash (fish) and no exclamation mark (csh).
/// </summary>
internal static class BootstrapScripts
{
    /// <summary>Printed to standard error when no place holds the agent; the system's and the machine's name follow.</summary>
    public const string Missing = "nativesync-missing";

    /// <summary>Printed to standard output when the upload may begin.</summary>
    public const string Ready = "nativesync-ready";

    /// <summary>Printed to standard output after an upload; the path follows.</summary>
    public const string Installed = "nativesync-installed";

    /// <summary>Printed to standard output after a failed upload; the reason follows.</summary>
    public const string Failed = "nativesync-failed";

    /// <summary>How many agents stay where they are kept: the newest ones.</summary>
    internal const int Kept = 4;

    /// <summary>An upload that so many looks in a row, spread over the time of silence, found no larger has stopped.</summary>
    private const int LooksAtUpload = 4;

    /// <summary>Where the agent is kept, in the order of trying; text for a POSIX shell between double quotes, $u being the user id.</summary>
    public static readonly string[] Places =
    [
        "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/nativesync",
        "/var/tmp/nativesync-$u",
        "/dev/shm/nativesync-$u",
    ];

    /// <summary>Runs the agent from the first place that holds it; a place must be ours and no symbolic link, since two of them are in directories open to all.</summary>
    public static RemoteCommand Start(string name, string verb) => Quote(
        $"n={name}; r() {{ if test -x \"$1/$n\" && test -O \"$1\" && test -O \"$1/$n\"; then if test -h \"$1\"; then :; else exec \"$1/$n\" {verb}; fi; fi; }}; "
        + $"r \"{Places[0]}\"; u=$(id -u); r \"{Places[1]}\"; r \"{Places[2]}\"; "
        + $"echo \"{Missing} $(uname -s) $(uname -m)\" >&2; exit 127");

    /// <summary>Prints the path of the agent, for /bin/sh; 127 when no place holds it.</summary>
    public static string Find(string name) =>
        $"u=$(id -u); for d in \"{Places[0]}\" \"{Places[1]}\" \"{Places[2]}\"; do if test -x \"$d/{name}\" && test -O \"$d\" && test -O \"$d/{name}\" && ! test -h \"$d\"; then echo \"$d/{name}\"; exit 0; fi; done; exit 127";

    /// <summary>Runs the agent from one place, where it was just installed.</summary>
    public static RemoteCommand StartAt(string place, string name, string verb) => Quote($"u=$(id -u); exec \"{place}/{name}\" {verb}");

    /// <summary>
    /// Takes the executable from standard input: to a temporary name in a private directory, checked by length and digest,
    /// tried, then renamed. Whatever goes wrong removes it again, and the rest of the upload is taken all the same: OpenSSH's
    /// server ends the whole connection when data comes for a command that is gone. What grows no more for the time of silence
    /// is ended: the server may not learn for hours that the line is dead. While it grows, an empty line is printed now and then.
    /// </summary>
    public static RemoteCommand Install(string place, string name, long size, string sha256, int removeOlderThanDays, TimeSpan silence)
    {
        string look = Math.Max(1, Math.Ceiling(silence.TotalSeconds / LooksAtUpload)).ToString(CultureInfo.InvariantCulture);
        // Of the files beside the upload .p says who takes it, and that it is being taken, and .w who waits until the next look: so each ends
        // the other, and nobody else. Who waits says so before it looks whether to, and .p goes before .w is read: no wait is overlooked.
        // A look that finds it larger says so (an empty line): what the near end has handed over may be under way for minutes.
        // When the script itself is gone ($$), so is all that it would have removed, by the second look after that.
        string watch = silence == Timeout.InfiniteTimeSpan ? "" : "(trap \"\" PIPE; a=x; i=0; "
            + $"while test -e \"$t.p\" && (read p r </proc/self/stat; echo $p >\"$t.w\"; test -e \"$t.p\" && exec sleep {look}); do "
            + "b=$(wc -c <\"$t\"); if test \"$a\" = \"$b\"; then i=$((i+1)); else i=0; echo >&3; fi; a=$b; "
            + string.Create(CultureInfo.InvariantCulture, $"kill -0 $$ || i={2 * LooksAtUpload}; if test $i -ge {LooksAtUpload}; then read p <\"$t.p\" && kill $p; fi; ")
            + string.Create(CultureInfo.InvariantCulture, $"if test $i -ge {2 * LooksAtUpload}; then rm -f \"$t\" \"$t.p\"; fi; done; rm -f \"$t.w\"; echo >&3) 3>&1 </dev/null >/dev/null 2>&1 & ");
        // What there is no room for is taken as well, and watched as well: how often its taker has waited grows while something comes. The end of
        // the pipe is the taker's, so that nobody waits for a look that is not needed; without timeout(1) nobody looks.
        string drain = silence == Timeout.InfiniteTimeSpan ? "cat >/dev/null 2>&1; " : "(read p r </proc/self/stat; echo $p; exec cat 3>&1 >/dev/null 2>&1) | (trap \"\" PIPE; read p; a=x; i=0; "
            + $"while timeout {look} cat >/dev/null 2>&1; c=$?; (test $c -eq 124 || test $c -eq 143) && test -e /proc/$p/status; do "
            + "b=$(grep ctxt /proc/$p/status); if test -n \"$b\" && test \"$a\" = \"$b\"; then i=$((i+1)); else i=0; echo; fi; a=$b; "
            + string.Create(CultureInfo.InvariantCulture, $"if test $i -ge {LooksAtUpload}; then kill $p; fi; done) 2>/dev/null; ");
        string length = size.ToString(CultureInfo.InvariantCulture);
        string clean = removeOlderThanDays <= 0 ? "" :
            $"find \"$d\" -type f -name \"*nativesync-*\" -mtime +{removeOlderThanDays.ToString(CultureInfo.InvariantCulture)} -exec rm -f {{}} \";\" 2>/dev/null; ";
        clean += $"c=0; for f in $(ls -t \"$d\" 2>/dev/null); do c=$((c+1)); if test $c -gt {Kept.ToString(CultureInfo.InvariantCulture)}; then case \"$f\" in nativesync-*) rm -f \"$d/$f\" ;; esac; fi; done; ";
        return Quote(
            $"umask 077; u=$(id -u); n={name}; d=\"{place}\"; t=\"$d/.$n.$$\"; "
            + $"f() {{ {drain}rm -f \"$t\" \"$d/$n\" 2>/dev/null; echo \"{Failed} $d: $1\"; exit 1; }}; "
            + "mkdir -p \"$d\" 2>/dev/null; "
            + $"if test -d \"$d\"; then :; else echo \"{Failed} $d: cannot be created\"; exit 1; fi; "
            + $"if test -h \"$d\"; then echo \"{Failed} $d: is a symbolic link\"; exit 1; fi; "
            + $"if test -O \"$d\"; then :; else echo \"{Failed} $d: belongs to somebody else\"; exit 1; fi; "
            + $"chmod 700 \"$d\" 2>/dev/null; if test -w \"$d\"; then :; else echo \"{Failed} $d: is read-only\"; exit 1; fi; "
            + $"echo {Ready}; true 2>/dev/null >\"$t.p\"; {watch}"
            + "(read p r </proc/self/stat; echo $p >\"$t.p\"; exec cat >\"$t\") 2>/dev/null; c=$?; "
            + "(rm -f \"$t.p\"; read p <\"$t.w\" && kill $p; rm -f \"$t.w\") 2>/dev/null; wait; "
            + "if test $c -gt 128; then rm -f \"$t\"; exit 1; fi; test $c -eq 0 || f \"cannot be written (full, read-only or not allowed)\"; "
            + $"s=$(wc -c <\"$t\"); test \"$s\" -eq {length} || f \"$s of {length} bytes arrived\"; "
            + $"if h=$(sha256sum <\"$t\" 2>/dev/null); then case \"$h\" in {sha256}*) ;; *) f \"the digest of what arrived is wrong\" ;; esac; fi; "
            + "chmod 700 \"$t\"; case \"$(\"$t\" --version 2>/dev/null </dev/null)\" in nativesync*) ;; *) f \"does not run programs (noexec), or the machine is of another kind\" ;; esac; "
            + "mv -f \"$t\" \"$d/$n\" || f \"cannot be renamed\"; "
            + clean
            + $"echo \"{Installed} $d/$n\"; exit 0");
    }

    /// <summary>The script as a command for any login shell.</summary>
    public static RemoteCommand Quote(string script)
    {
        if (script.AsSpan().IndexOfAny("'\n\\!") >= 0)
        {
            throw new ArgumentException("a character that some login shell would read differently", nameof(script));
        }

        return new RemoteCommand("sh -c '" + script + "'", ["sh", "-c", script], script);
    }
}
