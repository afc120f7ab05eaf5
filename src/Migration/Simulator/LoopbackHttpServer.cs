using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NativeSync.Migration.Simulator;

/// <summary>A request as it came, headers in order.</summary>
/// <param name="Method">GET, POST ….</param>
/// <param name="Target">Path, or a whole address when the client takes us for a proxy.</param>
/// <param name="Headers">Names and values as sent.</param>
/// <param name="Body">The body.</param>
public sealed record HttpRequestData(string Method, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body)
{
    /// <summary>The first header of a name, or null.</summary>
    public string? Header(string name)
    {
        foreach ((string key, string value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return null;
    }
}

/// <summary>What to answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="ContentType">Type of the body.</param>
/// <param name="Body">The body.</param>
public sealed record HttpResponseData(int Status, string ContentType, byte[] Body)
{
    /// <summary>Further headers.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Close the connection instead of answering.</summary>
    public bool Cut { get; init; }

    /// <summary>Close the connection in the middle of the body.</summary>
    public bool Truncated { get; init; }
}

/// <summary>
/// A small HTTP/1.1 server for the loopback interface, enough for API clients: Content-Length bodies and kept-alive
/// connections. ASP.NET would be a larger part of the executable than the rest of it.
/// </summary>
public sealed class LoopbackHttpServer : IAsyncDisposable
{
    private const int MaxHead = 64 << 10;
    private const int MaxBody = 10 << 20;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<HttpRequestData, CancellationToken, Task<HttpResponseData>> _handler;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Task> _connections = []; // guarded by _gate
    private readonly Task _accepting;

    /// <summary>Starts to listen on a free port of 127.0.0.1.</summary>
    /// <param name="handler">Answers one request; may run for several connections at once.</param>
    /// <param name="time">Clock of the Date header.</param>
    public LoopbackHttpServer(Func<HttpRequestData, CancellationToken, Task<HttpResponseData>> handler, TimeProvider time)
    {
        _handler = handler;
        _time = time;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The port that it listens on.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await _accepting.ConfigureAwait(false);
        Task[] open;
        lock (_gate)
        {
            open = [.. _connections];
        }

        await Task.WhenAll(open).ConfigureAwait(false);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                Task serving = ServeAsync(client);
                lock (_gate)
                {
                    _connections.RemoveAll(t => t.IsCompleted);
                    _connections.Add(serving);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Either we stop, or one client gave up while connecting.
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient owned = client;
        try
        {
            NetworkStream stream = client.GetStream();
            byte[] buffer = new byte[MaxHead];
            int filled = 0;
            while (true)
            {
                int end;
                while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    int read = filled == buffer.Length ? 0 : await stream.ReadAsync(buffer.AsMemory(filled), _stop.Token).ConfigureAwait(false);
                    if (read == 0)
                    {
                        return;
                    }

                    filled += read;
                }

                if (ParseHead(Encoding.Latin1.GetString(buffer, 0, end)) is not { } head)
                {
                    return;
                }

                byte[] body = new byte[head.Length];
                int here = Math.Min(head.Length, filled - end - 4);
                buffer.AsSpan(end + 4, here).CopyTo(body);
                await stream.ReadExactlyAsync(body.AsMemory(here), _stop.Token).ConfigureAwait(false);
                int rest = filled - end - 4 - here;
                buffer.AsSpan(end + 4 + here, rest).CopyTo(buffer);
                filled = rest;

                HttpResponseData answer = await _handler(head.Request with { Body = body }, _stop.Token).ConfigureAwait(false);
                if (answer.Cut)
                {
                    return;
                }

                byte[] bytes = Encode(answer);
                await stream.WriteAsync(answer.Truncated ? bytes.AsMemory(0, bytes.Length - (answer.Body.Length / 2)) : bytes, _stop.Token).ConfigureAwait(false);
                if (answer.Truncated)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client went away, or we stop: nobody is left to be told.
        }
    }

    private static (HttpRequestData Request, int Length)? ParseHead(string head)
    {
        string[] lines = head.Split("\r\n");
        string[] first = lines[0].Split(' ');
        if (first.Length != 3)
        {
            return null;
        }

        List<KeyValuePair<string, string>> headers = [];
        int length = 0;
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                return null;
            }

            string name = line[..colon];
            string value = line[(colon + 1)..].Trim();
            headers.Add(new(name, value));
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
                && (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > MaxBody))
            {
                return null;
            }
        }

        return (new HttpRequestData(first[0], first[1], headers, []), length);
    }

    private byte[] Encode(HttpResponseData answer)
    {
        StringBuilder head = new();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} {(answer.Status == 200 ? "OK" : "Error")}\r\n");
        head.Append(CultureInfo.InvariantCulture, $"Date: {_time.GetUtcNow():r}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {answer.Body.Length}\r\n");
        foreach ((string name, string value) in answer.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append("\r\n");
        return [.. Encoding.Latin1.GetBytes(head.ToString()), .. answer.Body];
    }
}
