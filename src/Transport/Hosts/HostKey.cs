using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NativeSync.Transport;

/// <summary>A public key in SSH's encoding (RFC 4253 §6.6): a type name and its fields.</summary>
internal sealed class HostKey : IEquatable<HostKey>
{
    private HostKey(string type, byte[] blob)
    {
        Type = type;
        Blob = blob;
    }

    /// <summary>E.g. <c>ssh-ed25519</c>.</summary>
    public string Type { get; }

    public byte[] Blob { get; }

    /// <summary><c>SHA256:</c> and the unpadded base64 of the digest, as OpenSSH shows it.</summary>
    public string Fingerprint => "SHA256:" + Convert.ToBase64String(SHA256.HashData(Blob)).TrimEnd('=');

    /// <summary>The type as people call it: ED25519, ECDSA, RSA.</summary>
    public string ShortType => Type switch
    {
        "ssh-ed25519" => "ED25519",
        "ssh-rsa" => "RSA",
        "ssh-dss" => "DSA",
        _ when Type.StartsWith("ecdsa-", StringComparison.Ordinal) => "ECDSA",
        _ => Type,
    };

    /// <summary>Null when the blob does not begin with a type name.</summary>
    public static HostKey? FromBlob(byte[] blob)
    {
        if (blob.Length < 4)
        {
            return null;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(blob);
        if (length is 0 or > 64 || length > blob.Length - 4)
        {
            return null;
        }

        string type = Encoding.ASCII.GetString(blob, 4, (int)length);
        return type.All(static c => c is > ' ' and < '\x7f') ? new HostKey(type, blob) : null;
    }

    /// <summary>Reads <c>type base64 [comment]</c>; null when it is none.</summary>
    public static HostKey? Parse(string line)
    {
        string[] parts = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2)
        {
            return null;
        }

        byte[] blob = new byte[parts[1].Length];
        return Convert.TryFromBase64String(parts[1], blob, out int length)
            && FromBlob(blob[..length]) is { } key && key.Type == parts[0] ? key : null;
    }

    public bool Equals(HostKey? other) => other is not null && Blob.AsSpan().SequenceEqual(other.Blob);

    public override bool Equals(object? obj) => Equals(obj as HostKey);

    public override int GetHashCode() => Blob.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(Blob.AsSpan(Blob.Length - 4));

    /// <summary>The line of a public key file, without comment.</summary>
    public override string ToString() => Type + " " + Convert.ToBase64String(Blob);
}
