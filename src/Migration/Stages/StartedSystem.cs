using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// The look at the started system: a script that runs in it, by SSH or by the cloud's agent, and what its answer means.
/// It answers one fact a line, a word and a text.
/// </summary>
internal static class StartedSystem
{
    /// <summary>The fix-ups leave here which migration the disk comes from.</summary>
    public const string MarkerFile = "var/lib/nativesync/migration";

    /// <summary>Waits until the boot has ended; the agent of the cloud stops a script after a minute.</summary>
    private const string Script = """
        PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
        export PATH LC_ALL
        state=
        if command -v systemctl >/dev/null 2>&1; then
          n=0
          while [ $n -lt 24 ]; do
            state=$(systemctl is-system-running 2>/dev/null)
            case $state in initializing|starting) n=$((n+1)); sleep 2;; *) break;; esac
          done
        fi
        release=$( (. /etc/os-release && echo "$PRETTY_NAME") 2>/dev/null || head -n 1 /etc/redhat-release /etc/SuSE-release 2>/dev/null)
        echo "release $release"
        echo "kernel $(uname -sr)"
        echo "state ${state:-unknown}"
        echo "marker $(cat /var/lib/nativesync/migration 2>/dev/null)"
        systemctl --failed --no-legend --plain 2>/dev/null | while read -r unit _; do echo "failed $unit"; done
        ip -o address show scope global 2>/dev/null | while read -r _ name _ address _; do echo "address $address on $name"; done
        ip route show default 2>/dev/null | head -n 1 | while read -r line; do echo "route $line"; done
        for m in "$@"; do
          found=missing
          while read -r _ point _; do if [ "$point" = "$m" ]; then found=mounted; fi; done </proc/mounts
          echo "$found $m"
        done

        """;

    /// <summary>The script for the data disks of a migration.</summary>
    public static string ScriptFor(MigrationState state)
    {
        IEnumerable<string> mounts = state.Verified.Where(static v => v.Index > 0).Select(static v => v.MountPoint).Distinct();
        return $"set -- {string.Join(' ', mounts.Select(Shell.Quote))}\n{Script}";
    }

    /// <summary>The marker of a migration.</summary>
    public static string Marker(MigrationState state) => FormattableString.Invariant($"{state.InstanceId} {state.Began:yyyy-MM-ddTHH:mm:ssZ}");

    /// <summary>Keeps the answer for the report, and warns of what is wrong with it.</summary>
    /// <returns>The outcome of the step.</returns>
    /// <exception cref="MigrationException">It is another system that has started.</exception>
    public static string Judge(RunContext context, string answer)
    {
        List<string> lines = [.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => Engine.ByteText.Escape(System.Text.Encoding.UTF8.GetBytes(l.Trim())))];
        context.State.Started = lines;
        bool marked = context.State.Fixups.Exists(static f => f.Name == "marker");
        if (marked && Value(lines, "marker") is { } marker && marker != Marker(context.State))
        {
            throw new MigrationException(
                $"another system has started than the one that was copied: {Value(lines, "release")}, marked \"{marker}\"",
                "see in the console which disk the instance boots from, then run the tool again");
        }

        string state = Value(lines, "state") ?? "unknown";
        string[] failed = [.. All(lines, "failed")], missing = [.. All(lines, "missing")];
        if (failed.Length > 0)
        {
            context.Observer.Warn($"units that failed in the started system: {string.Join(", ", failed)}; see them there by systemctl status");
        }
        else if (state is not ("running" or "unknown"))
        {
            context.Observer.Warn($"the started system is {state}");
        }

        foreach (string mount in missing)
        {
            context.Observer.Warn($"{mount} is not mounted in the started system; see /etc/fstab there");
        }

        string mounted = string.Join(", ", All(lines, "mounted").Select(static m => m + " mounted"));
        return lines.Exists(static l => l.StartsWith("release ", StringComparison.Ordinal))
            ? $"{Value(lines, "release")}, {Value(lines, "kernel")}, {state}{(mounted.Length > 0 ? ", " + mounted : "")}{(failed.Length > 0 ? ", failed: " + string.Join(", ", failed) : "")}"
            : $"it says: {string.Join(", ", lines)}";
    }

    /// <summary>Whether what answers is the source's copy, by its host key.</summary>
    public static bool IsCopy(SourceIdentity? source, string hostKey)
        => source is null || source.HostKeys.Count == 0 || source.HostKeys.Exists(k => hostKey.StartsWith(k, StringComparison.Ordinal));

    private static string? Value(List<string> lines, string word) => All(lines, word).FirstOrDefault();

    private static IEnumerable<string> All(List<string> lines, string word)
    {
        foreach (string line in lines)
        {
            if (line.StartsWith(word, StringComparison.Ordinal) && (line.Length == word.Length || line[word.Length] == ' '))
            {
                yield return line.Length == word.Length ? "" : line[(word.Length + 1)..];
            }
        }
    }
}
