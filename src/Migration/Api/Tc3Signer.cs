using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NativeSync.Migration.Api;

/// <summary>
/// TC3-HMAC-SHA256 signatures of API v3 requests (tencentcloud.com/document/product/213/31574), for the client and for
/// the simulator that checks them.
/// </summary>
public static class Tc3Signer
{
    /// <summary>The algorithm's name, first word of the Authorization header.</summary>
    public const string Algorithm = "TC3-HMAC-SHA256";

    /// <summary>The canonical form of a POST to "/".</summary>
    /// <param name="headers">The signed headers: lower-case names with values, sorted by name.</param>
    /// <param name="body">The request's body.</param>
    public static string CanonicalRequest(IReadOnlyList<KeyValuePair<string, string>> headers, ReadOnlySpan<byte> body)
    {
        StringBuilder text = new("POST\n/\n\n");
        foreach ((string name, string value) in headers)
        {
            text.Append(name).Append(':').Append(value.Trim().ToLowerInvariant()).Append('\n');
        }

        return text.Append('\n').Append(SignedHeaders(headers)).Append('\n').Append(Hex(SHA256.HashData(body))).ToString();
    }

    /// <summary>The names of the signed headers, joined by semicolons.</summary>
    public static string SignedHeaders(IReadOnlyList<KeyValuePair<string, string>> headers)
        => string.Join(';', headers.Select(h => h.Key));

    /// <summary>The UTC date of a timestamp, as the credential's scope has it.</summary>
    public static string DateOf(long timestamp)
        => DateTimeOffset.FromUnixTimeSeconds(timestamp).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>What is signed: algorithm, time, scope and the hash of the canonical request.</summary>
    public static string StringToSign(long timestamp, string service, string canonicalRequest)
        => $"{Algorithm}\n{timestamp}\n{DateOf(timestamp)}/{service}/tc3_request\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)))}";

    /// <summary>The key that signs requests of one day to one service.</summary>
    public static byte[] SigningKey(string secretKey, string date, string service)
    {
        byte[] kDate = Hmac(Encoding.UTF8.GetBytes("TC3" + secretKey), date);
        byte[] kService = Hmac(kDate, service);
        return Hmac(kService, "tc3_request");
    }

    /// <summary>The signature in lower-case hex.</summary>
    public static string Signature(byte[] signingKey, string stringToSign) => Hex(Hmac(signingKey, stringToSign));

    /// <summary>The value of the Authorization header.</summary>
    public static string Authorization(
        string secretId, string secretKey, long timestamp, string service, IReadOnlyList<KeyValuePair<string, string>> headers, ReadOnlySpan<byte> body)
    {
        string date = DateOf(timestamp);
        string toSign = StringToSign(timestamp, service, CanonicalRequest(headers, body));
        string signature = Signature(SigningKey(secretKey, date, service), toSign);
        return $"{Algorithm} Credential={secretId}/{date}/{service}/tc3_request, SignedHeaders={SignedHeaders(headers)}, Signature={signature}";
    }

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
