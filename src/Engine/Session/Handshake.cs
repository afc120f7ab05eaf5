using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>How a session begins, at both ends. docs/protocol.md, "Handshake".</summary>
internal static class Handshake
{
    private const Capabilities Ours = Capabilities.Zstd | Capabilities.Xattrs | Capabilities.Acls | Capabilities.HardLinks
        | Capabilities.Sparse | Capabilities.Delta | Capabilities.Lanes | Capabilities.Early | Capabilities.Streams;

    /// <summary>Whatever the time-out, the agent may take so many seconds to read what the job names: lists, rules, an index of digests.</summary>
    private const int LeastPatience = 10;

    /// <summary>The caller's part: introduces itself and asks for the job in one go, then waits for the agent to introduce itself.</summary>
    /// <exception cref="SessionException">The agent cannot do it, or does not speak within the job's time-out.</exception>
    public static Task<HelloFrame> AskAsync(FrameLane lane, JobFrame job, UInt128 session, CancellationToken ct) =>
        PatientlyAsync(lane, job, token => IntroduceAsync(lane, job, session, token), ct);

    /// <summary>The caller's part: the agent's answer to the job, as long as the job's time-out says.</summary>
    /// <returns>The flags that hold at this end.</returns>
    /// <exception cref="SessionException">The agent refuses, or does not answer.</exception>
    public static Task<JobFlags> HearAnswerAsync(FrameLane lane, JobFrame job, CancellationToken ct) =>
        PatientlyAsync(lane, job, token => HearAsync(lane, job, token), ct);

    private static async Task<T> PatientlyAsync<T>(FrameLane lane, JobFrame job, Func<CancellationToken, Task<T>> wait, CancellationToken ct)
    {
        var seconds = job.Number(JobNumber.TimeoutSeconds) is > 0 and var given ? Math.Max(given, LeastPatience) : 0;
        using var patience = new CancellationTokenSource(seconds > 0 ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan, lane.Group.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            return await wait(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new SessionException(ExitCodes.Timeout, $"the other end did not answer within {seconds} seconds");
        }
    }

    private static async Task<HelloFrame> IntroduceAsync(FrameLane lane, JobFrame job, UInt128 session, CancellationToken ct)
    {
        var greeting = new ArrayBufferWriter<byte>(1024);
        Magic.Write(greeting);
        Hello(PeerRole.Client, session, lane.Group.Limits.InitialCredit).Write(greeting);
        job.Write(greeting);

        // Both speak first: who waited until all is taken would wait for one that waits, too, where the line has no room for it.
        var sending = lane.SendNowAsync(greeting.WrittenMemory, ct).AsTask();
        await lane.ReceiveMagicAsync(ct).ConfigureAwait(false);
        var hello = HelloFrame.Parse(await ReceiveAsync(lane, FrameType.Hello, ct).ConfigureAwait(false));
        await sending.ConfigureAwait(false);
        Check(hello, PeerRole.Agent);
        lane.Group.Peer = hello.Capabilities;
        var missing = job.Flags.RequiredCapabilities() & ~hello.Capabilities;
        return missing == 0 ? hello
            : throw new SessionException(4, $"the other end does not support {missing}: leave the option out, or install the same version there");
    }

    private static async Task<JobFlags> HearAsync(FrameLane lane, JobFrame job, CancellationToken ct)
    {
        var ready = ReadyFrame.Parse(await ReceiveAsync(lane, FrameType.Ready, ct).ConfigureAwait(false));
        return ready.Code == 0
            ? JobTranslation.Agreed(job.Kind, job.Flags, ready.Flags)
            : throw new SessionException(ready.Code, ByteText.Escape(ready.Text));
    }

    /// <summary>The caller's part on a further lane: names the session and proves that the lane belongs to it.</summary>
    /// <exception cref="SessionException">The agent does not take it.</exception>
    public static async Task JoinAsync(FrameLane lane, JoinFrame join, CancellationToken ct)
    {
        var greeting = new ArrayBufferWriter<byte>(256);
        Magic.Write(greeting);
        Hello(PeerRole.Client, join.Session, 0).Write(greeting);
        join.Write(greeting);
        var sending = lane.SendNowAsync(greeting.WrittenMemory, ct).AsTask();
        await lane.ReceiveMagicAsync(ct).ConfigureAwait(false);
        Check(HelloFrame.Parse(await ReceiveAsync(lane, FrameType.Hello, ct).ConfigureAwait(false)), PeerRole.Agent);
        await sending.ConfigureAwait(false);
        var ready = ReadyFrame.Parse(await ReceiveAsync(lane, FrameType.Ready, ct).ConfigureAwait(false));
        if (ready.Code != 0)
        {
            throw new SessionException(ready.Code, ByteText.Escape(ready.Text));
        }
    }

    /// <summary>
    /// The agent's part up to the job or join: introduces itself at once, so that the starter sees that it runs.
    /// </summary>
    /// <returns>The caller's introduction, and one of the other two.</returns>
    public static async Task<(HelloFrame Hello, JobFrame? Job, JoinFrame Join)> AnswerAsync(FrameLane lane, bool isRoot, CancellationToken ct)
    {
        await lane.SendNowAsync(AgentGreeting(lane.Group.Limits.InitialCredit, isRoot), ct).ConfigureAwait(false);
        await lane.ReceiveMagicAsync(ct).ConfigureAwait(false);
        var hello = HelloFrame.Parse(await ReceiveAsync(lane, FrameType.Hello, ct).ConfigureAwait(false));
        Check(hello, PeerRole.Client);
        lane.Group.Peer = hello.Capabilities;
        var (type, payload) = await lane.ReceiveFrameAsync(ct).ConfigureAwait(false);
        return type == FrameType.Join
            ? (hello, null, JoinFrame.Parse(payload))
            : (hello, JobFrame.Parse(Expect(FrameType.Job, type, payload)), default);
    }

    /// <summary>Magic and Hello of an agent.</summary>
    /// <param name="credit">Bytes of records that may come before the first grant.</param>
    /// <param name="isRoot">It runs as the super-user.</param>
    public static byte[] AgentGreeting(int credit = 0, bool isRoot = false)
    {
        var greeting = new ArrayBufferWriter<byte>(256);
        Magic.Write(greeting);
        var hello = Hello(PeerRole.Agent, default, credit);
        (hello with { Capabilities = hello.Capabilities | (isRoot ? Capabilities.SuperUser : 0) }).Write(greeting);
        return greeting.WrittenSpan.ToArray();
    }

    /// <summary>The agent's answer to the job.</summary>
    public static ValueTask ReadyAsync(FrameLane lane, JobFlags flags, int code, string text, CancellationToken ct)
    {
        var answer = new ArrayBufferWriter<byte>(256);
        new ReadyFrame { Flags = flags, Code = code, Text = ByteText.FromArgument(text) }.Write(answer);
        return lane.SendNowAsync(answer.WrittenMemory, ct);
    }

    private static HelloFrame Hello(PeerRole role, UInt128 session, int credit) => new()
    {
        MinVersion = ProtocolVersion.Minimum,
        MaxVersion = ProtocolVersion.Current,
        Capabilities = Ours,
        Role = role,
        Build = [],
        Credit = credit,
        Session = session,
    };

    private static void Check(in HelloFrame hello, PeerRole role)
    {
        ProtocolVersion.Negotiate(Hello(role == PeerRole.Agent ? PeerRole.Client : PeerRole.Agent, default, 0), hello);
    }

    private static async Task<byte[]> ReceiveAsync(FrameLane lane, FrameType expected, CancellationToken ct)
    {
        var (type, payload) = await lane.ReceiveFrameAsync(ct).ConfigureAwait(false);
        return Expect(expected, type, payload);
    }

    private static byte[] Expect(FrameType expected, FrameType type, byte[] payload)
    {
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
