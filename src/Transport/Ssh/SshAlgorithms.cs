using Renci.SshNet;

namespace NativeSync.Transport;

/// <summary>The order of algorithms that we offer; the server takes the first of ours that it has.</summary>
internal static class SshAlgorithms
{
    /// <summary>
    /// Measured with SSH.NET: aes128-gcm 1.4 CPU s/GB, aes256-gcm 1.8, ctr 3, chacha20 9.6. The last ones are for servers as
    /// old as CentOS 6, which have nothing better.
    /// </summary>
    private static readonly string[] Ciphers =
    [
        "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr",
        "chacha20-poly1305@openssh.com", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
    ];

    /// <summary>Quantum-safe where it is cheap; sntrup761 costs 0.3 s here and comes after everything that is quick.</summary>
    private static readonly string[] KeyExchanges =
    [
        "mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
        "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
        "diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
        "diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1",
    ];

    private static readonly string[] Macs =
    [
        "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com",
        "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
    ];

    private static readonly string[] HostKeys =
    [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa",
    ];

    /// <summary>Sets the order.</summary>
    /// <param name="info">The connection to be.</param>
    /// <param name="knownTypes">Host key types that known_hosts has for this host: asked for first.</param>
    /// <param name="ciphers">Another order of ciphers, and no others; null for ours.</param>
    public static void Apply(ConnectionInfo info, IReadOnlyList<string> knownTypes, IReadOnlyList<string>? ciphers)
    {
        Reorder(info.Encryptions, ciphers ?? Ciphers);
        Reorder(info.KeyExchangeAlgorithms, KeyExchanges);
        Reorder(info.HmacAlgorithms, Macs);
        // No certificates: @cert-authority is not supported, and an unverified certificate must not be taken for a key.
        Reorder(info.HostKeyAlgorithms, [.. knownTypes.SelectMany(AlgorithmsOf).Where(HostKeys.Contains), .. HostKeys]);
    }

    /// <summary>The signature algorithms of a key type (RFC 8332 for RSA).</summary>
    private static string[] AlgorithmsOf(string keyType) => keyType == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [keyType];

    /// <summary>Keeps the named ones in this order, and drops the others.</summary>
    private static void Reorder<T>(IOrderedDictionary<string, T> algorithms, IReadOnlyList<string> order)
    {
        KeyValuePair<string, T>[] all = [.. (IEnumerable<KeyValuePair<string, T>>)algorithms];
        algorithms.Clear();
        foreach (string name in order.Distinct())
        {
            int at = Array.FindIndex(all, a => a.Key == name);
            if (at >= 0)
            {
                algorithms.Add(name, all[at].Value);
            }
        }
    }
}
