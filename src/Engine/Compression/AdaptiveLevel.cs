namespace NativeSync.Engine.Compression;

/// <summary>
/// Chooses zstd's level for what the lanes of an end send, by what they wait for: up while the line is slower than the processor, down when the line
/// waits for the processor; and not to a level at which less came through a moment ago. One for all lanes: they share the line and the processors, and
/// what comes through at a level shows in all of them together.
/// </summary>
/// <param name="processors">That compress.</param>
internal sealed class AdaptiveLevel(int processors)
{
    /// <summary>What stands for this in place of a level, in a job as in options.</summary>
    public const int Adapt = 255;

    /// <summary>A pack is looked at together with others of this time on each lane, and with so many: a single one tells too much about the last buffer.</summary>
    private const double WindowSeconds = 0.15;
    private const int EnoughPacks = 4;

    /// <summary>
    /// So many windows what came through at another level is believed: some ten seconds, and twice as long each time that the level proved too slow. Then
    /// the data or the line may have changed.
    /// </summary>
    private const int Memory = 64;
    private const int LongestMemory = 64 * Memory;

    /// <summary>More lanes than processors find out late, when all of them have made a pack, that those have other things to do as well: so much is left for them.</summary>
    private const double Margin = 1.6;

    /// <summary>
    /// The levels, and how many times as long as the one before each takes (measured): the line must have been waited for as long as the next one
    /// takes more.
    /// </summary>
    private static readonly (int Level, double Cost)[] Ladder =
        [(PackCodec.NoCompression, 1), (-5, 1), (-1, 1.3), (1, 1.4), (3, 2.6), (5, 1.6), (7, 1.5), (9, 1.4), (12, 1.7), (15, 2.8), (17, 2.3), (19, 2.6)];

    private readonly (double Rate, int Window)[] _known = new (double, int)[Ladder.Length];
    private readonly int[] _memory = [.. Ladder.Select(static _ => Memory)];
    private readonly Lock _gate = new();
    private volatile int _at = Array.FindIndex(Ladder, static step => step.Level == 1);
    private int _window = Memory;
    private double _compressing;
    private double _waiting;
    private double _idle;
    private long _bytes;
    private int _packs;
    private int _lanes;

    /// <summary>For the next pack.</summary>
    public int Level => Ladder[_at].Level;

    /// <summary>Tells what a pack took, in seconds.</summary>
    /// <param name="level">That it was compressed with.</param>
    /// <param name="bytes">Of it, before compression.</param>
    /// <param name="compressing">
    /// At the present level, and for packs before it that other lanes compressed; a pack that a sample found incompressible is not to be told.
    /// </param>
    /// <param name="waiting">For the line: its buffers, credit, the bandwidth limit.</param>
    /// <param name="idle">Before it, for somebody to have anything to send.</param>
    /// <param name="lanes">That send: what all of them would take at the next level, the processors have to give.</param>
    public void Observe(int level, int bytes, double compressing, double waiting, double idle, int lanes)
    {
        lock (_gate)
        {
            if (level != Level)
            {
                // Compressed before the last step.
                return;
            }

            if (lanes != _lanes)
            {
                // What each waited for does not add up to anything then.
                _lanes = lanes;
                Begin();
            }

            _bytes += bytes;
            _compressing += compressing;
            _waiting += waiting;
            _idle += idle;
            var total = _compressing + _waiting + _idle;
            if (++_packs < Math.Min(lanes, EnoughPacks) || total < WindowSeconds * lanes)
            {
                return;
            }

            _window++;
            _known[_at] = (_bytes / Math.Max(_compressing + _waiting, 1e-9), _window);
            var crowd = lanes > processors ? Margin * lanes / processors : 1;
            if (IsWaitedFor(crowd, total))
            {
                MoveTo(_at + 1);
            }
            else if (_at > 0 && _compressing >= total / 2 && _waiting <= total / 10)
            {
                MoveTo(_at - 1);
            }

            Begin();
        }
    }

    /// <summary>Whether the line is waited for as long as the next level would take more.</summary>
    private bool IsWaitedFor(double crowd, double total)
        => _at + 1 < Ladder.Length && _waiting > (Ladder[_at + 1].Cost * crowd - 1) * _compressing && _waiting >= total / 10;

    private void Begin()
    {
        _bytes = _packs = 0;
        _compressing = _waiting = _idle = 0;
    }

    private void MoveTo(int step)
    {
        if (_window - _known[step].Window >= (step < _at ? Memory : _memory[step]) || _known[step].Rate > _known[_at].Rate)
        {
            if (step < _at)
            {
                _memory[_at] = Math.Min(2 * _memory[_at], LongestMemory);
            }

            _at = step;
        }
    }
}
