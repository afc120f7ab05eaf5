namespace NativeSync.EndToEnd.Tests.Chaos;

/// <summary>What is done to a run, and when: at a share of the bytes that were still to go.</summary>
/// <param name="Victim">client, agent, sshd, line or lane.</param>
/// <param name="At">0 to 1.</param>
internal readonly record struct Blow(string Victim, double At);

/// <summary>A transfer that is interrupted, drawn from a seed of its own, so that one moment can be had again alone.</summary>
/// <param name="Seed">Of this moment.</param>
/// <param name="Push">Else pull.</param>
/// <param name="Lanes">--lanes.</param>
/// <param name="Fresh">Nothing is there yet; else an older tree.</param>
/// <param name="Renames">--detect-renamed.</param>
/// <param name="Limited">--bwlimit: disks keep up, as they do in the field. Else as fast as it goes.</param>
/// <param name="Blows">One for each run that does not complete.</param>
internal sealed record ChaosMoment(int Seed, bool Push, int Lanes, bool Fresh, bool Renames, bool Limited, Blow[] Blows)
{
    private static readonly string[] Victims = ["client", "agent", "sshd", "line", "lane"];

    public static ChaosMoment Draw(int seed)
    {
        Random random = new(seed);
        bool push = random.Next(2) == 0;
        int lanes = random.Next(2) == 0 ? 1 : 4;
        Blow[] blows = new Blow[random.Next(4) == 0 ? 2 : 1];
        for (int i = 0; i < blows.Length; i++)
        {
            blows[i] = new Blow(Victims[random.Next(lanes == 1 ? Victims.Length - 1 : Victims.Length)], random.NextDouble());
        }

        return new ChaosMoment(seed, push, lanes, Fresh: random.Next(2) == 0, Renames: random.Next(3) == 0, Limited: random.Next(3) > 0, blows);
    }

    /// <summary>Moments of one kind send the same when nothing happens.</summary>
    public (bool Push, bool Fresh, bool Renames) Kind => (Push, Fresh, Renames);

    /// <summary>The options of its runs.</summary>
    public string[] Words =>
    [
        "-aHAX", "--delete", $"--lanes={Lanes}", .. (string[])(Renames ? ["--detect-renamed"] : []), .. (string[])(Limited ? ["--bwlimit=60000"] : []),
    ];

    public override string ToString() =>
        $"NATIVESYNC_SEED={Seed}: {(Push ? "push" : "pull")}{(Fresh ? "" : " over an older tree")}, {string.Join(' ', Words)}; kills: {string.Join(", ", Blows.Select(b => $"{b.Victim} at {b.At:P0}"))}";
}
