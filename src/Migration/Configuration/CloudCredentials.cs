namespace NativeSync.Migration.Configuration;

/// <summary>What signs the calls of the API. Its text form never shows the key.</summary>
/// <param name="SecretId">Id of the key.</param>
/// <param name="SecretKey">The key.</param>
/// <param name="Token">Token of temporary credentials, or null.</param>
/// <param name="Origin">Where they came from, for messages.</param>
public sealed record CloudCredentials(string SecretId, string SecretKey, string? Token, string Origin)
{
    /// <inheritdoc/>
    public override string ToString() => $"credentials from {Origin}";
}

/// <summary>Finds the API key: <c>user.json</c>, else the environment, else a credentials file.</summary>
public static class CredentialSources
{
    /// <summary>Resolves the credentials; null when no place has a complete pair, which leaves the role of a CVM.</summary>
    /// <param name="user">What user.json said.</param>
    /// <param name="environment">Reads an environment variable.</param>
    /// <param name="readFile">Reads a file; null when it does not exist.</param>
    public static CloudCredentials? Resolve(UserSettings user, Func<string, string?> environment, Func<string, string?> readFile)
    {
        if (user is { SecretId: { } id, SecretKey: { } key })
        {
            return new(id, key, user.Token, UserSettings.FileName);
        }

        string? envId = NullIfEmpty(environment("TENCENTCLOUD_SECRET_ID"));
        string? envKey = NullIfEmpty(environment("TENCENTCLOUD_SECRET_KEY"));
        if (envId is not null && envKey is not null)
        {
            return new(envId, envKey, NullIfEmpty(environment("TENCENTCLOUD_SESSION_TOKEN")) ?? NullIfEmpty(environment("TENCENTCLOUD_TOKEN")), "the environment");
        }

        string[] files = environment("HOME") is { Length: > 0 } home
            ? [Path.Combine(home, ".tencentcloud/credentials"), "/etc/tencentcloud/credentials"]
            : ["/etc/tencentcloud/credentials"];
        foreach (string file in files)
        {
            if (readFile(file) is { } text && FromIni(text, file) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static CloudCredentials? FromIni(string text, string file)
    {
        bool inDefault = false;
        Dictionary<string, string> values = new(StringComparer.OrdinalIgnoreCase);
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.Trim();
            if (line.StartsWith('['))
            {
                inDefault = line.Equals("[default]", StringComparison.OrdinalIgnoreCase);
            }
            else if (inDefault && line.IndexOf('=', StringComparison.Ordinal) is > 0 and int at && line[0] is not ('#' or ';'))
            {
                values[line[..at].Trim()] = line[(at + 1)..].Trim();
            }
        }

        return values.TryGetValue("secret_id", out string? id) && values.TryGetValue("secret_key", out string? key) && id.Length > 0 && key.Length > 0
            ? new(id, key, values.TryGetValue("token", out string? token) ? NullIfEmpty(token) : null, file)
            : null;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
