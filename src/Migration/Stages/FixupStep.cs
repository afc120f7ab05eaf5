using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Fixups;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Makes the copied system boot: the agent in the rescue system runs `nativesync fixup` on the mounted disks. A destination
/// that is a directory (a rehearsal's) is only looked at.
/// </summary>
internal sealed class FixupStep : Step
{
    /// <summary>How long a look waits for the end, at most.</summary>
    private const int LookSeconds = 15;

    /// <summary>What a look ends with when the fix-ups have not.</summary>
    internal const int NotYet = 75;

    /// <summary>
    /// They run apart from the connection, and each look asks for their end, so that the line may be cut at any time: the first look
    /// begins them, the others find what it began, and what they said is kept until it was heard. What a run left that was killed is
    /// waited for, and counts when it was of the same pass and asked for the same; what was killed itself is begun again, twice at most.
    /// </summary>
    /// <remarks>
    /// A process is its number and the time of its start, since numbers are given again; it notes them itself, so that none runs
    /// unknown, the agent as well as who waits for it. Who waits begins none: the script of a line that was cut waits on, and finds them gone
    /// once the answer has reached the client by another. The room for its exit code is had before it begins, as what they say may use up all there is.
    /// </remarks>
    internal const string Script = """
        umask 077
        exec 3>&2 2>/dev/null
        d=$agent.fixup boot=$(cat /proc/sys/kernel/random/boot_id) n=0 dead=0 begin=1
        who() { read -r s <"/proc/$1/stat" && set -- "${s%% *}" ${s##*) } && [ "$2" != Z ] && echo "$1 ${21}"; }
        runs() { read -r pid since <"$1" && [ "$(who "$pid")" = "$pid $since" ]; }
        alive() { [ "$(cat "$d/boot")" = "$boot" ] && { runs "$d/pid" || runs "$d/agent"; }; }
        same() { [ "$(cat "$d/key")" = "$key" ] && [ "$(cat "$d/facts")" = "$facts" ]; }
        while :; do
          if [ -n "$begin" ] && mkdir "$d"; then
            dead=0
            case $(cat "$d.begun") in
              ...*) rm -rf "$d"; echo "they were begun three times, and killed each time before they ended; is there memory and room enough?" >&3; exit 1 ;;
            esac
            if ! { echo "$boot" >"$d/boot" && printf %s "$key" >"$d/key" && printf %s "$facts" >"$d/facts" && echo "    " >"$d/ended" && printf . >>"$d.begun"; }; then
              rm -rf "$d"; echo "$d cannot be written: is there room?" >&3; exit 1
            fi
            (
              trap '' HUP
              who self >"$d/pid" || exit
              (who self >"$d/agent" && exec "$agent" fixup --root "$root" --json --facts "$d/facts") >"$d/out" 2>"$d/err"
              echo $? 1<>"$d/ended" && mv "$d/ended" "$d/end"
            ) </dev/null >/dev/null 3>&- &
          elif [ -e "$d/end" ]; then
            if same; then
              cat "$d/out"; cat "$d/err" >&3; exit $(cat "$d/end")
            fi
            rm -rf "$d" "$d.begun"
            continue
          elif alive; then
            dead=0
          elif [ ! -d "$d" ]; then
            [ -n "$begin" ] || exit 75
            echo "$d cannot be made" >&3; exit 1
          elif [ $dead -ge 10 ]; then
            # Not only between its beginning and its number, or its end and the word of it.
            if [ ! -e "$d/end" ]; then
              same || rm -f "$d.begun"
              rm -rf "$d"
            fi
            begin=1
            continue
          else
            dead=$((dead+1))
          fi
          begin=
          if [ $n -ge $looks ]; then exit 75; fi
          n=$((n+1)); sleep 0.3 || sleep 1
        done
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public override string Name => "fix-up";

    public override string Title => "Make the copied system boot";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (context.Client.Fixups.Skip.Contains("all"))
        {
            return "left out, as Client.Fixups.Skip says";
        }

        TimeSpan limit = TimeSpan.FromSeconds(LookSeconds);
        RescueCommandResult found = await context.AskAsync(Title, static async (system, stop) => new(0, await system.AgentPathAsync(stop).ConfigureAwait(false), ""), TimeSpan.Zero, ct).ConfigureAwait(false);
        string agent = found.Output;
        string facts = FixupRecordJson.Text(Facts(context).Write);
        int passes = context.State.Passes.Count == 0 ? 0 : context.State.Passes.Max(static p => p.Pass);
        string script = string.Create(CultureInfo.InvariantCulture, $"""
            agent={Shell.Quote(agent)}; root={Shell.Quote(Encoding.UTF8.GetString(context.Places![0]))}
            facts={Shell.Quote(facts)}; key={Shell.Quote(passes.ToString(CultureInfo.InvariantCulture))}
            looks={LookSeconds}

            """) + Script;
        long begin = context.Time.GetTimestamp();
        RescueCommandResult result;
        do
        {
            Task<RescueCommandResult> look = context.AskAsync(Title, (system, stop) => system.RunAsync(script, stop), limit, ct);
            while (await Task.WhenAny(look, Task.Delay(Pause, context.Time, ct)).ConfigureAwait(false) != look)
            {
                ct.ThrowIfCancellationRequested();
                context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), "in the rescue system");
            }

            result = await look.ConfigureAwait(false);
        }
        while (result.ExitCode == NotYet); // They live, and each of their commands has a time-out.

        Keep(context, result);
        await ForgetAsync(context, agent, limit, ct).ConfigureAwait(false);
        return Judge(context, result);
    }

    /// <summary>What they said is in the state now. That it stays behind harms nothing: the next fix-ups follow another pass.</summary>
    private static async Task ForgetAsync(RunContext context, string agent, TimeSpan limit, CancellationToken ct)
    {
        try
        {
            await context.AskAsync("fix-ups", (system, stop) => system.RunAsync($"rm -rf {Shell.Quote(agent + ".fixup")} {Shell.Quote(agent + ".fixup.begun")}", stop), limit, ct).ConfigureAwait(false);
        }
        catch (TransportException e)
        {
            context.Log.Debug(e.Message);
        }
    }

    private static FixupFacts Facts(RunContext context)
    {
        FixupSettings settings = context.Client.Fixups;
        FixupFacts facts = new()
        {
            OnlyOnDisk = true,
            Skip = [.. settings.Skip],
            Only = [.. settings.Only],
            Before = settings.Before,
            After = settings.After,
            Hostname = settings.Hostname,
            NewMachineId = settings.NewMachineId,
            NewHostKeys = settings.NewHostKeys,
            Marker = StartedSystem.Marker(context.State),
        };
        facts.SwapFiles.AddRange(context.SwapFiles);
        facts.Shared.AddRange(context.Plan![0].Shared);
        if (context.State.Disks.Find(static d => d.SwapUuid is not null)?.SwapUuid is { } swap)
        {
            facts.FileSystems.Add(new FixupFileSystem { MountPoint = "swap", Uuid = swap, Type = "swap" });
        }

        string prefix = context.Client.SourceRoot == "/" ? "" : context.Client.SourceRoot;
        for (int i = 0; i < context.Plan!.Count; i++)
        {
            PlannedFileSystem fs = context.Plan[i];
            facts.FileSystems.Add(new FixupFileSystem { MountPoint = fs.MountPoint, Path = Encoding.UTF8.GetString(context.Places![i]) });
            foreach (string mount in fs.Mounts)
            {
                // What had a file system of its own and is part of another now.
                string point = mount.Length > prefix.Length ? mount[prefix.Length..] : "/";
                if (point != fs.MountPoint)
                {
                    facts.Folded.Add(point);
                }
            }
        }

        return facts;
    }

    /// <summary>Takes what they said into the state.</summary>
    private static void Keep(RunContext context, RescueCommandResult result)
    {
        List<FixupRecord> records = [];
        foreach (string line in result.Output.Split('\n'))
        {
            if (line.StartsWith('{') && FixupRecordJson.Parse(line) is { } record)
            {
                records.Add(record);
                context.Log.Info($"fix-up {FixupText.Of(record).TrimEnd()}");
            }
        }

        context.State.Fixups = records;
        if (HasFailed(records, result))
        {
            // What the user mends at the source must be carried: the next run begins with another pass.
            foreach (StepRecord step in context.State.Steps.Where(static s => s.Name is "transfer" or "verify"))
            {
                step.DoneAt = null;
            }
        }

        context.Save();
    }

    private static bool HasFailed(List<FixupRecord> records, RescueCommandResult result)
        => records.Count == 0 || result.ExitCode != 0 || records.Exists(static r => r.Outcome == FixupOutcomes.Failed);

    private static string Judge(RunContext context, RescueCommandResult result)
    {
        List<FixupRecord> records = context.State.Fixups;
        foreach (FixupRecord record in records)
        {
            foreach (string warning in record.Warnings)
            {
                context.Observer.Warn($"{record.Name}: {warning}");
            }
        }

        FixupRecord? failed = records.Find(static r => r.Outcome == FixupOutcomes.Failed);
        if (HasFailed(records, result))
        {
            throw failed is not null
                ? new MigrationException($"the copied system would not boot: {failed.Name}: {failed.Why}", "docs/boot.md tells what the step needs; mend it and run the tool again, or leave the step out by Client.Fixups.Skip")
                : new MigrationException($"the fix-ups could not be run in the rescue system: {(result.Error.Trim() is { Length: > 0 } error ? error : $"exit code {result.ExitCode}")}", "run the tool again, or leave them out by \"Client.Fixups.Skip\": [\"all\"]");
        }

        List<string> changed = [.. records.Where(static r => r.Outcome is FixupOutcomes.Changed or FixupOutcomes.Warned or FixupOutcomes.Planned).Select(static r => r.Name)];
        string which = changed.Count == 0 ? "nothing was to be changed" : string.Join(", ", changed);
        return records.Exists(static r => r.Outcome == FixupOutcomes.Planned) ? $"only looked at, the destination is no disk: {which}" : which;
    }
}
