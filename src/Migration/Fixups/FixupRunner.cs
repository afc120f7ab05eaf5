namespace NativeSync.Migration.Fixups;

/// <summary>Runs commands for the steps.</summary>
internal interface IRootShell
{
    /// <summary>Runs a script by /bin/sh.</summary>
    /// <param name="script">The script; it reads nothing.</param>
    /// <param name="outside">In the rescue system, with the root's path in $ROOT, and not inside the root.</param>
    /// <returns>The exit code, -1 when it could not be started, and what it printed, one character a byte.</returns>
    (int ExitCode, string Output) Run(string script, bool outside);
}

/// <summary>
/// Carries the steps out, each in turn: what it plans is written (the source's state put away first), then its commands are
/// run. Without a shell nothing is written or run: a dry run.
/// </summary>
internal sealed class FixupRunner(IRootTree tree, FixupFacts facts, IRootShell? shell)
{
    private const int MostLines = 20;

    private readonly PlannedTree _planned = new(tree);
    private readonly FixupProgress _progress = new();

    /// <summary>Runs the steps until one fails without which the system does not boot.</summary>
    /// <param name="steps">In order.</param>
    /// <param name="told">Given each record as soon as its step is done.</param>
    /// <returns>Whether none failed so.</returns>
    public bool Run(IReadOnlyList<IFixup> steps, Action<FixupRecord> told)
    {
        foreach (IFixup step in steps)
        {
            FixupContext context = new(_planned, facts, _progress);
            context.Record.Name = step.Name;
            if (IsLeftOut(step.Name))
            {
                (context.Record.Outcome, context.Record.Why) = (FixupOutcomes.Skipped, "left out by the configuration");
            }
            else
            {
                Run(step, context);
            }

            told(context.Record);
            if (context.Record.Outcome == FixupOutcomes.Failed)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsLeftOut(string name)
        => facts.Skip.Contains(name) || facts.Skip.Contains("all") || (facts.Only.Count > 0 && !facts.Only.Contains(name));

    private void Run(IFixup step, FixupContext context)
    {
        FixupRecord record = context.Record;
        try
        {
            step.Plan(context);
            if (record.Outcome == FixupOutcomes.Failed)
            {
                return;
            }

            Write();
            bool good = true;
            while (good && context.Commands.TryDequeue(out RootCommand? command))
            {
                good = Run(command, context);
                Write();
            }

            if (record.Outcome.Length == 0)
            {
                bool busy = record.Changes.Count > 0 || record.Commands.Count > 0;
                record.Outcome = shell is null && busy ? FixupOutcomes.Planned : record.Warnings.Count > 0 ? FixupOutcomes.Warned : busy ? FixupOutcomes.Changed : FixupOutcomes.Unchanged;
            }
        }
        catch (IOException e)
        {
            (record.Outcome, record.Why) = (FixupOutcomes.Failed, e.Message);
        }

        void Write()
        {
            if (shell is not null)
            {
                _planned.Commit();
            }
        }
    }

    /// <returns>Whether the step may go on.</returns>
    private bool Run(RootCommand command, FixupContext context)
    {
        FixupCommand record = new() { Script = command.Script, Reason = command.Reason, Outside = command.Outside };
        context.Record.Commands.Add(record);
        if (shell is null)
        {
            return true;
        }

        (int code, string output) = shell.Run(command.Script, command.Outside);
        record.ExitCode = code;
        string? complaint = code == 0 ? command.Judge?.Invoke(tree) : $"exit code {code}";
        if (complaint is null)
        {
            return true;
        }

        record.Output = output.Length == 0 ? null : string.Join('\n', output.TrimEnd().Split('\n').TakeLast(MostLines).Select(FixupContext.Shown));
        if (command.Otherwise is { } otherwise)
        {
            otherwise(context);
            return true;
        }

        string why = $"{command.Reason}: {complaint}{(record.Output is { } said ? ": " + said[(said.LastIndexOf('\n') + 1)..] : "")}";
        if (command.Vital)
        {
            (context.Record.Outcome, context.Record.Why) = (FixupOutcomes.Failed, why);
            return false;
        }

        context.Warn(why);
        return true;
    }
}
