using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Security;

namespace NativeSync.Transport;

/// <summary>A private key in a file: what can be known of it without a passphrase, and the key itself once it is needed.</summary>
internal sealed class KeyFile
{
    private const long MaxSize = 1024 * 1024;
    private const string OpenSshHeader = "-----BEGIN OPENSSH PRIVATE KEY-----";

    private readonly string? _text;
    private PrivateKeyFile? _loaded;

    private KeyFile(string path, string? text, HostKey? publicKey, bool encrypted)
    {
        Path = path;
        _text = text;
        PublicKey = publicKey;
        Encrypted = encrypted;
    }

    public string Path { get; }

    /// <summary>Null when only the decrypted file would tell.</summary>
    public HostKey? PublicKey { get; }

    public bool Encrypted { get; }

    /// <summary>False when the file holds a public key only, whose private half an agent may have.</summary>
    public bool HasPrivateKey => _text is not null;

    /// <summary>Reads a key file; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, and <see cref="SshException"/> when it holds no key.</summary>
    public static KeyFile Read(string path)
    {
        if (new FileInfo(path).Length > MaxSize)
        {
            throw new SshException("this is no private key");
        }

        string text = File.ReadAllText(path);
        if (HostKey.Parse(text.Split('\n')[0]) is { } onlyPublic)
        {
            return new KeyFile(path, null, onlyPublic, false);
        }

        if (text.Contains(OpenSshHeader, StringComparison.Ordinal))
        {
            return ReadOpenSsh(path, text);
        }

        bool isKey = text.Contains("PRIVATE KEY", StringComparison.Ordinal) || text.StartsWith("PuTTY-User-Key-File", StringComparison.Ordinal);
        if (!isKey)
        {
            throw new SshException("this is no private key");
        }

        bool encrypted = text.Contains("ENCRYPTED", StringComparison.Ordinal)
            || (text.StartsWith("PuTTY-User-Key-File", StringComparison.Ordinal) && !text.Contains("Encryption: none", StringComparison.Ordinal));
        return new KeyFile(path, text, ReadPublic(path + ".pub"), encrypted);
    }

    /// <summary>A public key file's key; null when there is none.</summary>
    public static HostKey? ReadPublic(string path)
    {
        try
        {
            return File.Exists(path) && new FileInfo(path).Length <= MaxSize ? HostKey.Parse(File.ReadLines(path).FirstOrDefault() ?? "") : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Decrypts the key if that has not been done.</summary>
    /// <exception cref="SshException">Wrong passphrase, or damaged.</exception>
    public void Open(string? passphrase)
    {
        if (_loaded is not null)
        {
            return;
        }

        try
        {
            using var stream = new MemoryStream(Encoding.UTF8.GetBytes(_text ?? throw new SshException("this is a public key only")));
            _loaded = new PrivateKeyFile(stream, passphrase);
        }
        catch (Exception e) when (e is not SshException and not OutOfMemoryException)
        {
            // Whatever the parsers trip over in a damaged key.
            throw new SshException("the key is damaged, of an unknown kind, or the passphrase is wrong", e);
        }
    }

    /// <summary>The public key; the file must be open when <see cref="PublicKey"/> is null.</summary>
    public HostKey PublicKeyOfOpened() => PublicKey ?? HostKey.FromBlob(_loaded!.HostKeyAlgorithms.First().Data)!;

    /// <summary>The encoded signature; the file must be open.</summary>
    public byte[] Sign(string algorithm, byte[] data)
    {
        HostAlgorithm signer = _loaded!.HostKeyAlgorithms.FirstOrDefault(a => a.Name == algorithm)
            ?? throw new SshException($"the key cannot sign by {algorithm}");
        return signer.Sign(data);
    }

    /// <summary>OpenSSH's own format keeps the public key in the clear (PROTOCOL.key).</summary>
    private static KeyFile ReadOpenSsh(string path, string text)
    {
        int from = text.IndexOf(OpenSshHeader, StringComparison.Ordinal) + OpenSshHeader.Length;
        int to = text.IndexOf("-----END", from, StringComparison.Ordinal);
        byte[] data = new byte[text.Length];
        ReadOnlySpan<byte> magic = "openssh-key-v1\0"u8;
        if (to < 0 || !Convert.TryFromBase64String(text[from..to], data, out int length) || !data.AsSpan(0, length).StartsWith(magic))
        {
            throw new SshException("the private key is damaged");
        }

        var reader = new SshBufferReader(data.AsSpan(magic.Length, length - magic.Length));
        if (!reader.TryReadString(out ReadOnlySpan<byte> cipher) || !reader.TryReadString(out _) || !reader.TryReadString(out _)
            || !reader.TryReadUInt32(out _) || !reader.TryReadString(out ReadOnlySpan<byte> publicKey))
        {
            throw new SshException("the private key is damaged");
        }

        return new KeyFile(path, text, HostKey.FromBlob(publicKey.ToArray()), !cipher.SequenceEqual("none"u8));
    }
}
