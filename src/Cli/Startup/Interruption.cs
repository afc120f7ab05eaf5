using System.Runtime.InteropServices;

namespace NativeSync.Cli.Startup;

/// <summary>
/// SIGINT, SIGTERM and SIGHUP: the first one cancels what is under way and lets it end cleanly; a second one, or an end that does not come,
/// ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private const int ExitCode = 20;

    /// <summary>A clean end sends one frame and closes files; whatever takes longer is stuck.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Timer? _limit;
    private volatile string? _signal;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The name of the signal that came, or null.</summary>
    public string? Signal => _signal;

    /// <summary>Called before the process is ended without waiting, e.g. to give the terminal its echo back.</summary>
    public Action? BeforeAbruptEnd { get; set; }

    /// <summary>True while a person is being asked: a signal then ends the process at once, since the question cannot be taken back.</summary>
    public bool Asking { get; set; }

    /// <summary>True while something was begun that must be ended: only a second signal ends the process without it.</summary>
    public bool MustFinish { get; set; }

    /// <summary>Listens to the process's signals.</summary>
    public static Interruption OfProcess()
    {
        Interruption interruption = new();
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            interruption._registrations.Add(PosixSignalRegistration.Create(signal, interruption.OnSignal));
        }

        return interruption;
    }

    /// <summary>What a signal does; also for tests.</summary>
    internal void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_signal is not null || Asking)
        {
            End();
        }

        _signal = context.Signal.ToString();
        _limit = new Timer(_ => EndUnlessNeeded(), null, Patience, Timeout.InfiniteTimeSpan);
        _source.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registrations.ForEach(static registration => registration.Dispose());
        _limit?.Dispose();
        _source.Dispose();
    }

    private void EndUnlessNeeded()
    {
        if (!MustFinish)
        {
            End();
        }
    }

    private void End()
    {
        BeforeAbruptEnd?.Invoke();
        Environment.Exit(ExitCode);
    }
}
