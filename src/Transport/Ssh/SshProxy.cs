using NativeSync.Engine;
using Renci.SshNet;

namespace NativeSync.Transport;

/// <summary>A proxy that SSH connections are made through: HTTP with CONNECT, or SOCKS 5. With jumps, the first of them is what it connects to.</summary>
/// <param name="IsSocks">SOCKS 5 rather than HTTP.</param>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="User">Empty for no authentication.</param>
/// <param name="Password">Never printed.</param>
public sealed record SshProxy(bool IsSocks, string Host, int Port, string User, string Password)
{
    internal ProxyTypes Type => IsSocks ? ProxyTypes.Socks5 : ProxyTypes.Http;

    /// <summary>Reads <c>http://[user:password@]host:port</c> or <c>socks5://…</c>; in user and password <c>%xx</c> stands for a byte.</summary>
    /// <exception cref="TransportException">It is neither; exit code 1. The text is not repeated, since it may hold a password.</exception>
    public static SshProxy Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "socks5" or "socks5h") || uri.Host.Length == 0 || uri.Port <= 0 || uri.AbsolutePath is not ("" or "/"))
        {
            throw new TransportException(1, "the proxy for SSH is neither http://[user:password@]host:port nor socks5://[user:password@]host:port", "Correct it, or leave it out.");
        }

        string[] login = uri.UserInfo.Split(':', 2);
        return new SshProxy(uri.Scheme != "http", uri.IdnHost, uri.Port, Uri.UnescapeDataString(login[0]), login.Length > 1 ? Uri.UnescapeDataString(login[1]) : "");
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{(IsSocks ? "socks5" : "http")}://{Printable.Line(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}";
}
