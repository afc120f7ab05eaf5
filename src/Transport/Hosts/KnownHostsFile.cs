using System.Security.Cryptography;
using System.Text;

namespace NativeSync.Transport;

internal enum HostMarker
{
    None,
    CertAuthority,
    Revoked,
}

/// <summary>One line of a known_hosts file.</summary>
internal sealed record KnownHost(string File, int Line, HostMarker Marker, string Names, HostKey Key)
{
    /// <summary>Where it stands, for messages.</summary>
    public string Place => $"{File}:{Line}";

    /// <summary>True when this line is about <paramref name="host"/>, given as known_hosts names it.</summary>
    public bool IsAbout(string host)
    {
        if (!Names.StartsWith("|1|", StringComparison.Ordinal))
        {
            return HostPattern.MatchesList(host, Names.Split(',', StringSplitOptions.RemoveEmptyEntries));
        }

        // Hashed: |1|salt|HMAC-SHA1(salt, name), both in base64.
        string[] parts = Names.Split('|');
        byte[] salt = new byte[64];
        byte[] expected = new byte[64];
        if (parts.Length != 4
            || !Convert.TryFromBase64String(parts[2], salt, out int saltLength)
            || !Convert.TryFromBase64String(parts[3], expected, out int length)
            || length != HMACSHA1.HashSizeInBytes)
        {
            return false;
        }

        byte[] actual = HMACSHA1.HashData(salt.AsSpan(0, saltLength), Encoding.UTF8.GetBytes(host.ToLowerInvariant()));
        return CryptographicOperations.FixedTimeEquals(actual, expected.AsSpan(0, length));
    }
}

/// <summary>Reading and appending of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).</summary>
internal static class KnownHostsFile
{
    /// <summary>Longer files are not known_hosts files.</summary>
    private const long MaxSize = 64 * 1024 * 1024;

    /// <summary>How known_hosts names a host: the bare name for port 22, <c>[name]:port</c> else.</summary>
    public static string NameOf(string host, int port) =>
        port == 22 ? host.ToLowerInvariant() : $"[{host.ToLowerInvariant()}]:{port}";

    /// <summary>All usable lines. A file that does not exist has none; lines that make no sense are passed over, as OpenSSH does.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static List<KnownHost> Read(string path)
    {
        var result = new List<KnownHost>();
        if (!File.Exists(path) || new FileInfo(path).Length > MaxSize)
        {
            return result;
        }

        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (ParseLine(path, number, line) is { } entry)
            {
                result.Add(entry);
            }
        }

        return result;
    }

    public static KnownHost? ParseLine(string path, int number, string line)
    {
        string[] parts = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts[0].StartsWith('#'))
        {
            return null;
        }

        HostMarker marker = HostMarker.None;
        int at = 0;
        if (parts[0].StartsWith('@'))
        {
            switch (parts[0])
            {
                case "@cert-authority":
                    marker = HostMarker.CertAuthority;
                    break;
                case "@revoked":
                    marker = HostMarker.Revoked;
                    break;
                default:
                    return null;
            }

            at = 1;
        }

        if (parts.Length < at + 3 || HostKey.Parse(parts[at + 1] + " " + parts[at + 2]) is not { } key)
        {
            return null;
        }

        return new KnownHost(path, number, marker, parts[at], key);
    }

    /// <summary>Appends one line so that concurrent writers cannot mix theirs with it. Makes the directory (0700) and the file (0600).</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static unsafe void Append(string path, string name, HostKey key)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } directory && !Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        string lead = EndsInTheMiddleOfALine(path) ? "\n" : "";
        byte[] line = Encoding.UTF8.GetBytes($"{lead}{name} {key}\n");
        int fd = LibC.open(path, LibC.O_WRONLY | LibC.O_APPEND | LibC.O_CREAT | LibC.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd < 0)
        {
            throw new IOException(System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage());
        }

        try
        {
            fixed (byte* p = line)
            {
                if (LibC.write(fd, p, line.Length) != line.Length)
                {
                    throw new IOException(System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage());
                }
            }
        }
        finally
        {
            _ = LibC.close(fd);
        }
    }

    private static bool EndsInTheMiddleOfALine(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using FileStream file = File.OpenRead(path);
        if (file.Length == 0)
        {
            return false;
        }

        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() != '\n';
    }
}
