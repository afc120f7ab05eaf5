using System.Text;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>Splits the command of <c>-e</c> as rsync(1) says: at spaces, with single and double quotes; a doubled quote inside quotes is one.</summary>
public static class CommandSplitter
{
    /// <exception cref="TransportException">A quote is not closed, or the command is empty; exit code 1.</exception>
    public static IReadOnlyList<string> Split(string command)
    {
        ArgumentNullException.ThrowIfNull(command);
        var words = new List<string>();
        StringBuilder? word = null;
        for (int i = 0; i < command.Length; i++)
        {
            char c = command[i];
            if (c is '\'' or '"')
            {
                word ??= new StringBuilder();
                for (i++; ; i++)
                {
                    if (i >= command.Length)
                    {
                        throw new TransportException(1, $"a {c} is not closed in the remote shell command: {Printable.Line(command)}", "Close it.");
                    }

                    if (command[i] != c)
                    {
                        word.Append(command[i]);
                    }
                    else if (i + 1 < command.Length && command[i + 1] == c)
                    {
                        word.Append(c);
                        i++;
                    }
                    else
                    {
                        break;
                    }
                }
            }
            else if (c == ' ')
            {
                if (word is not null)
                {
                    words.Add(word.ToString());
                    word = null;
                }
            }
            else
            {
                (word ??= new StringBuilder()).Append(c);
            }
        }

        if (word is not null)
        {
            words.Add(word.ToString());
        }

        return words.Count > 0 ? words : throw new TransportException(14, "the remote shell command is empty", "Give one, e.g. -e ssh.");
    }
}
