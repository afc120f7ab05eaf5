using Microsoft.Extensions.Logging;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>
/// Decides whether the key that a server shows belongs to the host that we meant.
/// </summary>
/// <remarks>
/// Stricter than OpenSSH in one respect: under accept-new, a host that is known by keys of other types only is refused,
/// since whoever stands in between could otherwise offer a type that was never seen.
/// </remarks>
internal sealed class HostKeyJudge
{
    private readonly string _name;
    private readonly HostKeyCheck _check;
    private readonly HostKey? _pinned;
    private readonly IReadOnlyList<string> _userFiles;
    private readonly Func<HostKeyQuestion, bool>? _confirm;
    private readonly ILogger? _logger;
    private readonly List<KnownHost> _known = [];

    /// <param name="host">The host as the user means it (after HostName, before any jump).</param>
    /// <param name="userFiles">The user's files; the first one takes new keys.</param>
    /// <param name="systemFiles">Files that are only read.</param>
    /// <exception cref="TransportException">A file cannot be read, or the pinned key makes no sense.</exception>
    public HostKeyJudge(string host, int port, HostKeyCheck check, IReadOnlyList<string> userFiles,
        IReadOnlyList<string> systemFiles, string? pinned, Func<HostKeyQuestion, bool>? confirm, ILogger? logger)
    {
        _name = KnownHostsFile.NameOf(host, port);
        _check = check;
        _userFiles = userFiles;
        _confirm = confirm;
        _logger = logger;
        if (pinned is not null)
        {
            _pinned = HostKey.Parse(pinned) ?? throw new TransportException(1, $"the host key kept for {Printable.Line(host)} is damaged",
                "It reads 'type base64'; remove it to take the key on first use again.");
            return;
        }

        foreach (string file in userFiles.Concat(systemFiles))
        {
            try
            {
                _known.AddRange(KnownHostsFile.Read(file).Where(entry => entry.IsAbout(_name)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TransportException(255, $"known hosts file {Printable.Line(file)} cannot be read: {Printable.Line(e.Message)}",
                    "Make it readable, or name another one with --known-hosts.", e);
            }
        }
    }

    /// <summary>Key types that we know of this host: the server is asked for these first.</summary>
    public IReadOnlyList<string> KnownTypes => _pinned is not null
        ? [_pinned.Type]
        : [.. _known.Where(static k => k.Marker == HostMarker.None).Select(static k => k.Key.Type).Distinct()];

    /// <summary>Null when the key is accepted, else why not. Writes a newly accepted key down.</summary>
    public TransportException? Judge(HostKey shown)
    {
        string host = Printable.Line(_name);
        string offered = $"{shown.ShortType} key {shown.Fingerprint}";
        if (_pinned is not null)
        {
            return _pinned.Equals(shown) ? null : Refuse(
                $"host key of {host} has changed: it shows the {offered}, the one kept for it is {_pinned.ShortType} {_pinned.Fingerprint}",
                "Somebody may be in between, or the machine was installed anew. Make sure before you remove the kept key.");
        }

        if (_known.Find(k => k.Marker == HostMarker.Revoked && k.Key.Equals(shown)) is { } revoked)
        {
            return Refuse($"host {host} shows the {offered}, which {revoked.Place} marks as revoked",
                "Do not connect: the key is known to be in wrong hands.");
        }

        if (_known.Exists(k => k.Marker == HostMarker.None && k.Key.Equals(shown)))
        {
            return null;
        }

        KnownHost? changed = _known.Find(k => k.Marker == HostMarker.None && k.Key.Type == shown.Type)
            ?? _known.Find(static k => k.Marker == HostMarker.None);
        if (changed is not null)
        {
            return JudgeChanged(changed, shown, host, offered);
        }

        return JudgeUnknown(shown, host, offered);
    }

    private TransportException? JudgeChanged(KnownHost changed, HostKey shown, string host, string offered)
    {
        bool sameType = changed.Key.Type == shown.Type;
        string what = sameType
            ? $"host key of {host} has changed: it shows the {offered}, {Printable.Line(changed.Place)} says {changed.Key.ShortType} {changed.Key.Fingerprint}"
            : $"host {host} shows the unknown {offered}, {Printable.Line(changed.Place)} knows it by {changed.Key.ShortType} {changed.Key.Fingerprint}";
        if (_check == HostKeyCheck.No)
        {
            _logger?.LogWarning("{What}; taken all the same, since host keys are not checked", what);
            return null;
        }

        return Refuse(what,
            $"Somebody may be in between, or the machine was installed anew. Once you are sure, run: ssh-keygen -f '{Printable.Line(changed.File)}' -R '{host}'");
    }

    private TransportException? JudgeUnknown(HostKey shown, string host, string offered)
    {
        bool authority = _known.Exists(static k => k.Marker == HostMarker.CertAuthority);
        switch (_check)
        {
            case HostKeyCheck.No:
                _logger?.LogWarning("host {Host} is not known; its {Key} was taken, since host keys are not checked", host, offered);
                return null;

            case HostKeyCheck.AcceptNew:
                Remember(shown, host);
                return null;

            default:
                if (_confirm is not null && _confirm(new HostKeyQuestion(host, shown.ShortType, shown.Fingerprint)))
                {
                    Remember(shown, host);
                    return null;
                }

                return Refuse(
                    authority
                        ? $"host {host} is known by a certificate authority only, which is not supported; it shows the {offered}"
                        : $"host {host} is not known: it shows the {offered}",
                    "Compare the fingerprint with the host's own ('ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub' there), "
                    + "then use --host-key-check=accept-new once, or add the key to known_hosts.");
        }
    }

    private static TransportException Refuse(string message, string hint)
        => new(SshErrors.ConnectionFailed, message, hint) { Fault = TransportFault.HostKey };

    private void Remember(HostKey shown, string host)
    {
        if (_userFiles.Count == 0)
        {
            return;
        }

        try
        {
            KnownHostsFile.Append(_userFiles[0], _name, shown);
            _logger?.LogWarning("host {Host} was not known; its {Type} key {Fingerprint} is now in {File}", host, shown.ShortType, shown.Fingerprint, Printable.Line(_userFiles[0]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger?.LogWarning("the key of {Host} could not be added to {File}: {Reason}", host, Printable.Line(_userFiles[0]), Printable.Line(e.Message));
        }
    }
}
