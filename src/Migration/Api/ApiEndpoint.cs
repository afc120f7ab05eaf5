namespace NativeSync.Migration.Api;

/// <summary>Where a service of the cloud answers.</summary>
internal static class ApiEndpoint
{
    /// <summary>The address of a service.</summary>
    /// <param name="service">cvm, vpc, cbs.</param>
    /// <param name="region">Region of the destination; finance zones are reached by their regional name only.</param>
    /// <param name="configured">Client.Api.Endpoint, or null for the public one.</param>
    public static Uri For(string service, string region, string? configured)
    {
        if (configured is null)
        {
            bool finance = region.EndsWith("-fsi", StringComparison.Ordinal);
            return new Uri(finance ? $"https://{service}.{region}.tencentcloudapi.com" : $"https://{service}.tencentcloudapi.com");
        }

        string text = (configured is "intl" or "internal" ? $"https://{{service}}.{configured}.tencentcloudapi.com" : configured)
            .Replace("{service}", service, StringComparison.Ordinal)
            .Replace("{region}", region, StringComparison.Ordinal);
        UriBuilder builder = new(text);

        // "https://cvm.intl.tencentcloudapi.com" names one service; the others are its neighbours.
        if (builder.Host.StartsWith("cvm.", StringComparison.Ordinal) && builder.Host.Contains(".tencentcloudapi.", StringComparison.Ordinal))
        {
            builder.Host = service + builder.Host[3..];
        }

        return builder.Uri;
    }

    /// <summary>The value of the Host header, which is signed: with the port only when it is not the scheme's own.</summary>
    public static string HostOf(Uri endpoint) => endpoint.Authority;
}
