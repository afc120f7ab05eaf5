using System.Text;
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
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public override string Name => "fix-up";

    public override string Title => "Make the copied system boot";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (context.Client.Fixups.Skip.Contains("all"))
        {
            return "left out, as Client.Fixups.Skip says";
        }

        string agent = await context.System!.AgentPathAsync(ct).ConfigureAwait(false);
        string facts = FixupRecordJson.Text(Facts(context).Write);
        string root = Encoding.UTF8.GetString(context.Places![0]);
        string script = $$"""
            f=$(mktemp 2>/dev/null) || f={{Shell.Quote(agent + ".facts")}}
            (umask 077; printf %s {{Shell.Quote(facts)}} >"$f") || exit 1
            {{Shell.Quote(agent)}} fixup --root {{Shell.Quote(root)}} --json --facts "$f" </dev/null
            s=$?; rm -f "$f"; exit $s
            """;
        Task<RescueCommandResult> running = context.System.RunAsync(script, ct);
        long begin = context.Time.GetTimestamp();
        while (await Task.WhenAny(running, Task.Delay(Pause, context.Time, ct)).ConfigureAwait(false) != running)
        {
            ct.ThrowIfCancellationRequested();
            context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), "in the rescue system");
        }

        return Judge(context, await running.ConfigureAwait(false));
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

    private static string Judge(RunContext context, RescueCommandResult result)
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
        context.Save();
        foreach (FixupRecord record in records)
        {
            foreach (string warning in record.Warnings)
            {
                context.Observer.Warn($"{record.Name}: {warning}");
            }
        }

        FixupRecord? failed = records.Find(static r => r.Outcome == FixupOutcomes.Failed);
        if (failed is not null || result.ExitCode != 0 || records.Count == 0)
        {
            // What the user mends at the source must be carried: the next run begins with another pass.
            foreach (StepRecord step in context.State.Steps.Where(static s => s.Name is "transfer" or "verify"))
            {
                step.DoneAt = null;
            }

            context.Save();
            throw failed is not null
                ? new MigrationException($"the copied system would not boot: {failed.Name}: {failed.Why}", "docs/boot.md tells what the step needs; mend it and run the tool again, or leave the step out by Client.Fixups.Skip")
                : new MigrationException($"the fix-ups could not be run in the rescue system: {(result.Error.Trim() is { Length: > 0 } error ? error : $"exit code {result.ExitCode}")}", "run the tool again, or leave them out by \"Client.Fixups.Skip\": [\"all\"]");
        }

        List<string> changed = [.. records.Where(static r => r.Outcome is FixupOutcomes.Changed or FixupOutcomes.Warned or FixupOutcomes.Planned).Select(static r => r.Name)];
        string which = changed.Count == 0 ? "nothing was to be changed" : string.Join(", ", changed);
        return records.Exists(static r => r.Outcome == FixupOutcomes.Planned) ? $"only looked at, the destination is no disk: {which}" : which;
    }
}
