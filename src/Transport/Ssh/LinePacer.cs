using System.Net.Sockets;

namespace NativeSync.Transport;

/// <summary>
/// Keeps a connection from sending into a queue that is full. On a long line the kernel's TCP sends at up to three times the line's rate while it
/// starts, and after each look at the shortest round trip (bbr, every ten seconds); what is lost then costs seconds. So while packets wait in a queue
/// on the way, the kernel paces the connection by what came through at best: a little less for two seconds, in which a queue of its own gets shorter,
/// then a tenth more, since one that stays is others': the line stays full, and TCP may still find more.
/// </summary>
internal sealed class LinePacer
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    /// <summary>On a shorter line nothing is gained.</summary>
    private const uint ShortestLine = 15_000;

    /// <summary>Microseconds of waiting that count as a queue, besides an eighth of the way: less is chance.</summary>
    private const uint Chance = 4_000;

    /// <summary>Periods with a queue before the pace is set: less is chance. TCP goes on for three round trips before it believes that the line is full.</summary>
    private const int Patience = 3;

    /// <summary>Periods without a queue after which what came through tells no more of the line: three seconds.</summary>
    private const int Memory = 60;

    /// <summary>Bytes that have to be there first: what a login and the first windows show is not the line.</summary>
    private const ulong Begun = 4 * 1024 * 1024;

    /// <summary>Packets under way from which on the line is in use; the kernel may have nothing unsent and bbr call that limited by who sends.</summary>
    private const uint InUse = 64;

    /// <summary>Room to find that the line carries more.</summary>
    private const double Gain = 1.1;

    /// <summary>So that the queue gets shorter: what came through at best is now and then a tenth more than the line carries.</summary>
    private const double Drain = 0.95;

    /// <summary>Periods with a queue for which less is sent: one that is still there after two seconds is not ours, or the line has become longer.</summary>
    private const int DrainsFor = 40;

    private const uint Unpaced = uint.MaxValue;

    /// <summary>
    /// Milliseconds for which a queue shows that the line is full: TCP that takes a loss for a full line sends less after each queue, and needs that
    /// long on a long line to fill it again.
    /// </summary>
    private const int Full = 15_000;

    private long _queuedAt = -Full;

    /// <summary>Packets have waited in a queue on the way, and TCP has not had the time to forget it.</summary>
    public bool IsLineFull => Environment.TickCount64 - Volatile.Read(ref _queuedAt) < Full;

    /// <summary>Watches a connection until it ends.</summary>
    public async Task WatchAsync(Socket socket)
    {
        TcpInfo info = new();
        using PeriodicTimer timer = new(Period);
        uint pace = Unpaced;
        ulong best = 0;
        int silent = 0;
        int queued = 0;
        try
        {
            while (await timer.WaitForNextTickAsync().ConfigureAwait(false))
            {
                if (!info.Read(socket) || info.ShortestRoundTrip < ShortestLine)
                {
                    return;
                }

                uint shortest = info.ShortestRoundTrip;
                bool isBusy = info.Unacknowledged > InUse && info.BytesThere > Begun;
                bool queues = isBusy && info.RoundTrip > shortest + shortest / 8 + Chance;
                (silent, queued) = queues ? (0, queued + 1) : (silent + 1, 0);

                if (queued >= Patience)
                {
                    Volatile.Write(ref _queuedAt, Environment.TickCount64);
                }

                // Once there is a pace it grows with what comes through, also without a queue, or it would keep itself too low.
                best = silent > Memory || (best == 0 && queued < Patience) ? 0
                    : isBusy ? Math.Max(best, info.DeliveryRate)
                    : best;
                uint wanted = best == 0 ? Unpaced : (uint)Math.Min(Unpaced, best * (queues && queued < DrainsFor ? Drain : Gain));
                if (wanted != pace)
                {
                    pace = wanted;
                    socket.SetRawSocketOption(LibC.SOL_SOCKET, LibC.SO_MAX_PACING_RATE, BitConverter.GetBytes(pace));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended, or the kernel knows nothing of this.
        }
    }
}
