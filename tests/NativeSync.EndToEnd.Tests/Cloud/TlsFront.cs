using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>HTTPS in front of the simulator, with a certificate of its own: what a proxy tunnels to, as it does to the real API.</summary>
internal sealed class TlsFront : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly int _target;
    private readonly Task _serving;

    public TlsFront(int target, string certificateFile)
    {
        _target = target;
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(certificateFile, _certificate.ExportCertificatePem());
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Endpoint => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _certificate.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> relays = [];
        try
        {
            while (true)
            {
                relays.Add(RelayAsync(await _listener.AcceptTcpClientAsync()));
            }
        }
        catch (SocketException)
        {
            await Task.WhenAll(relays);
        }
        catch (ObjectDisposedException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using TcpClient accepted = client, onward = new();
        try
        {
            await using SslStream secure = new(accepted.GetStream());
            await secure.AuthenticateAsServerAsync(_certificate);
            await onward.ConnectAsync(IPAddress.Loopback, _target);
            NetworkStream plain = onward.GetStream();
            await Task.WhenAny(secure.CopyToAsync(plain), plain.CopyToAsync(secure));
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away.
        }
    }
}
