using System.Globalization;
using System.Text;

namespace NativeSync.Migration.Simulator;

/// <summary>
/// The part of the Tencent Cloud API that a migration needs, as an HTTP server on loopback: verifies TC3 signatures, limits
/// the rate of calls, goes wrong where it is told to, and plays the metadata service that hands out a role's credentials.
/// </summary>
public sealed class CloudSimulator : IAsyncDisposable
{
    /// <summary>Path of the metadata service below which a CVM finds its role (tencentcloud.com/document/product/213/4934).</summary>
    internal const string RolePath = "/latest/meta-data/cam/security-credentials/";

    private static readonly TimeSpan RoleLifetime = TimeSpan.FromHours(1);

    private readonly SimulatorOptions _options;
    private readonly SimulatedCloud _cloud;
    private readonly LoopbackHttpServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _calls = new(StringComparer.Ordinal); // guarded by _gate, as is what follows
    private readonly Dictionary<string, (long Second, int Count)> _rates = new(StringComparer.Ordinal);
    private int _issued;
    private DateTimeOffset _until = DateTimeOffset.MaxValue; // of the token issued last
    private long _requests;
    private int _disposed;

    /// <summary>Starts it with its instances.</summary>
    public CloudSimulator(SimulatorOptions options, params IReadOnlyList<SimulatedInstance> instances)
    {
        _options = options;
        _cloud = new SimulatedCloud(options, instances, _stop.Token);
        _server = new LoopbackHttpServer(HandleAsync, options.Time);
    }

    /// <summary>The value for Client.Api.Endpoint.</summary>
    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>The port that it listens on.</summary>
    public int Port => _server.Port;

    /// <summary>How often each action was called, refused calls included.</summary>
    public IReadOnlyDictionary<string, int> Calls
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<string, int>(_calls);
            }
        }
    }

    /// <summary>How often the metadata service has handed out credentials; each time the token before becomes worthless.</summary>
    public int RoleCredentialsIssued
    {
        get
        {
            lock (_gate)
            {
                return _issued;
            }
        }
    }

    /// <summary>The token that the role's credentials have now expires at once.</summary>
    public void ExpireRoleCredentials()
    {
        lock (_gate)
        {
            _issued++;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _server.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<HttpResponseData> HandleAsync(HttpRequestData request, CancellationToken ct)
    {
        if (request.Method == "GET")
        {
            return Metadata(request.Target);
        }

        _options.Observed?.Invoke(request);
        string requestId = new Guid((int)Interlocked.Increment(ref _requests), 0x4e53, 0x5953, [0x80, 0, 0, 0, 0, 0, 0, 1]).ToString();
        string action = request.Header("X-TC-Action") ?? "";
        SimulatedFault? fault = FaultOf(request, action);
        switch (fault?.Kind)
        {
            case FaultKind.BadGateway:
                return new(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"u8.ToArray());
            case FaultKind.HtmlPage:
                return new(200, "text/html", "<html><body>Please log in to this network</body></html>"u8.ToArray());
            case FaultKind.EmptyAnswer:
                return new(200, "application/json", []);
            case FaultKind.CutBefore:
                return new(200, "", []) { Cut = true };
            case FaultKind.BrokenJson:
                return new(200, "application/json", "{\"Response\":{\"RequestId\":\"a"u8.ToArray());
            case FaultKind.Slow:
                await Task.Delay(fault.Delay, _options.Time, ct).ConfigureAwait(false);
                break;
        }

        byte[] body = Answer(request, action, requestId, fault);
        return new HttpResponseData(200, "application/json", body) { Cut = fault?.Kind == FaultKind.CutAfter, Truncated = fault?.Kind == FaultKind.Truncated };
    }

    private byte[] Answer(HttpRequestData request, string action, string requestId, SimulatedFault? fault)
    {
        try
        {
            if (request is not { Method: "POST", Target: "/" })
            {
                throw new SimulatorException("InvalidRequest", "Only POST requests to / are understood.");
            }

            SignatureVerifier.Verify(request, _options.SecretId, _options.SecretKey, CurrentToken(), _options.Time.GetUtcNow());
            if (fault?.Kind == FaultKind.Error)
            {
                throw new SimulatorException(fault.Code, fault.Message);
            }

            Throttle(action);
            using RequestParameters parameters = new(request.Body);
            string? failure = fault?.Kind == FaultKind.OperationFails ? fault.Message : null;
            return _cloud.Carry(new ApiCall(action, request.Header("X-TC-Version") ?? "", request.Header("X-TC-Region") ?? "", parameters, requestId), failure);
        }
        catch (SimulatorException e)
        {
            return SimulatorAnswers.Error(e.Code, e.Message, requestId);
        }
    }

    private SimulatedFault? FaultOf(HttpRequestData request, string action)
    {
        string state = _cloud.StateOf(Encoding.UTF8.GetString(request.Body));
        int count;
        lock (_gate)
        {
            count = _calls[action] = _calls.GetValueOrDefault(action) + 1;
        }

        return _options.Fault?.Invoke(new SimulatedCall(action, count, state));
    }

    private void Throttle(string action)
    {
        if (_options.CallsPerSecond == 0)
        {
            return;
        }

        long second = _options.Time.GetUtcNow().ToUnixTimeSeconds();
        lock (_gate)
        {
            (long last, int count) = _rates.GetValueOrDefault(action);
            count = last == second ? count + 1 : 1;
            _rates[action] = (second, count);
            if (count > _options.CallsPerSecond)
            {
                throw new SimulatorException("RequestLimitExceeded", $"Your current request times equals to `{count}` in a second, which exceeds the frequency limit `{_options.CallsPerSecond}` for a second.");
            }
        }
    }

    private string? CurrentToken()
    {
        lock (_gate)
        {
            return _options.Role is null ? _options.Token : _options.Time.GetUtcNow() < _until ? Token(_issued) : "(over)";
        }
    }

    private static string Token(int issue) => string.Create(CultureInfo.InvariantCulture, $"TokenOfTheRole{issue}");

    private HttpResponseData Metadata(string target)
    {
        if (_options.Role is not { } role || !target.StartsWith(RolePath, StringComparison.Ordinal))
        {
            return new(404, "text/plain", "not found"u8.ToArray());
        }

        if (target.Length == RolePath.Length)
        {
            return new(200, "text/plain", Encoding.UTF8.GetBytes(role));
        }

        if (target[RolePath.Length..] != role)
        {
            return new(404, "text/plain", "not found"u8.ToArray());
        }

        lock (_gate)
        {
            DateTimeOffset until = _until = _options.Time.GetUtcNow() + RoleLifetime;
            string body = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"TmpSecretId":"{{_options.SecretId}}","TmpSecretKey":"{{_options.SecretKey}}","ExpiredTime":{{until.ToUnixTimeSeconds()}},"Expiration":"{{until:yyyy-MM-ddTHH:mm:ssZ}}","Token":"{{Token(++_issued)}}","Code":"Success"}""");
            return new(200, "application/json", Encoding.UTF8.GetBytes(body));
        }
    }
}
