using System.Globalization;

namespace NativeSync.Migration.Source;

/// <summary>By what the started copy of a server is known. Nothing of it is secret.</summary>
public sealed class SourceIdentity
{
    /// <summary>Public host keys, each as "type base64".</summary>
    public List<string> HostKeys { get; set; } = [];

    /// <summary>The ports that sshd's configuration names; empty where it names none.</summary>
    public List<int> SshPorts { get; set; } = [];

    /// <summary>Whether there is an SSH server: without one nothing can answer.</summary>
    public bool HasSshServer { get; set; }

    /// <summary>Looks below a root.</summary>
    public static SourceIdentity Read(string root)
    {
        SourceIdentity identity = new();
        string directory = Path.Join(root, "etc/ssh");
        try
        {
            foreach (string file in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
            {
                string name = Path.GetFileName(file);
                if (name.StartsWith("ssh_host_", StringComparison.Ordinal) && name.EndsWith(".pub", StringComparison.Ordinal) && Lines(file) is [var line, ..] && line.Split(' ') is [var type, var key, ..])
                {
                    identity.HostKeys.Add($"{type} {key.Trim()}");
                }
            }

            string included = Path.Join(directory, "sshd_config.d");
            foreach (string file in (IEnumerable<string>)[Path.Join(directory, "sshd_config"), .. Directory.Exists(included) ? Directory.EnumerateFiles(included, "*.conf") : []])
            {
                identity.HasSshServer |= File.Exists(file);
                identity.SshPorts.AddRange(Ports(Lines(file)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No SSH server here.
        }

        return identity;
    }

    /// <summary>Port lines outside Match blocks (sshd_config(5)).</summary>
    internal static IEnumerable<int> Ports(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] words = line.Split([' ', '\t', '='], StringSplitOptions.RemoveEmptyEntries);
            if (words is [var match, ..] && match.Equals("Match", StringComparison.OrdinalIgnoreCase))
            {
                yield break;
            }

            if (words is [var word, var number, ..] && word.Equals("Port", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and < 65536)
            {
                yield return port;
            }
        }
    }

    private static string[] Lines(string file) => File.Exists(file) ? File.ReadAllLines(file) : [];
}
