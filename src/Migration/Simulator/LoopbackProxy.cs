using System.Net.Http.Headers;
using System.Text;

namespace NativeSync.Migration.Simulator;

/// <summary>A forward proxy for plain HTTP with basic authentication, for rehearsals of scenario 3.</summary>
public sealed class LoopbackProxy : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly LoopbackHttpServer _server;
    private readonly string? _expected;
    private int _forwarded;

    /// <summary>Starts it.</summary>
    /// <param name="user">The user it asks for; null lets everybody through.</param>
    /// <param name="password">The password.</param>
    /// <param name="time">Clock.</param>
    public LoopbackProxy(string? user, string? password, TimeProvider time)
    {
        _expected = user is null ? null : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        _server = new LoopbackHttpServer(ForwardAsync, time);
    }

    /// <summary>The port that it listens on.</summary>
    public int Port => _server.Port;

    /// <summary>How many requests went through.</summary>
    public int Forwarded => _forwarded;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync().ConfigureAwait(false);
        _http.Dispose();
    }

    private async Task<HttpResponseData> ForwardAsync(HttpRequestData request, CancellationToken ct)
    {
        if (_expected is not null && !string.Equals(request.Header("Proxy-Authorization"), _expected, StringComparison.Ordinal))
        {
            return new(407, "text/plain", "authentication required"u8.ToArray()) { Headers = [new("Proxy-Authenticate", "Basic realm=\"rehearsal\"")] };
        }

        if (!Uri.TryCreate(request.Target, UriKind.Absolute, out Uri? target) || target.Scheme != Uri.UriSchemeHttp)
        {
            return new(400, "text/plain", "only whole http addresses are forwarded"u8.ToArray());
        }

        using HttpRequestMessage onward = new(new HttpMethod(request.Method), target) { Content = new ByteArrayContent(request.Body) };
        foreach ((string name, string value) in request.Headers)
        {
            if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
            {
                onward.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else if (!name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                onward.Headers.TryAddWithoutValidation(name, value);
            }
        }

        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(onward, ct).ConfigureAwait(false);
            byte[] body = await answer.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
            Interlocked.Increment(ref _forwarded);
            return new((int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString() ?? "application/json", body);
        }
        catch (HttpRequestException)
        {
            return new(502, "text/html", "<html><body>Bad Gateway</body></html>"u8.ToArray());
        }
    }
}
