using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Api;

/// <summary>The HTTP side of the client: proxy, certificates, and what its failures mean.</summary>
internal static class ApiHttp
{
    /// <summary>A handler that goes through the configured proxy and through no other: the environment's proxies are not the guide's.</summary>
    public static SocketsHttpHandler CreateHandler(ClientSettings settings, string toolDirectory)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            AutomaticDecompression = DecompressionMethods.None,
        };
        if (settings.Proxy is { } proxy)
        {
            string host = proxy.Host.Contains(':', StringComparison.Ordinal) && !proxy.Host.StartsWith('[') ? $"[{proxy.Host}]" : proxy.Host;
            handler.UseProxy = true;
            handler.Proxy = new FixedProxy(new Uri($"http://{host}:{proxy.Port}"))
            {
                Credentials = proxy.User is null ? null : new NetworkCredential(proxy.User, proxy.Password),
            };
        }

        if (settings.ApiCaFile is { } file)
        {
            handler.SslOptions = TrustOnly(Path.Combine(toolDirectory, file));
        }

        return handler;
    }

    /// <summary>What a failure below HTTP means, and whether the request may have arrived.</summary>
    public static CloudException Translate(string action, Uri endpoint, ClientSettings settings, HttpRequestException e)
    {
        string proxy = settings.Proxy is { } p ? $" through the proxy {p.Host}:{p.Port}" : "";
        SocketException? socket = e.InnerException as SocketException ?? e.InnerException?.InnerException as SocketException;
        bool notSent = e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
        CallEffect effect = notSent ? CallEffect.None : CallEffect.Unknown;
        if (e.StatusCode is HttpStatusCode.ProxyAuthenticationRequired or HttpStatusCode.Unauthorized)
        {
            return RefusedByProxy(action, e);
        }

        if (e.HttpRequestError == HttpRequestError.ProxyTunnelError)
        {
            string status = e.StatusCode is { } code ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $", HTTP status {(int)code}") : "";
            return e.StatusCode is null or >= HttpStatusCode.InternalServerError
                ? new(action, CloudErrors.Proxy, $"{endpoint.Authority} cannot be reached{proxy}: the proxy cannot reach it{status}", "check the network of the proxy, and Client.Api.Endpoint", effect, null, e)
                : new(action, CloudErrors.Proxy, $"{endpoint.Authority} cannot be reached{proxy}: the proxy does not allow it{status}", "let the proxy allow CONNECT to that host, or check Client.Net.Proxy in client.json", effect, null, e);
        }

        (string what, string advice) = e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => ("the name cannot be resolved", "check DNS and the network of this machine"),
            HttpRequestError.SecureConnectionError => ("the certificate is not accepted", "check the clock and the CA certificates of this machine (Client.Api.CaFile gives others)"),
            _ => (socket?.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.TimedOut => "no answer to the connection",
                SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route",
                SocketError.ConnectionReset => "the connection was cut",
                _ => "the connection failed",
            }, settings.Proxy is null ? "check the network, or choose another Client.Net.Mode" : "check Client.Net.Proxy in client.json"),
        };
        return new(action, CloudErrors.Network, $"{endpoint.Authority} cannot be reached{proxy}: {what}", advice, effect, null, e);
    }

    /// <summary>The proxy does not accept the user.</summary>
    public static CloudException RefusedByProxy(string action, Exception? inner = null) => new(
        action, CloudErrors.Proxy, "the proxy refuses the user or password", "check Client.Net.Proxy.User and Client.Net.Proxy.Password in client.json", CallEffect.None, null, inner);

    private static SslClientAuthenticationOptions TrustOnly(string file)
    {
        X509Certificate2Collection roots = [];
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new ConfigException(ClientSettings.FileName, 0, "Client.Api.CaFile", $"\"{file}\" cannot be read as a PEM file of certificates");
        }

        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(roots);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }
}
