using Renci.SshNet;
using Renci.SshNet.Security;

namespace NativeSync.Transport;

/// <summary>A key to offer at login, and how to sign with it.</summary>
/// <param name="Label">For messages, escaped.</param>
/// <param name="Key">The public key or certificate to offer; null when opening the file must tell.</param>
/// <param name="Quiet">Signing asks nobody: no passphrase, no agent that may want a confirmation.</param>
/// <param name="Open">Makes the key ready to sign; returns what to offer. Null when the key is passed over.</param>
/// <param name="Sign">Signs by the named plain algorithm.</param>
internal sealed record LoginKey(string Label, HostKey? Key, bool Quiet, Func<HostKey?> Open, Func<string, byte[], byte[]> Sign)
{
    /// <summary>The key as SSH.NET wants it.</summary>
    /// <param name="offered">The public key or certificate.</param>
    /// <param name="serverVersion">The server's greeting.</param>
    public LoginSigner SignerFor(HostKey offered, string serverVersion)
    {
        (string offerAs, string signBy) = Algorithms(offered.Type, serverVersion);
        return new LoginSigner(this, offerAs, signBy, offered.Blob);
    }

    /// <summary>
    /// What to call the key and by what to sign. RSA: SHA-512 for OpenSSH since 7.2, SHA-256 for others that know RFC 8332
    /// (dropbear has no other), SHA-1 only where nothing else exists (OpenSSH of CentOS 6).
    /// </summary>
    private static (string OfferAs, string SignBy) Algorithms(string type, string serverVersion)
    {
        const string certificate = "-cert-v01@openssh.com";
        bool isCertificate = type.EndsWith(certificate, StringComparison.Ordinal);
        string plain = isCertificate ? type[..^certificate.Length] : type;
        if (plain == "ssh-rsa")
        {
            plain = RsaAlgorithmFor(serverVersion);
        }

        return (isCertificate ? plain + certificate : plain, plain);
    }

    internal static string RsaAlgorithmFor(string serverVersion)
    {
        const string openSsh = "OpenSSH_";
        int at = serverVersion.IndexOf(openSsh, StringComparison.Ordinal);
        if (at < 0)
        {
            return "rsa-sha2-256";
        }

        string[] parts = serverVersion[(at + openSsh.Length)..].Split('.', 'p', ' ');
        bool old = int.TryParse(parts[0], out int major)
            && (major < 7 || (major == 7 && parts.Length > 1 && int.TryParse(parts[1], out int minor) && minor < 2));
        return old ? "ssh-rsa" : "rsa-sha2-512";
    }
}

/// <summary>The passphrase of a key was not given, or an agent refused: go on with the next key.</summary>
internal sealed class KeyUnusableException(LoginKey key, string message) : Exception(message)
{
    public LoginKey Key => key;
}

/// <summary>Offers a key, and opens it only when the server wants a signature.</summary>
internal sealed class LoginSigner(LoginKey key, string offerAs, string signBy, byte[] blob) : HostAlgorithm(offerAs), IPrivateKeySource
{
    public LoginKey Key => key;

    public override byte[] Data => blob;

    public IReadOnlyCollection<HostAlgorithm> HostKeyAlgorithms => [this];

    public override byte[] Sign(byte[] data)
    {
        if (key.Open() is null)
        {
            throw new KeyUnusableException(key, "it could not be opened");
        }

        try
        {
            return key.Sign(signBy, data);
        }
        catch (Exception e) when (e is IOException or Renci.SshNet.Common.SshException)
        {
            throw new KeyUnusableException(key, Printable.Line(e.Message));
        }
    }

    public override bool VerifySignature(byte[] data, byte[] signature) => throw new NotSupportedException();
}
