using Microsoft.Extensions.Logging;

namespace NativeSync.Transport;

/// <summary>What to do about a host key that no file knows.</summary>
public enum HostKeyCheck
{
    /// <summary>Refuse it, unless <see cref="SshOptions.ConfirmHostKey"/> says otherwise. A changed key is always refused.</summary>
    Yes,

    /// <summary>Take an unknown key and write it down; a changed key is refused.</summary>
    AcceptNew,

    /// <summary>Take any key, and warn. Only for networks where nobody else can answer.</summary>
    No,
}

/// <summary>A host key that is not known yet, for the user to judge.</summary>
/// <param name="Host">The host as known_hosts names it, e.g. <c>[host]:2222</c>.</param>
/// <param name="KeyType">E.g. <c>ssh-ed25519</c>.</param>
/// <param name="Fingerprint">E.g. <c>SHA256:…</c>.</param>
public sealed record HostKeyQuestion(string Host, string KeyType, string Fingerprint);

/// <summary>
/// How to connect. Whatever is null comes from <c>~/.ssh/config</c>, then from OpenSSH's defaults.
/// The callbacks may be called on any thread, and may take as long as a person needs.
/// </summary>
public sealed record SshOptions
{
    /// <summary>Private keys given explicitly; tried before all others.</summary>
    public IReadOnlyList<string> IdentityFiles { get; init; } = [];

    /// <summary>Try nothing but the configured keys: neither other keys of the agent nor the default files.</summary>
    public bool? IdentitiesOnly { get; init; }

    /// <summary>The agent's socket; null for <c>SSH_AUTH_SOCK</c>, empty for no agent.</summary>
    public string? AgentSocket { get; init; }

    /// <summary>Asked for a password with a prompt; null when the user gave none. Null: no password is tried.</summary>
    public Func<string, string?>? PasswordProvider { get; init; }

    /// <summary>Asked for the passphrase of a private key with a prompt. Null: encrypted keys are passed over.</summary>
    public Func<string, string?>? PassphraseProvider { get; init; }

    /// <summary>
    /// Asked each question of keyboard-interactive authentication: the prompt, and whether the answer may be shown.
    /// Null: hidden questions go to <see cref="PasswordProvider"/>.
    /// </summary>
    public Func<string, bool, string?>? InteractiveProvider { get; init; }

    /// <summary>How often a password or a passphrase is asked for before giving up.</summary>
    public int MaxPrompts { get; init; } = 3;

    /// <summary>What to do about unknown host keys.</summary>
    public HostKeyCheck? HostKeyCheck { get; init; }

    /// <summary>Asked about an unknown key under <see cref="HostKeyCheck.Yes"/>; true accepts it and writes it down.</summary>
    public Func<HostKeyQuestion, bool>? ConfirmHostKey { get; init; }

    /// <summary>The one key to accept, <c>type base64</c>; known_hosts is not looked at then.</summary>
    public string? PinnedHostKey { get; init; }

    /// <summary>The user's known_hosts files, the first of which new keys are written to; empty for the configured or default ones.</summary>
    public IReadOnlyList<string> KnownHostsFiles { get; init; } = [];

    /// <summary>Whether the system's known_hosts files count beside them.</summary>
    public bool UseSystemKnownHosts { get; init; } = true;

    /// <summary>The configuration file; null for <c>~/.ssh/config</c> and <c>/etc/ssh/ssh_config</c>, empty or "none" for none.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Limit for connecting, and for each answer of the server until logged in.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>4 or 6 to connect by that version of IP alone; 0 for either. The first jump is what is connected to.</summary>
    public int IpVersion { get; init; }

    /// <summary>Hosts to go through, <c>[user@]host[:port][,…]</c>; "none" overrides the configuration.</summary>
    public string? ProxyJump { get; init; }

    /// <summary>How to log in to the hosts that are gone through; null for in the same way, with the same answers.</summary>
    public SshOptions? Jump { get; init; }

    /// <summary>The proxy that leads out; null for none.</summary>
    public SshProxy? Proxy { get; init; }

    /// <summary>The home directory; null for <c>HOME</c>.</summary>
    public string? HomeDirectory { get; init; }

    /// <summary>
    /// Much may be sent: on a long line (40 ms) up to 512 KiB of messages that the server ignores go out during the login and until there is
    /// something to send, so that TCP's congestion window is open then.
    /// </summary>
    public bool PrimesWindow { get; init; }

    /// <summary>Ciphers in order of preference; null for AES-GCM first. For tests and measurements.</summary>
    public IReadOnlyList<string>? Ciphers { get; init; }

    /// <summary>Takes warnings, such as a host key that was accepted.</summary>
    public ILogger? Logger { get; init; }
}
