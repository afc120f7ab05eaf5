using System.Diagnostics;
using System.Globalization;
using NativeSync.Fuzz;

// docs/testing.md: dotnet run --project tests/NativeSync.Fuzz -c Release -- --seconds 60 [--seed N] [--input FILE] [--out DIR]
int seconds = 60;
int seed = Environment.TickCount;
string? inputFile = null;
string outDirectory = Path.Combine("artifacts", "fuzz");
for (int i = 0; i < args.Length; i++)
{
    string? value = i + 1 < args.Length ? args[i + 1] : null;
    switch (args[i])
    {
        case "--seconds" when int.TryParse(value, CultureInfo.InvariantCulture, out seconds): i++; break;
        case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out seed): i++; break;
        case "--input" when value is not null: inputFile = value; i++; break;
        case "--out" when value is not null: outDirectory = value; i++; break;
        default:
            Console.Error.WriteLine($"fuzz: '{args[i]}' is not understood: --seconds N, --seed N, --input FILE, --out DIR");
            return 1;
    }
}

var fuzzer = new Fuzzer(seed, outDirectory);
if (inputFile is not null)
{
    byte[] file = File.ReadAllBytes(inputFile);
    return fuzzer.Try((TargetKind)file[0], file[1..]) ? 0 : 1;
}

Console.WriteLine($"fuzz: seed {seed}, {seconds} s, {fuzzer.CorpusCount} inputs from the examples of docs/protocol.md");
var clock = Stopwatch.StartNew();
bool fine = fuzzer.Run(TimeSpan.FromSeconds(seconds));
Console.WriteLine($"fuzz: {fuzzer.Runs} runs in {clock.Elapsed.TotalSeconds:0} s ({fuzzer.Runs / clock.Elapsed.TotalSeconds:0}/s), "
    + $"{fuzzer.Novelties} distinct outcomes, corpus {fuzzer.CorpusCount}, last novelty at run {fuzzer.LastNovelty}: {(fine ? "no promise broken" : "FAILED")}");
return fine ? 0 : 1;
