using System.Diagnostics;

namespace NativeSync.Fuzz;

/// <summary>
/// Mutates a corpus. An input whose outcome (types, sizes, kind of error) was not seen before joins the corpus, so that the search goes
/// deeper from there: the outcome stands in for code coverage.
/// </summary>
internal sealed class Fuzzer
{
    private const int MaxCorpus = 20_000;
    private static readonly TimeSpan TooLong = TimeSpan.FromSeconds(10);

    private readonly List<(TargetKind Kind, byte[] Data)> _corpus = [];
    private readonly HashSet<int> _seen = [];
    private readonly Targets _targets = new();
    private readonly Random _random;
    private readonly Mutator _mutator;
    private readonly string _outDirectory;
    private (TargetKind Kind, byte[] Data) _current;
    private long _currentSince;

    internal Fuzzer(int seed, string outDirectory)
    {
        _random = new Random(seed);
        _mutator = new Mutator(_random);
        _outDirectory = outDirectory;
        foreach (PageExample example in ProtocolPage.Examples)
        {
            if (example.Kind == ExampleKind.Record)
            {
                _corpus.Add((TargetKind.Records, example.Bytes));
            }
            else
            {
                _corpus.Add((TargetKind.Frames, example.Bytes));
                _corpus.Add((TargetKind.Stream, [.. "Last login: today\r\n\0NSYN"u8, .. Protocol.Magic.Bytes, .. example.Bytes]));
            }
        }
    }

    internal long Runs { get; private set; }

    internal int Novelties => _seen.Count;

    internal long LastNovelty { get; private set; }

    internal int CorpusCount => _corpus.Count;

    internal bool Run(TimeSpan time)
    {
        using var watchdog = new Timer(_ => Watch(), null, TooLong, TimeSpan.FromSeconds(1));
        int examples = _corpus.Count;
        for (int i = 0; i < examples; i++)
        {
            if (!Try(_corpus[i].Kind, _corpus[i].Data))
            {
                return false;
            }
        }

        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time)
        {
            (TargetKind kind, byte[] data) = _corpus[Choose()];
            byte[] other = _corpus[Choose()].Data;
            byte[] mutated = _mutator.Mutate(kind, data, other);
            int before = _seen.Count;
            if (!Try(kind, mutated))
            {
                return false;
            }

            if (_seen.Count > before)
            {
                LastNovelty = Runs;
                if (_corpus.Count < MaxCorpus)
                {
                    _corpus.Add((kind, mutated));
                }
                else
                {
                    _corpus[_random.Next(examples, MaxCorpus)] = (kind, mutated);
                }
            }
        }

        return true;
    }

    /// <summary>Runs one input; on a broken promise says so, and leaves a file that `--input` takes.</summary>
    internal bool Try(TargetKind kind, byte[] data)
    {
        _current = (kind, data);
        Volatile.Write(ref _currentSince, Stopwatch.GetTimestamp());
        Runs++;
        try
        {
            _seen.Add(_targets.Run(kind, data, _random));
            return true;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"fuzz: broken by {Save()}\n{e}");
            return false;
        }
    }

    /// <summary>One of the newer inputs in half of the cases: they lead further.</summary>
    private int Choose() => _random.Next(2) == 0
        ? _random.Next(_corpus.Count)
        : _random.Next(Math.Max(0, _corpus.Count - 200), _corpus.Count);

    private void Watch()
    {
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref _currentSince)) > TooLong)
        {
            Console.Error.WriteLine($"fuzz: no end after {TooLong.TotalSeconds} s: {Save()}");
            Environment.Exit(1);
        }
    }

    private string Save()
    {
        Directory.CreateDirectory(_outDirectory);
        byte[] file = [(byte)_current.Kind, .. _current.Data];
        string path = Path.Combine(_outDirectory, $"broken-{(uint)StableHash(file):x8}.bin");
        File.WriteAllBytes(path, file);
        return $"{path} (run it again with --input {path})";
    }

    private static int StableHash(byte[] data)
    {
        uint hash = 2166136261;
        foreach (byte b in data)
        {
            hash = (hash ^ b) * 16777619;
        }

        return (int)hash;
    }
}
