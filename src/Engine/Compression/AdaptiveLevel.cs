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

    /// <summary>A pack is looked at together with others of this time, and with so many: a single one tells too much about the last buffer.</summary>
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

    /// <summary>The line is what is waited for when it takes so much of the time: only then can a stronger level win anything.</summary>
    private const double Waited = 0.3;

    /// <summary>
    /// The levels, and how many times as long as the one before each takes: as much of the processors has to be left. Measured as streams of the Linux source:
    /// 1.8, 2.4, 1.9 and 1.2 from 3 to 9, then 1.5 to 1.7, 5.2 and 1.6, which are reckoned dearer here, since a step that is too high costs more than one that
    /// is too low. Those between 12 and 16 take half as long as 16 and win no 1 % over 12.
    /// </summary>
    private static readonly (int Level, double Cost)[] Ladder =
        [(PackCodec.NoCompression, 1), (-5, 1), (-1, 1.3), (1, 1.4), (3, 1.9), (5, 2.4), (7, 1.9), (9, 1.2), (12, 1.9), (16, 6), (19, 2)];

    /// <summary>Two streams at a stronger level than this find less than one at this: there is no use in it unless one thread keeps up.</summary>
    private const int MostOfTwoStreams = 9;

    /// <summary>One window tells little of what comes through: it counts so much beside those before it.</summary>
    private const double Fresh = 0.25;

    /// <summary>So long ago that nobody remembers.</summary>
    private static readonly (double Rate, int Window) Unknown = (0, -LongestMemory);

    private readonly (double Rate, int Window)[] _known = [.. Ladder.Select(static _ => Unknown)];
    private readonly int[] _memory = [.. Ladder.Select(static _ => Memory)];
    private readonly Lock _gate = new();
    private volatile int _at = Array.FindIndex(Ladder, static step => step.Level == 1);
    private int _window;
    private PackTimes _times;
    private long _bytes;
    private int _packs;
    private int _agreed;
    private int _late;
    private int _lanes;

    /// <summary>For the next pack.</summary>
    public int Level => Ladder[_at].Level;

    /// <summary>Tells what a pack took.</summary>
    /// <param name="level">That it was compressed with; one that a sample found incompressible is not to be told.</param>
    /// <param name="bytes">Of it, before compression.</param>
    /// <param name="times">At the present level.</param>
    /// <param name="lanes">That send: what all of them would take at the next level, the processors have to give.</param>
    public void Observe(int level, int bytes, in PackTimes times, int lanes)
    {
        lock (_gate)
        {
            if (level != Level)
            {
                // Compressed before the last step.
                return;
            }

            if (_late > 0)
            {
                // It waited for those that were compressed before the step down.
                _late--;
                return;
            }

            if (lanes != _lanes)
            {
                // What came through with others is no measure.
                _lanes = lanes;
                Array.Fill(_known, Unknown);
            }

            _bytes += bytes;
            _times += times.Of(lanes);
            if (++_packs < Math.Min(lanes, EnoughPacks) || _times.Total < WindowSeconds)
            {
                return;
            }

            _window++;
            Learn(_bytes / Math.Max(_times.Compressing + _times.Waiting, 1e-9));
            _agreed = MayClimb(lanes) ? _agreed + 1 : 0;
            if (_agreed > 0)
            {
                // A step that is dear when it is wrong wants more than one window that says so: a line stands still for a moment now and then.
                if (_agreed >= Ladder[_at + 1].Cost / 2)
                {
                    MoveTo(_at + 1);
                }
            }
            else if (_at > 0 && _times.Compressing >= _times.Total / 2 && _times.Waiting <= _times.Total / 10)
            {
                _late = MoveTo(_at - 1) ? lanes - 1 : 0;
            }

            Begin();
        }
    }

    /// <summary>Whether the line is what is waited for, and both the processors and the lanes have what the next level takes: others use the processors, too.</summary>
    private bool MayClimb(int lanes)
    {
        if (_at + 1 == Ladder.Length || _times.Waiting <= Waited * _times.Total)
        {
            return false;
        }

        var (level, cost) = Ladder[_at + 1];
        var available = Math.Min(lanes > processors ? processors / Margin : lanes, level > MostOfTwoStreams ? 1 : PackCodec.MostStrong);
        return cost * _times.Processor < available * _times.Total && cost * _times.Compressing < _times.Total;
    }

    private void Learn(double rate)
    {
        var (before, window) = _known[_at];
        _known[_at] = (window == _window - 1 ? before + Fresh * (rate - before) : rate, _window);
    }

    private void Begin()
    {
        _bytes = _packs = 0;
        _times = default;
    }

    /// <summary>False when less came through there a moment ago.</summary>
    private bool MoveTo(int step)
    {
        if (_window - _known[step].Window < (step < _at ? Memory : _memory[step]) && _known[step].Rate <= _known[_at].Rate)
        {
            return false;
        }

        if (step < _at)
        {
            _memory[_at] = Math.Min(2 * _memory[_at], LongestMemory);
        }

        _at = step;
        _agreed = 0;
        return true;
    }
}
