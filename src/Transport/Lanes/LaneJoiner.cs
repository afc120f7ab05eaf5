using System.Buffers;
using System.Runtime.InteropServices;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Transport;

/// <summary>
/// <c>nativesync serve join</c>: the far end of a further lane. It reads which session the lane belongs to, hands its standard input and output to
/// the agent of that session (which then needs no copying), and stays until the agent is done with them.
/// </summary>
public static class LaneJoiner
{
    /// <summary>What does not show the secret of a session gets this code, in Ready and as exit status.</summary>
    private const int NotOfASession = 5;

    /// <summary>The caller says at once which session it is: who is silent for so long is on a line that has died.</summary>
    private const int PatienceMilliseconds = 60_000;

    /// <summary>Runs to the end of the lane.</summary>
    /// <returns>The exit status.</returns>
    /// <exception cref="TransportException">The caller went away, or is none of ours.</exception>
    public static int Run()
    {
        Write(Agent.Greeting());
        if (!Read(Magic.Bytes.Length).AsSpan().SequenceEqual(Magic.Bytes))
        {
            throw new TransportException(2, "the other end does not speak NativeSync", "'serve' is started by NativeSync itself, over a connection.");
        }

        HelloFrame.Parse(ReadFrame(FrameType.Hello));
        byte[] payload = ReadFrame(FrameType.Join);
        int fd = UnixSocket.Connect(SocketDoor.NameOf(JoinFrame.Parse(payload).Session));
        if (fd >= 0 && UnixSocket.IsOurs(fd) && UnixSocket.Send(fd, payload, 0, 1) && !IsRefused(fd))
        {
            return 0;
        }

        var answer = new ArrayBufferWriter<byte>();
        new ReadyFrame { Flags = default, Code = NotOfASession, Text = "no session of this name and secret is here"u8.ToArray() }.Write(answer);
        Write(answer.WrittenSpan);
        return NotOfASession;
    }

    /// <summary>Waits for the agent's word: it closes when the lane is over.</summary>
    private static unsafe bool IsRefused(int fd)
    {
        byte answer;
        nint count;
        do
        {
            count = LibC.read(fd, &answer, 1);
        }
        while (count < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        return count == 1 && answer == SocketDoor.Refused;
    }

    private static byte[] ReadFrame(FrameType expected)
    {
        // Not a byte beyond what is ours: the rest is the agent's.
        byte[] header = new byte[FrameHeader.MaxSize];
        for (int length = 0; ;)
        {
            header[length++] = Read(1)[0];
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(header, 0, length));
            if (FrameHeader.TryRead(ref reader, out FrameHeader read))
            {
                return read.Type == expected ? Read(read.Length)
                    : throw new ProtocolException(ProtocolError.UnexpectedFrame, $"a {read.Type} frame came where {expected} was expected");
            }
        }
    }

    private static unsafe byte[] Read(int count)
    {
        byte[] bytes = new byte[count];
        fixed (byte* p = bytes)
        {
            for (int done = 0; done < count;)
            {
                var wanted = new LibC.PollDescriptor { Descriptor = 0, Events = LibC.POLLIN };
                int ready = LibC.poll(&wanted, 1, PatienceMilliseconds);
                if (ready == 0)
                {
                    throw new TransportException(30, "the other end does not say which session it belongs to");
                }

                if (ready < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR)
                {
                    continue;
                }

                nint got = LibC.read(0, p + done, count - done);
                if (got > 0)
                {
                    done += (int)got;
                }
                else if (got == 0 || Marshal.GetLastPInvokeError() != LibC.EINTR)
                {
                    throw new TransportException(SshErrors.StreamBroken, "the other end closed the connection before it introduced itself");
                }
            }
        }

        return bytes;
    }

    private static unsafe void Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            if (LibC.write(1, p, bytes.Length) != bytes.Length)
            {
                throw new TransportException(SshErrors.StreamBroken, "the other end closed the connection before it introduced itself");
            }
        }
    }
}
