namespace NativeSync.Migration.Configuration;

/// <summary>What <c>client.json</c> says of the look at the started instance (<c>Client.Check.*</c>).</summary>
public sealed record StartCheckSettings
{
    private const string Prefix = "Client.Check.";

    /// <summary><c>Client.Check.Port</c>: where the migrated system's SSH server answers; null takes what its configuration says, else <c>Client.Ssh.Port</c>.</summary>
    public int? Port { get; init; }

    /// <summary><c>Client.Check.User</c>: who logs in to look.</summary>
    public string User { get; init; } = "root";

    /// <summary><c>Client.Check.IdentityFile</c>: a private key that the source lets in; null: nobody logs in.</summary>
    public string? IdentityFile { get; init; }

    /// <summary><c>Client.Check.WaitSeconds</c>: how long it may take to boot.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>Client.Check.ConsoleFile</c>: where somebody keeps what comes over the instance's serial console; its end is shown when the instance does not answer.</summary>
    public string? ConsoleFile { get; init; }

    internal static StartCheckSettings Read(ConfigReader r)
    {
        StartCheckSettings defaults = new();
        string? user = r.Text(Prefix + "User");
        if (user is not null && !NameForms.IsUser(user))
        {
            r.Error(Prefix + "User", "expected a user name such as \"root\"");
        }

        return new StartCheckSettings
        {
            Port = (int?)r.Integer(Prefix + "Port", 1, 65535),
            User = user ?? defaults.User,
            IdentityFile = r.Text(Prefix + "IdentityFile"),
            Limit = r.Number(Prefix + "WaitSeconds", 0.1, 86400) is { } seconds ? TimeSpan.FromSeconds(seconds) : defaults.Limit,
            ConsoleFile = r.Text(Prefix + "ConsoleFile"),
        };
    }
}
