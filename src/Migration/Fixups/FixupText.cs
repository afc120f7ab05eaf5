using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>A step as a person reads it.</summary>
public static class FixupText
{
    /// <summary>The lines, each with its line feed.</summary>
    public static string Of(FixupRecord record)
    {
        StringBuilder text = new();
        text.Append(record.Name).Append(": ").Append(record.Outcome);
        if (record.Why is { } why)
        {
            text.Append(": ").Append(why);
        }

        text.Append('\n');
        foreach (FixupChange change in record.Changes)
        {
            text.Append("  ").Append(change.File).Append(": ").Append(change.Reason).Append('\n');
            foreach (string line in change.Lines)
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        foreach (FixupCommand command in record.Commands)
        {
            text.Append("  ").Append(command.Reason).Append(command.Outside ? " (in the rescue system): " : " (in the root): ");
            text.Append(command.Script.Contains('\n', StringComparison.Ordinal) ? "a script" : command.Script);
            text.Append(command.ExitCode is { } code and not 0 ? $" -> exit code {code}" : "").Append('\n');
            foreach (string line in command.Output?.Split('\n') ?? [])
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        foreach (string warning in record.Warnings)
        {
            text.Append("  warning: ").Append(warning).Append('\n');
        }

        return text.ToString();
    }
}
