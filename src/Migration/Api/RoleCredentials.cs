using System.Net;
using System.Text.Json;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Api;

/// <summary>What the metadata service of a CVM says about its role (tencentcloud.com/document/product/213/4934).</summary>
internal sealed class RoleAnswer
{
    public string? Code { get; set; }

    public string? TmpSecretId { get; set; }

    public string? TmpSecretKey { get; set; }

    public string? Token { get; set; }

    /// <summary>Seconds since 1970.</summary>
    public long? ExpiredTime { get; set; }
}

/// <summary>
/// Gives the credentials that sign calls: a fixed key, or the temporary ones of the CVM's role, which are fetched anew
/// before they expire, since a migration may take longer than they live.
/// </summary>
public sealed class CredentialProvider
{
    private const string Path = "/latest/meta-data/cam/security-credentials/";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    private readonly Uri? _metadata;
    private readonly TimeProvider _time;
    private readonly Action<CloudCredentials> _obtained;
    private CloudCredentials? _current;
    private DateTimeOffset _until = DateTimeOffset.MaxValue;

    /// <summary>A key that stays the same.</summary>
    public CredentialProvider(CloudCredentials credentials)
    {
        _current = credentials;
        _time = TimeProvider.System;
        _obtained = _ => { };
    }

    /// <summary>The role of this CVM.</summary>
    /// <param name="metadata">Scheme, host and port of the metadata service.</param>
    /// <param name="time">Clock.</param>
    /// <param name="obtained">Told of each set of credentials, so that none is ever logged.</param>
    public CredentialProvider(Uri metadata, TimeProvider time, Action<CloudCredentials> obtained)
    {
        _metadata = metadata;
        _time = time;
        _obtained = obtained;
    }

    /// <summary>Whether <see cref="GetAsync"/> can give others than before.</summary>
    public bool CanRenew => _metadata is not null;

    /// <summary>The credentials that are valid now.</summary>
    /// <param name="renew">Those given before were refused.</param>
    /// <param name="ct">Cancelled by the user.</param>
    /// <exception cref="ConfigException">There is no role here, and so no credentials at all.</exception>
    public async ValueTask<CloudCredentials> GetAsync(bool renew, CancellationToken ct)
    {
        if (_metadata is null || (_current is not null && !renew && _time.GetUtcNow() < _until - Margin))
        {
            return _current!;
        }

        try
        {
            return _current = await FetchAsync(_metadata, ct).ConfigureAwait(false);
        }
        catch (ConfigException) when (_current is not null && !renew && _time.GetUtcNow() < _until)
        {
            // They hold a while yet, and the next call asks again: a service that is away for a moment ends no migration.
            return _current;
        }
    }

    private async Task<CloudCredentials> FetchAsync(Uri metadata, CancellationToken ct)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = Limit }) { Timeout = Limit, MaxResponseContentBufferSize = 64 << 10 };
        try
        {
            string role = (await http.GetStringAsync(new Uri(metadata, Path), ct).ConfigureAwait(false)).Split('\n')[0].Trim();
            byte[] body = await http.GetByteArrayAsync(new Uri(metadata, Path + Uri.EscapeDataString(role)), ct).ConfigureAwait(false);
            RoleAnswer? answer = JsonSerializer.Deserialize(body, ApiJson.Default.RoleAnswer);
            if (answer is { Code: "Success", TmpSecretId: { Length: > 0 } id, TmpSecretKey: { Length: > 0 } key, Token: { Length: > 0 } token })
            {
                _until = answer.ExpiredTime is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : _time.GetUtcNow() + Margin;
                CloudCredentials fetched = new(id, key, token, $"the CVM's role {role}");
                _obtained(fetched);
                return fetched;
            }

            throw Missing($"the metadata service gives no credentials for the role \"{role}\" ({answer?.Code ?? "no code"})");
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            throw Missing("this CVM has no role");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw Missing("this machine is no CVM with a role");
        }
    }

    private static ConfigException Missing(string why) => new(
        UserSettings.FileName, 0, "SecretId",
        $"missing, and {why}; put SecretId and SecretKey there, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or write ~/.tencentcloud/credentials");
}
