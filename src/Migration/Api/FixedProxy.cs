using System.Net;

namespace NativeSync.Migration.Api;

/// <summary>
/// One proxy for every address. <see cref="WebProxy"/> would do as well, but its list of exceptions is of regular expressions, and their engine a
/// quarter of a megabyte of the executable.
/// </summary>
internal sealed class FixedProxy(Uri address) : IWebProxy
{
    /// <inheritdoc/>
    public ICredentials? Credentials { get; set; }

    /// <inheritdoc/>
    public Uri GetProxy(Uri destination) => address;

    /// <inheritdoc/>
    public bool IsBypassed(Uri host) => false;
}
