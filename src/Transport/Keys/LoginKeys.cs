using Microsoft.Extensions.Logging;
using NativeSync.Engine;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>Collects the keys to offer: those asked for, then the agent's, then the default files.</summary>
internal sealed class LoginKeys(ResolvedHost host, SshOptions options)
{
    private readonly List<string> _notes = [];

    /// <summary>What became of each key, for the error when none was accepted; escaped.</summary>
    public IReadOnlyList<string> Notes => _notes;

    public void Note(string note) => _notes.Add(note);

    /// <exception cref="TransportException">A key that was named on the command line does not exist or is none.</exception>
    public List<LoginKey> Collect()
    {
        var result = new List<LoginKey>();
        var seen = new HashSet<HostKey>();
        SshAgentClient? agent = host.AgentSocket is { } socket ? new SshAgentClient(socket) : null;
        List<AgentIdentity> held = ListAgent(agent);

        foreach (string path in host.Identities)
        {
            AddFile(path, explicitly: options.IdentityFiles.Contains(path), agent, held, seen, result);
        }

        if (!host.IdentitiesOnly)
        {
            foreach (AgentIdentity identity in held)
            {
                AddAgentKey(agent!, identity, seen, result);
            }
        }

        foreach (string path in host.FallbackIdentities)
        {
            AddFile(path, explicitly: false, agent, held, seen, result);
        }

        return result;
    }

    private List<AgentIdentity> ListAgent(SshAgentClient? agent)
    {
        try
        {
            return agent?.List() ?? [];
        }
        catch (IOException e)
        {
            _notes.Add(Printable.Line(e.Message));
            return [];
        }
    }

    private static void AddAgentKey(SshAgentClient agent, AgentIdentity identity, HashSet<HostKey> seen, List<LoginKey> result)
    {
        if (seen.Add(identity.Key))
        {
            string label = Printable.Line($"agent key {identity.Key.ShortType} {identity.Comment}");
            result.Add(new LoginKey(label, identity.Key, Quiet: false, () => identity.Key, (algorithm, data) => agent.Sign(identity.Key, algorithm, data)));
        }
    }

    private void AddFile(string path, bool explicitly, SshAgentClient? agent, List<AgentIdentity> held, HashSet<HostKey> seen, List<LoginKey> result)
    {
        string label = Printable.Line(path);
        KeyFile file;
        try
        {
            file = KeyFile.Read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SshException)
        {
            string why = e is FileNotFoundException or DirectoryNotFoundException ? "does not exist" : $"cannot be used: {Printable.Line(e.Message)}";
            if (explicitly)
            {
                throw new TransportException(1, $"private key {label} {why}", "Name the private key file, the one without '.pub'.", e);
            }

            _notes.Add($"{label} {why}");
            return;
        }

        // The agent can sign without a passphrase.
        if (file.PublicKey is { } known && held.Find(identity => identity.Key.Equals(known)) is { } inAgent)
        {
            AddAgentKey(agent!, inAgent, seen, result);
            return;
        }

        if (!file.HasPrivateKey)
        {
            _notes.Add($"{label} is a public key, and no agent holds its private half");
            return;
        }

        if (IsOpenToOthers(path))
        {
            _notes.Add($"{label} was passed over: others may read it (chmod 600)");
            options.Logger?.LogWarning("private key {File} was passed over: others may read it (chmod 600)", label);
            return;
        }

        if (file.Encrypted && options.PassphraseProvider is null)
        {
            _notes.Add($"{label} is encrypted, and there is nobody to ask for its passphrase");
            return;
        }

        if (file.PublicKey is { } publicKey && !seen.Add(publicKey))
        {
            return;
        }

        HostKey? Open() => OpenFile(file, label);
        if (KeyFile.ReadPublic(path + "-cert.pub") is { } certificate)
        {
            result.Add(new LoginKey(label + " (certificate)", certificate, Quiet: !file.Encrypted, Open, file.Sign));
        }

        foreach (string named in host.Certificates)
        {
            if (KeyFile.ReadPublic(named) is { } other)
            {
                result.Add(new LoginKey(Printable.Line(named), other, Quiet: !file.Encrypted, Open, file.Sign));
            }
        }

        result.Add(new LoginKey(label, file.PublicKey, Quiet: !file.Encrypted, Open, file.Sign));
    }

    private HostKey? OpenFile(KeyFile file, string label)
    {
        string? last = null;
        for (int attempt = 0; attempt < (file.Encrypted ? options.MaxPrompts : 1); attempt++)
        {
            string? passphrase = null;
            if (file.Encrypted)
            {
                passphrase = options.PassphraseProvider!($"Passphrase for {label}: ");
                if (passphrase is null || passphrase == last)
                {
                    break;
                }

                last = passphrase;
            }

            try
            {
                file.Open(passphrase);
                return file.PublicKeyOfOpened();
            }
            catch (SshException e)
            {
                if (!file.Encrypted)
                {
                    _notes.Add($"{label}: {Printable.Line(e.Message)}");
                    return null;
                }
            }
        }

        _notes.Add($"{label}: no right passphrase was given");
        return null;
    }

    /// <summary>OpenSSH's rule: a private key of ours that group or others may read is not used.</summary>
    private static bool IsOpenToOthers(string path)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        return (File.GetUnixFileMode(path) & others) != 0;
    }
}
