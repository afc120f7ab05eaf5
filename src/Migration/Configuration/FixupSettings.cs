using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Configuration;

/// <summary>What <c>client.json</c> says of the fix-ups (docs/boot.md).</summary>
public sealed record FixupSettings
{
    private const string Prefix = "Client.Fixups.";

    /// <summary>One for all, so that settings which say the same are equal.</summary>
    private static readonly IReadOnlyList<string> None = [];

    /// <summary><c>Client.Fixups.Skip</c>: names of the steps to leave out; "all" for all.</summary>
    public IReadOnlyList<string> Skip { get; init; } = None;

    /// <summary><c>Client.Fixups.Only</c>: names of the only steps to take; empty for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = None;

    /// <summary><c>Client.Fixups.Before</c>: a command for /bin/sh inside the copied system, before the steps.</summary>
    public string? Before { get; init; }

    /// <summary><c>Client.Fixups.After</c>: likewise, after the steps.</summary>
    public string? After { get; init; }

    /// <summary><c>Client.Fixups.Hostname</c>: a new host name; null keeps the source's.</summary>
    public string? Hostname { get; init; }

    /// <summary><c>Client.Fixups.NewMachineId</c>.</summary>
    public bool NewMachineId { get; init; }

    /// <summary><c>Client.Fixups.NewHostKeys</c>.</summary>
    public bool NewHostKeys { get; init; }

    /// <summary>Whether a step is taken.</summary>
    public bool Takes(string step) => !Skip.Contains(step) && !Skip.Contains("all") && (Only.Count == 0 || Only.Contains(step));

    internal static FixupSettings Read(ConfigReader r)
    {
        string? hostname = r.Text(Prefix + "Hostname");
        if (hostname is not null && (hostname.Length > 64 || hostname.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") >= 0 || hostname[0] is '.' or '-'))
        {
            r.Error(Prefix + "Hostname", "expected a host name of at most 64 letters, digits, dots and hyphens");
        }

        return new FixupSettings
        {
            Skip = Names(r, Prefix + "Skip"),
            Only = Names(r, Prefix + "Only"),
            Before = r.Text(Prefix + "Before"),
            After = r.Text(Prefix + "After"),
            Hostname = hostname,
            NewMachineId = r.Boolean(Prefix + "NewMachineId") ?? false,
            NewHostKeys = r.Boolean(Prefix + "NewHostKeys") ?? false,
        };
    }

    private static IReadOnlyList<string> Names(ConfigReader r, string key)
    {
        List<string> names = Texts(r, key);
        if (FixupList.Unknown(names) is { } unknown)
        {
            r.Error(key, $"there is no step \"{unknown}\"; nativesync fixup --list names them");
        }

        return names.Count == 0 ? None : names;
    }

    /// <summary>A list of texts.</summary>
    internal static List<string> Texts(ConfigReader r, string key)
    {
        List<string> texts = [];
        foreach (ConfigNode node in r.List(key))
        {
            if (node.Kind == ConfigKind.String)
            {
                texts.Add(node.Text);
            }
            else
            {
                r.Error(key, $"expected texts in quotes, found {node.Shown}");
            }
        }

        return texts;
    }
}
