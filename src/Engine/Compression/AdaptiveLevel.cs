namespace NativeSync.Engine.Compression;

/// <summary>
/// Chooses zstd's level, and through how many streams packs go, for what the lanes of an end send, by what they wait for: up while the line is slower than the
/// processor, down when the line waits for the processor and would carry what a weaker level makes more. One for all lanes: they share the line and the
/// processors.
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
    /// So many windows a step that was left because it was too high is not taken again; twice as many each time that it is left soon, which says that it was
    /// taken wrongly.
    /// </summary>
    private const int LeastAbsence = 4;
    private const int MostAbsence = 256;
    private const int Soon = 32;

    /// <summary>What comes out of the processors is looked at for such a time: buffers that the line is to empty are to be full before one more step is taken down.</summary>
    private const double BoundSeconds = 0.5;

    /// <summary>What a weaker level has to save of the time: other things that wait for the processors are not faster by it, and what comes out more costs some.</summary>
    private const double Saving = 0.1;

    /// <summary>A step that was left because it was too high may be taken again before its time when so much more than it takes is there: the data is different.</summary>
    private const double MuchMore = 2;

    /// <summary>Bytes between the packs and the line, which fill while more comes out than it carries.</summary>
    private const double Buffers = 8 * 1024 * 1024;

    /// <summary>So many windows in which neither the line nor the processors are waited for, and what came before is another matter.</summary>
    private const int Gap = 4;

    /// <summary>More lanes than processors find out late, when all of them have made a pack, that those have other things to do as well: so much is left for them.</summary>
    private const double Margin = 1.6;

    /// <summary>The line is what is waited for when it takes so much of the time: only then can a stronger level win anything.</summary>
    private const double Waited = 0.27;

    private static readonly CompressionStep[] Ladder = CompressionStep.Ladder;

    private static readonly int s_strongestAlone = Array.FindIndex(Ladder, static step => step is { Level: 1, Streams: CompressionStep.None });

    private readonly Absence[] _absences = [.. Ladder.Select(static _ => new Absence(0, LeastAbsence))];
    private readonly Lock _gate = new();
    private volatile int _at = Array.FindIndex(Ladder, static step => step is { Level: 1, Streams: CompressionStep.Many });
    private int _window;
    private int _climbed;
    private PackTimes _times;
    private long _bytes;
    private long _packed;
    private int _packs;
    private int _agreed;
    private int _toSkip;
    private int _lanes;

    /// <summary>What came out while the line was what was waited for, at whatever step.</summary>
    private CompressionFlow _line;

    /// <summary>What went in while it was not, at each step.</summary>
    private readonly CompressionFlow[] _without = new CompressionFlow[Ladder.Length];

    /// <summary>What has gone in and come out since the processors are what is waited for.</summary>
    private CompressionFlow _in;
    private CompressionFlow _out;

    /// <summary>For the next pack.</summary>
    public int Level => Ladder[_at].Level;

    /// <summary>Through which packs of <see cref="Level"/> go at most; none when each stands for itself.</summary>
    public int Streams => Ladder[_at].Streams;

    /// <summary>Tells what a pack took.</summary>
    /// <param name="level">That it was compressed with; one that a sample found incompressible is not to be told.</param>
    /// <param name="bytes">Of it, before compression.</param>
    /// <param name="packed">The same after it.</param>
    /// <param name="times">At the present level.</param>
    /// <param name="lanes">That send: what all of them would take at the next level, the processors have to give.</param>
    public void Observe(int level, int bytes, int packed, in PackTimes times, int lanes)
    {
        lock (_gate)
        {
            if (lanes != _lanes)
            {
                // What came through with others is no measure.
                _lanes = lanes;
                _toSkip = 0;
                Begin();
                _line = _in = _out = default;
                Array.Clear(_without);
                Array.Fill(_absences, new(0, LeastAbsence));
            }

            if (level != Level)
            {
                // Compressed before the last step.
                return;
            }

            if (_toSkip > 0)
            {
                // It waited for those that were compressed before the step, or is one of them.
                _toSkip--;
                return;
            }

            _bytes += bytes;
            _packed += packed;
            _times += times.Of(lanes);
            if (++_packs < Math.Min(lanes, EnoughPacks) || _times.Total < WindowSeconds)
            {
                return;
            }

            _window++;
            Learn();
            _agreed = MayClimb(lanes) ? _agreed + 1 : 0;
            if (_agreed > 0)
            {
                // A step that is dear when it is wrong wants more than one window that says so: a line stands still for a moment now and then.
                if (_agreed >= Ladder[_at + 1].Cost / 2)
                {
                    MoveTo(_at + 1);
                }
            }
            else if (LowerThatBringsMore(lanes) is >= 0 and var lower)
            {
                for (var step = lower + 1; step <= _at; step++)
                {
                    _absences[step] = _absences[step].Again(_climbed, _window);
                }

                MoveTo(lower);
            }

            Begin();
        }
    }

    private bool IsLineWaitedFor => _times.Waiting > Waited * _times.Total;

    private bool AreProcessorsWaitedFor => _times.Compressing >= _times.Total / 2 && _times.Waiting <= _times.Total / 10;

    private void Learn()
    {
        if (IsLineWaitedFor)
        {
            _line = _line.And(_packed, _times, _window);
        }
        else
        {
            _without[_at] = _without[_at].And(_bytes, _times, _window);
        }

        if (AreProcessorsWaitedFor)
        {
            (_in, _out) = (_in.And(_bytes, _times, _window), _out.And(_packed, _times, _window));
            if (_out.Bytes - (_line.Rate * _out.Seconds) > Buffers)
            {
                _line = default; // it is faster now, or the other end had stood still now and then
            }
        }
        else if (IsLineWaitedFor || _window - _in.Window > Gap)
        {
            _in = _out = default;
        }
    }

    /// <summary>Whether the line is what is waited for, and both the processors and the lanes have what the next step takes: others use the processors, too.</summary>
    private bool MayClimb(int lanes)
    {
        var isAbsent = _at + 1 < Ladder.Length && _window < _absences[_at + 1].Until;
        if (_at + 1 == Ladder.Length || !IsLineWaitedFor || (isAbsent && Level == PackCodec.NoCompression))
        {
            return false; // what takes nothing tells nothing of what the next step takes
        }

        var cost = Ladder[_at + 1].Cost * (isAbsent ? MuchMore : 1);
        var available = Math.Min(lanes > processors ? processors / Margin : lanes, Ladder[_at + 1].Threads(lanes, processors));
        return cost * _times.Processor < available * _times.Total && cost * _times.Compressing < _times.Total;
    }

    /// <summary>
    /// The step below at which more would come through, while the line waits for the processors: by what the line carries of what is sent now, and by what went in
    /// there a moment ago; -1 when there is none.
    /// </summary>
    private int LowerThatBringsMore(int lanes)
    {
        if (_at == 0 || !AreProcessorsWaitedFor || _in.Seconds < BoundSeconds)
        {
            return -1;
        }

        var lower = LowerWithGain(lanes);
        return lower >= 0 && _line.RateAt(_window) > _out.Rate * Growth(lower) && _without[lower].RateAt(_window) > _in.Rate ? lower : -1;
    }

    /// <summary>
    /// The first step below at which so much less is compressed that it is worth it, or -1. A step by itself may save too little of a busy processor; but that those
    /// without streams save little says that other things are what takes the time.
    /// </summary>
    private int LowerWithGain(int lanes)
    {
        var cost = 1.0;
        for (var step = _at - 1; step >= Math.Min(_at - 1, s_strongestAlone); step--)
        {
            cost *= Ladder[step + 1].Cost;
            var saved = (1.0 / Ladder[_at].Threads(lanes, processors)) - (1 / (cost * Ladder[step].Threads(lanes, processors)));
            if (saved * _times.Processor >= Saving * _times.Total)
            {
                return step;
            }
        }

        return -1;
    }

    /// <summary>How many times as much a step below makes of what is sent now.</summary>
    private double Growth(int step)
    {
        if (Ladder[step].Level == PackCodec.NoCompression)
        {
            return _in.Bytes / _out.Bytes;
        }

        var growth = 1.0;
        for (var above = _at; above > step; above--)
        {
            growth /= Ladder[above].Size;
        }

        return growth;
    }

    private void Begin()
    {
        _bytes = _packed = _packs = 0;
        _times = default;
    }

    private void MoveTo(int step)
    {
        _climbed = step > _at ? _window : _climbed;
        _at = step;
        _toSkip = _lanes - 1;
        _agreed = 0;
        _in = _out = default;
    }

    /// <summary>Until which window a step is not taken, and how many that is from where it was left.</summary>
    private readonly record struct Absence(int Until, int Length)
    {
        /// <summary>It is left again.</summary>
        public Absence Again(int taken, int now)
        {
            var length = now - taken < Soon ? Math.Min(2 * Length, MostAbsence) : LeastAbsence;
            return new(now + length, length);
        }
    }
}
