using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace NativeSync.Transport;

/// <summary>One key that an agent holds.</summary>
internal sealed record AgentIdentity(HostKey Key, string Comment);

/// <summary>
/// Talks to ssh-agent over its Unix socket (draft-ietf-sshm-ssh-agent): lists the keys and has it sign.
/// Each call makes its own connection.
/// </summary>
internal sealed class SshAgentClient(string socketPath)
{
    private const byte RequestIdentities = 11;
    private const byte IdentitiesAnswer = 12;
    private const byte SignRequest = 13;
    private const byte SignResponse = 14;
    private const uint FlagRsaSha256 = 2;
    private const uint FlagRsaSha512 = 4;

    /// <summary>The largest answer that an agent may give (OpenSSH's own limit).</summary>
    private const int MaxAnswer = 256 * 1024;

    private const int MaxIdentities = 2048;
    private const int ListTimeoutMilliseconds = 5_000;

    /// <summary>Signing may have to wait for somebody to touch a token.</summary>
    private const int SignTimeoutMilliseconds = 120_000;

    /// <summary>The agent's keys.</summary>
    /// <exception cref="IOException">No agent answers there, or not in its protocol.</exception>
    public List<AgentIdentity> List()
    {
        byte[] answer = Ask([RequestIdentities], ListTimeoutMilliseconds);
        var result = new List<AgentIdentity>();
        if (answer[0] != IdentitiesAnswer)
        {
            throw new IOException("the agent refused to list its keys");
        }

        var reader = new SshBufferReader(answer.AsSpan(1));
        if (!reader.TryReadUInt32(out uint count) || count > MaxIdentities)
        {
            throw new IOException("the agent's answer is malformed");
        }

        for (uint i = 0; i < count; i++)
        {
            if (!reader.TryReadString(out ReadOnlySpan<byte> blob) || !reader.TryReadString(out ReadOnlySpan<byte> comment))
            {
                throw new IOException("the agent's answer is malformed");
            }

            if (HostKey.FromBlob(blob.ToArray()) is { } key)
            {
                result.Add(new AgentIdentity(key, Encoding.UTF8.GetString(comment)));
            }
        }

        return result;
    }

    /// <summary>The encoded signature (algorithm name and bytes) of <paramref name="data"/>.</summary>
    /// <param name="algorithm">Chooses the hash for RSA keys.</param>
    /// <exception cref="IOException">The agent does not answer, or refuses.</exception>
    public byte[] Sign(HostKey key, string algorithm, byte[] data)
    {
        uint flags = algorithm.StartsWith("rsa-sha2-512", StringComparison.Ordinal) ? FlagRsaSha512
            : algorithm.StartsWith("rsa-sha2-256", StringComparison.Ordinal) ? FlagRsaSha256 : 0;
        byte[] answer = Ask(new SshBufferWriter().WriteByte(SignRequest).WriteString(key.Blob).WriteString(data).WriteUInt32(flags).ToArray(), SignTimeoutMilliseconds);
        var reader = new SshBufferReader(answer.AsSpan(1));
        if (answer[0] != SignResponse || !reader.TryReadString(out ReadOnlySpan<byte> signature))
        {
            throw new IOException("the agent refused to sign");
        }

        return signature.ToArray();
    }

    private byte[] Ask(byte[] request, int timeoutMilliseconds)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            {
                SendTimeout = ListTimeoutMilliseconds,
                ReceiveTimeout = timeoutMilliseconds,
            };
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            using var stream = new NetworkStream(socket, ownsSocket: false);
            byte[] length = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(length, (uint)request.Length);
            stream.Write([.. length, .. request]);
            stream.ReadExactly(length);
            uint size = BinaryPrimitives.ReadUInt32BigEndian(length);
            if (size is 0 or > MaxAnswer)
            {
                throw new IOException("the agent's answer is malformed");
            }

            byte[] answer = new byte[size];
            stream.ReadExactly(answer);
            return answer;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new IOException($"the agent at {Printable.Line(socketPath)} does not answer: {e.Message}", e);
        }
    }
}
