using System.Buffers.Binary;
using System.Net.Sockets;

namespace NativeSync.Transport;

/// <summary>What the kernel knows of a TCP connection: Linux' <c>struct tcp_info</c>, as far as it is needed (4.9 has all of it).</summary>
internal sealed class TcpInfo
{
    private const int Size = 168;

    private readonly byte[] _fields = new byte[Size];

    /// <summary>Contents of a packet, in bytes.</summary>
    public uint SegmentSize => Number(16);

    /// <summary>Packets under way.</summary>
    public uint Unacknowledged => Number(24);

    /// <summary>Microseconds, smoothed.</summary>
    public uint RoundTrip => Number(68);

    /// <summary>Packets that may be under way.</summary>
    public uint Window => Number(80);

    /// <summary>Packets sent again since the connection began.</summary>
    public uint SentAgain => Number(100);

    /// <summary>Bytes per second at which packets go.</summary>
    public ulong PacingRate => LongNumber(104);

    /// <summary>Bytes acknowledged since the connection began.</summary>
    public ulong BytesThere => LongNumber(120);

    /// <summary>Bytes that have been written and were not sent yet.</summary>
    public uint Unsent => Number(144);

    /// <summary>Microseconds; 0 before there was a sample.</summary>
    public uint ShortestRoundTrip => Number(148) is not uint.MaxValue and var shortest ? shortest : 0;

    /// <summary>Bytes per second.</summary>
    public ulong DeliveryRate => LongNumber(160);

    /// <summary>Asks again. False when the kernel knows less.</summary>
    /// <exception cref="SocketException">The connection is gone.</exception>
    /// <exception cref="ObjectDisposedException">It has been closed here.</exception>
    public bool Read(Socket socket) => socket.GetRawSocketOption(LibC.SOL_TCP, LibC.TCP_INFO, _fields) >= Size;

    private uint Number(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_fields.AsSpan(offset));

    private ulong LongNumber(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_fields.AsSpan(offset));
}
