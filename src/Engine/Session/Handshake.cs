using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>How a session begins, at both ends. docs/protocol.md, "Handshake".</summary>
internal static class Handshake
{
    private const Capabilities Ours = Capabilities.Zstd | Capabilities.Xattrs | Capabilities.Acls | Capabilities.HardLinks
        | Capabilities.Sparse | Capabilities.Delta;

    /// <summary>
    /// The caller's part: introduces itself and asks for the job in one go, then waits for the agent's answer.
    /// </summary>
    /// <returns>The agent's introduction, and the flags that hold.</returns>
    /// <exception cref="SessionException">The agent refuses.</exception>
    public static async Task<(HelloFrame Hello, JobFlags Flags)> AskAsync(FrameLane lane, JobFrame job, CancellationToken ct)
    {
        var greeting = new ArrayBufferWriter<byte>(1024);
        Magic.Write(greeting);
        Hello(PeerRole.Client).Write(greeting);
        job.Write(greeting);
        await lane.SendNowAsync(greeting.WrittenMemory, ct).ConfigureAwait(false);
        await lane.ReceiveMagicAsync(ct).ConfigureAwait(false);
        var hello = HelloFrame.Parse(await ReceiveAsync(lane, FrameType.Hello, ct).ConfigureAwait(false));
        Check(hello, PeerRole.Agent);
        var missing = job.Flags.RequiredCapabilities() & ~hello.Capabilities;
        if (missing != 0)
        {
            throw new SessionException(4, $"the other end does not support {missing}: leave the option out, or install the same version there");
        }

        var ready = ReadyFrame.Parse(await ReceiveAsync(lane, FrameType.Ready, ct).ConfigureAwait(false));
        return ready.Code == 0
            ? (hello, ready.Flags)
            : throw new SessionException(ready.Code, ByteText.Escape(ready.Text));
    }

    /// <summary>The agent's part up to the job: introduces itself at once, so that the starter sees that it runs.</summary>
    public static async Task<(HelloFrame Hello, JobFrame Job)> AnswerAsync(FrameLane lane, CancellationToken ct)
    {
        var greeting = new ArrayBufferWriter<byte>(256);
        Magic.Write(greeting);
        Hello(PeerRole.Agent).Write(greeting);
        await lane.SendNowAsync(greeting.WrittenMemory, ct).ConfigureAwait(false);
        await lane.ReceiveMagicAsync(ct).ConfigureAwait(false);
        var hello = HelloFrame.Parse(await ReceiveAsync(lane, FrameType.Hello, ct).ConfigureAwait(false));
        Check(hello, PeerRole.Client);
        var job = JobFrame.Parse(await ReceiveAsync(lane, FrameType.Job, ct).ConfigureAwait(false));
        return (hello, job);
    }

    /// <summary>The agent's answer to the job.</summary>
    public static ValueTask ReadyAsync(FrameLane lane, JobFlags flags, int code, string text, CancellationToken ct)
    {
        var answer = new ArrayBufferWriter<byte>(256);
        new ReadyFrame { Flags = flags, Code = code, Text = ByteText.FromArgument(text) }.Write(answer);
        return lane.SendNowAsync(answer.WrittenMemory, ct);
    }

    private static HelloFrame Hello(PeerRole role) => new()
    {
        MinVersion = ProtocolVersion.Minimum,
        MaxVersion = ProtocolVersion.Current,
        Capabilities = Ours,
        Role = role,
        Build = [],
        Credit = LaneSettings.InitialCredit,
        Session = new UInt128((ulong)RandomNumber(), (ulong)RandomNumber()),
    };

    private static long RandomNumber() => Random.Shared.NextInt64();

    private static void Check(in HelloFrame hello, PeerRole role)
    {
        ProtocolVersion.Negotiate(Hello(role == PeerRole.Agent ? PeerRole.Client : PeerRole.Agent), hello);
    }

    private static async Task<byte[]> ReceiveAsync(FrameLane lane, FrameType expected, CancellationToken ct)
    {
        var (type, payload) = await lane.ReceiveFrameAsync(ct).ConfigureAwait(false);
        if (type == expected)
        {
            return payload;
        }

        if (type == FrameType.Abort)
        {
            var abort = AbortFrame.Parse(payload);
            throw new SessionException(abort.Code, ByteText.Escape(abort.Text));
        }

        throw new ProtocolException(ProtocolError.UnexpectedFrame, $"a {type} frame came where {expected} was expected");
    }
}
