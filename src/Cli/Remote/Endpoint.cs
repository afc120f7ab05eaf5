using System.Text;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Remote;

/// <summary>One SRC or DEST argument: a local path, or a path on a host (<c>[USER@]HOST:PATH</c>).</summary>
/// <param name="Host">Null for a local path; empty for <c>:PATH</c>, which means the host of the first source.</param>
/// <param name="User">Login name, or null.</param>
/// <param name="Path">The path as raw bytes.</param>
internal sealed record Endpoint(string? Host, string? User, byte[] Path)
{
    /// <summary>Whether it is on another machine.</summary>
    public bool IsRemote => Host is not null;

    /// <summary>Whom to connect to, as the user wrote it, for messages.</summary>
    public string Machine => UsageException.Quote(User is null ? Host ?? "" : $"{User}@{Host}");

    /// <summary>
    /// Reads an argument as rsync does: a colon before any slash makes it remote; an IPv6 address stands in brackets.
    /// </summary>
    /// <exception cref="UsageException">It names an rsync daemon (<c>rsync://</c>, <c>HOST::MODULE</c>), exit code 4.</exception>
    public static Endpoint Parse(byte[] argument)
    {
        if (argument.Length >= 8 && Encoding.Latin1.GetString(argument, 0, 8).Equals("rsync://", StringComparison.OrdinalIgnoreCase))
        {
            throw DaemonRefused(argument);
        }

        int at = 0;
        int slash = Array.IndexOf(argument, (byte)'/');
        int end = slash < 0 ? argument.Length : slash;
        int bracket = Array.IndexOf(argument, (byte)'[', 0, end);
        if (bracket >= 0 && (bracket == 0 || argument[bracket - 1] == '@'))
        {
            int close = Array.IndexOf(argument, (byte)']', bracket, end - bracket);
            at = close < 0 ? 0 : close + 1;
            if (close >= 0 && (at == end || argument[at] != ':'))
            {
                return new Endpoint(null, null, argument);
            }
        }

        int colon = Array.IndexOf(argument, (byte)':', at, end - at);
        if (colon < 0)
        {
            return new Endpoint(null, null, argument);
        }

        if (colon + 1 < argument.Length && argument[colon + 1] == ':')
        {
            throw DaemonRefused(argument);
        }

        string host = Encoding.UTF8.GetString(argument, 0, colon);
        string? user = null;
        int sign = host.LastIndexOf('@');
        if (sign >= 0)
        {
            user = host[..sign];
            host = host[(sign + 1)..];
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }

        return new Endpoint(host, user is { Length: 0 } ? null : user, RemotePath(argument[(colon + 1)..]));
    }

    /// <summary>A remote path is relative to the home directory, where the other end starts; a leading <c>~/</c> says the same.</summary>
    private static byte[] RemotePath(byte[] path) => path switch
    {
        [] or [(byte)'~'] => "."u8.ToArray(),
        [(byte)'~', (byte)'/'] => "./"u8.ToArray(),
        [(byte)'~', (byte)'/', .. var rest] => [.. "./"u8, .. rest],
        _ => path,
    };

    private static UsageException DaemonRefused(byte[] argument) =>
        new($"{UsageException.Quote(argument)}: rsync daemons are not supported (use [USER@]HOST:PATH, which goes over SSH)", UsageException.Unsupported);
}
