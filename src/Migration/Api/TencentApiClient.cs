using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Api;

/// <summary>A call of the API: which service, version and action, and whether it only reads.</summary>
internal readonly record struct ApiAction(string Service, string Version, string Name, bool ReadOnly);

/// <summary>Told of what the client does on its own, for the log.</summary>
public interface IApiLog
{
    /// <summary>A call begins or ends; no secrets in it.</summary>
    void Debug(string message);

    /// <summary>Something that the user should know.</summary>
    void Warn(string message);
}

/// <summary>
/// Sends signed requests (API v3, POST, JSON). Reading calls are repeated after passing trouble; changing calls only
/// where the API has refused them unread (rate limit, clock), never where they may have happened.
/// </summary>
public sealed class TencentApiClient : IDisposable
{
    /// <summary>How often a call is tried in all.</summary>
    internal const int MaxAttempts = 5;

    /// <summary>A clock that is off by no more than this is corrected by the offset; further off, the user must mend it.</summary>
    internal static readonly TimeSpan MaxClockOffset = TimeSpan.FromMinutes(15);

    private const int MaxAnswer = 8 << 20;
    private static readonly MediaTypeHeaderValue JsonType = new("application/json") { CharSet = "utf-8" };

    private readonly HttpClient _http;
    private readonly CredentialProvider _credentials;
    private readonly ClientSettings _settings;
    private readonly string _region;
    private readonly TimeProvider _time;
    private readonly IApiLog _log;
    private TimeSpan _clockOffset;

    /// <summary>Creates a client; nothing is sent yet.</summary>
    public TencentApiClient(CredentialProvider credentials, string region, ClientSettings settings, string toolDirectory, TimeProvider time, IApiLog log)
    {
        _credentials = credentials;
        _region = region;
        _settings = settings;
        _time = time;
        _log = log;
        _http = new HttpClient(ApiHttp.CreateHandler(settings, toolDirectory)) { Timeout = System.Threading.Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswer };
    }

    /// <summary>How far this machine's clock is behind the API's, as last seen.</summary>
    public TimeSpan? ClockSkew { get; private set; }

    /// <summary>Where the credentials of the last call came from, for messages.</summary>
    public string CredentialOrigin { get; private set; } = "";

    /// <summary>Carries out one call, with the repeats that are safe.</summary>
    /// <exception cref="CloudException">It failed; <see cref="CloudException.Effect"/> says whether it may have happened.</exception>
    internal async Task<TResponse> CallAsync<TRequest, TResponse>(
        ApiAction action, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<ApiEnvelope<TResponse>> responseType, CancellationToken ct)
        where TResponse : ApiResponse
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(request, requestType);
        bool clockCorrected = false, renewed = false, renew = false;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                CloudCredentials credentials = await _credentials.GetAsync(renew, ct).ConfigureAwait(false);
                renew = false;
                CredentialOrigin = credentials.Origin;
                return await SendAsync(action, credentials, body, responseType, ct).ConfigureAwait(false);
            }
            catch (CloudException e) when (e.Code == CloudErrors.TokenFailure && _credentials.CanRenew && !renewed)
            {
                // Refused unread: the role's credentials were replaced before their time.
                renewed = renew = true;
            }
            catch (CloudException e) when (e.Code == CloudErrors.SignatureExpire && !clockCorrected && CorrectClock())
            {
                clockCorrected = true;
            }
            catch (CloudException e) when (attempt < MaxAttempts && MayRepeat(action, e.Code))
            {
                TimeSpan pause = Backoff(attempt, CloudErrors.IsThrottled(e.Code));
                _log.Debug($"{e.Message}; trying again in {pause.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s ({attempt} of {MaxAttempts})");
                await Task.Delay(pause, _time, ct).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>0.5, 1, 2, 4 s, since the API's limits are per second; other trouble waits less when the state is polled more often than that.</summary>
    private TimeSpan Backoff(int attempt, bool throttled)
        => TimeSpan.FromSeconds((throttled ? 0.5 : Math.Min(0.5, _settings.PollInterval.TotalSeconds)) * (1 << (attempt - 1)));

    private static bool MayRepeat(ApiAction action, string code)
        => action.ReadOnly ? CloudErrors.IsTransient(code) : CloudErrors.IsThrottled(code);

    private bool CorrectClock()
    {
        if (ClockSkew is not { } skew || skew.Duration() > MaxClockOffset || skew.Duration() < TimeSpan.FromSeconds(30))
        {
            return false;
        }

        _clockOffset = skew;
        _log.Warn($"the clock of this machine is {Describe(skew)}; the API's time is used for its calls, but set the clock before the server moves");
        return true;
    }

    private static string Describe(TimeSpan skew)
        => $"{(int)skew.Duration().TotalMinutes} min {skew.Duration().Seconds} s {(skew > TimeSpan.Zero ? "slow" : "fast")}";

    private async Task<TResponse> SendAsync<TResponse>(ApiAction action, CloudCredentials credentials, byte[] body, JsonTypeInfo<ApiEnvelope<TResponse>> type, CancellationToken ct)
        where TResponse : ApiResponse
    {
        Uri endpoint = ApiEndpoint.For(action.Service, _region, _settings.ApiEndpoint);
        using HttpRequestMessage request = Sign(action, credentials, endpoint, body);
        using CancellationTokenSource timeout = new(_settings.CallTimeout, _time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        _log.Debug($"{action.Name} -> {endpoint.Authority}");
        byte[] answer;
        HttpStatusCode status;
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, both.Token).ConfigureAwait(false);
            answer = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
            status = response.StatusCode;
            if (response.Headers.Date is { } date)
            {
                ClockSkew = date - _time.GetUtcNow();
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CloudException(action.Name, CloudErrors.Timeout, $"no answer from {endpoint.Authority} within {_settings.CallTimeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s", "check the network, then run the tool again", CallEffect.Unknown);
        }
        catch (HttpRequestException e)
        {
            throw ApiHttp.Translate(action.Name, endpoint, _settings, e);
        }

        return Parse(action, endpoint, status, answer, type);
    }

    private TResponse Parse<TResponse>(ApiAction action, Uri endpoint, HttpStatusCode status, byte[] answer, JsonTypeInfo<ApiEnvelope<TResponse>> type)
        where TResponse : ApiResponse
    {
        TResponse? parsed = null;
        try
        {
            parsed = JsonSerializer.Deserialize(answer, type)?.Response;
        }
        catch (JsonException)
        {
            // Falls through: an HTML page of some gateway is no answer of the API.
        }

        if (parsed?.Error is { } error)
        {
            string code = error.Code ?? "UnknownError";
            string advice = code == CloudErrors.SignatureExpire && ClockSkew is { } skew && skew.Duration() > TimeSpan.FromMinutes(1)
                ? $"the clock of this machine is {Describe(skew)} compared with the API's; set it (for example: chronyd -q, or ntpdate), then run the tool again"
                : CloudErrors.AdviceFor(code);
            CallEffect effect = code.StartsWith("Internal", StringComparison.Ordinal) || code == "ServiceUnavailable" ? CallEffect.Unknown : CallEffect.None;
            throw new CloudException(action.Name, code, Escape(error.Message ?? ""), advice, effect, parsed.RequestId);
        }

        if (parsed is null || status != HttpStatusCode.OK)
        {
            // The API refuses with status 200 only: a 401 is some proxies' answer to a wrong password (tinyproxy's).
            bool proxy = status == HttpStatusCode.ProxyAuthenticationRequired || (status == HttpStatusCode.Unauthorized && _settings.Proxy is not null);
            throw proxy
                ? ApiHttp.RefusedByProxy(action.Name)
                : new CloudException(action.Name, CloudErrors.BadAnswer, $"{endpoint.Authority} answered with HTTP status {(int)status} and not as the API does", "check Client.Api.Endpoint and any proxy on the way; if they are right, run the tool again", CallEffect.Unknown);
        }

        _log.Debug($"{action.Name} <- request {parsed.RequestId}");
        return parsed;
    }

    /// <summary>Text from the other side must not reach a terminal with control characters. Its lines stay: what is shown of an error begins each anew.</summary>
    private static string Escape(string text)
        => ByteText.EscapeText(text.Replace("\r\n", "\n", StringComparison.Ordinal).Trim(), keepLines: true);

    private HttpRequestMessage Sign(ApiAction action, CloudCredentials credentials, Uri endpoint, byte[] body)
    {
        long timestamp = (_time.GetUtcNow() + _clockOffset).ToUnixTimeSeconds();
        List<KeyValuePair<string, string>> signed =
        [
            new("content-type", JsonType.ToString()),
            new("host", ApiEndpoint.HostOf(endpoint)),
            new("x-tc-action", action.Name),
        ];
        HttpRequestMessage request = new(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = JsonType;
        request.Headers.Host = ApiEndpoint.HostOf(endpoint);
        Add("X-TC-Action", action.Name);
        Add("X-TC-Version", action.Version);
        Add("X-TC-Region", _region);
        Add("X-TC-Timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        Add("X-TC-Language", "en-US");
        Add("X-TC-RequestClient", "NativeSync");
        if (credentials.Token is { } token)
        {
            Add("X-TC-Token", token);
        }

        Add("Authorization", Tc3Signer.Authorization(credentials.SecretId, credentials.SecretKey, timestamp, action.Service, signed, body));
        return request;

        void Add(string name, string value) => request.Headers.TryAddWithoutValidation(name, value);
    }
}
