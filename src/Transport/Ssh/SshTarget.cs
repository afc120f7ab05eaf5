using System.Globalization;

namespace NativeSync.Transport;

/// <summary>Whom to connect to, as the user wrote it: the host may be an alias of <c>~/.ssh/config</c>.</summary>
/// <param name="Host">Name, address or alias.</param>
/// <param name="Port">TCP port; null for what the configuration says, else 22.</param>
/// <param name="User">Login name; null for what the configuration says, else the local user's.</param>
public sealed record SshTarget(string Host, int? Port = null, string? User = null)
{
    /// <summary>Reads <c>[user@]host[:port]</c>, <c>[user@][v6-address]:port</c> or <c>ssh://…</c>, as ProxyJump writes it; null when it is none.</summary>
    public static SshTarget? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.StartsWith("ssh://", StringComparison.OrdinalIgnoreCase))
        {
            text = text[6..].TrimEnd('/');
        }

        string? user = null;
        int at = text.LastIndexOf('@');
        if (at >= 0)
        {
            user = text[..at];
            text = text[(at + 1)..];
        }

        string host = text;
        string portText = "";
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0)
            {
                return null;
            }

            host = text[1..close];
            string rest = text[(close + 1)..];
            if (rest.Length > 0 && rest[0] != ':')
            {
                return null;
            }

            portText = rest.Length > 0 ? rest[1..] : "";
        }
        else if (text.IndexOf(':', StringComparison.Ordinal) is >= 0 and int colon && text.LastIndexOf(':') == colon)
        {
            host = text[..colon];
            portText = text[(colon + 1)..];
        }

        int? port = null;
        if (portText.Length > 0)
        {
            if (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > 65535)
            {
                return null;
            }

            port = number;
        }

        return host.Length == 0 || user is { Length: 0 } ? null : new SshTarget(host, port, user);
    }
}
