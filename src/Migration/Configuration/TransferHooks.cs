namespace NativeSync.Migration.Configuration;

/// <summary><c>Client.Transfer.Hooks.*</c>: commands of the user that the source's /bin/sh runs around the passes.</summary>
public sealed record TransferHooks
{
    /// <summary>The key that all of them are below.</summary>
    public const string Key = "Client.Transfer.Hooks";

    /// <summary><c>BeforePass</c>: before each pass.</summary>
    public string? BeforePass { get; init; }

    /// <summary><c>AfterPass</c>: after each pass.</summary>
    public string? AfterPass { get; init; }

    /// <summary><c>BeforeLastPass</c>: stops what writes. Where it is given, a pass of its own follows when little is left.</summary>
    public string? BeforeLastPass { get; init; }

    /// <summary><c>Undo</c>: takes <see cref="BeforeLastPass"/> back, when the run fails before both sides are compared, or the migration is given up.</summary>
    public string? Undo { get; init; }

    /// <summary><c>TimeoutSeconds</c>: how long each may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(5);

    internal static TransferHooks Read(ConfigReader r)
    {
        TransferHooks hooks = new()
        {
            BeforePass = r.Text(Key + ".BeforePass"),
            AfterPass = r.Text(Key + ".AfterPass"),
            BeforeLastPass = r.Text(Key + ".BeforeLastPass"),
            Undo = r.Text(Key + ".Undo"),
        };
        if (hooks is { BeforeLastPass: null, Undo: not null })
        {
            r.Error(Key + ".Undo", $"there is nothing to undo without {Key}.BeforeLastPass; give both, or remove this one");
        }
        else if (hooks is { BeforeLastPass: not null, Undo: null })
        {
            r.Warn(Key + ".BeforeLastPass", $"there is no {Key}.Undo: what this stops stays stopped when the run fails");
        }

        return r.Number(Key + ".TimeoutSeconds", 0.1, 86400) is { } seconds ? hooks with { Limit = TimeSpan.FromSeconds(seconds) } : hooks;
    }
}
