using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Simulator;

/// <summary>Checks signature, key, token and time of a request as the API does.</summary>
internal static class SignatureVerifier
{
    /// <summary>The API accepts clocks that are off by no more than this.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <exception cref="SimulatorException">The request is not authentic.</exception>
    public static void Verify(HttpRequestData request, string secretId, string secretKey, string? token, DateTimeOffset now)
    {
        (string credential, string signedHeaders, string signature) = Parse(request.Header("Authorization"));
        string[] scope = credential.Split('/');
        if (scope.Length != 4 || scope[3] != "tc3_request" || scope[2].Length == 0)
        {
            throw new SimulatorException("AuthFailure.InvalidAuthorization", "The Credential part of the Authorization header is malformed.");
        }

        if (!long.TryParse(request.Header("X-TC-Timestamp"), NumberStyles.None, CultureInfo.InvariantCulture, out long timestamp))
        {
            throw new SimulatorException("MissingParameter", "The header X-TC-Timestamp is missing.");
        }

        if ((now - DateTimeOffset.FromUnixTimeSeconds(timestamp)).Duration() > Tolerance)
        {
            throw new SimulatorException(CloudErrors.SignatureExpire, "The signature has expired: X-TC-Timestamp differs from the time of the server by more than five minutes.");
        }

        if (!string.Equals(scope[0], secretId, StringComparison.Ordinal))
        {
            throw new SimulatorException("AuthFailure.SecretIdNotFound", "The SecretId is not found.");
        }

        string[] names = signedHeaders.Split(';');
        bool good = names.Contains("content-type") && names.Contains("host") && names.SequenceEqual(names.Order(StringComparer.Ordinal))
            && scope[1] == Tc3Signer.DateOf(timestamp)
            && HostForms(request.Header("Host") ?? "").Any(host => Matches(request, names, host, secretKey, timestamp, scope[2], signature));
        if (!good)
        {
            throw new SimulatorException("AuthFailure.SignatureFailure", "The provided credentials could not be validated. Please check your signature is correct.");
        }

        if (!string.Equals(request.Header("X-TC-Token") ?? "", token ?? "", StringComparison.Ordinal))
        {
            throw new SimulatorException("AuthFailure.TokenFailure", "The token is wrong or has expired.");
        }
    }

    /// <summary>SDKs differ in whether they sign the port with the host.</summary>
    private static IEnumerable<string> HostForms(string host)
    {
        yield return host;
        int colon = host.LastIndexOf(':');
        if (colon > 0)
        {
            yield return host[..colon];
        }
    }

    private static bool Matches(HttpRequestData request, string[] names, string host, string key, long timestamp, string service, string signature)
    {
        List<KeyValuePair<string, string>> headers = [];
        foreach (string name in names)
        {
            if ((name == "host" ? host : request.Header(name)) is not { } value)
            {
                return false;
            }

            headers.Add(new(name, value));
        }

        string toSign = Tc3Signer.StringToSign(timestamp, service, Tc3Signer.CanonicalRequest(headers, request.Body));
        string expected = Tc3Signer.Signature(Tc3Signer.SigningKey(key, Tc3Signer.DateOf(timestamp), service), toSign);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(signature));
    }

    private static (string Credential, string SignedHeaders, string Signature) Parse(string? header)
    {
        if (header is null || !header.StartsWith(Tc3Signer.Algorithm + " ", StringComparison.Ordinal))
        {
            throw new SimulatorException("AuthFailure.InvalidAuthorization", "The Authorization header is missing or of another algorithm.");
        }

        string? credential = null, signedHeaders = null, signature = null;
        foreach (string part in header[Tc3Signer.Algorithm.Length..].Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            switch (equals < 0 ? "" : part[..equals])
            {
                case "Credential":
                    credential = part[(equals + 1)..];
                    break;
                case "SignedHeaders":
                    signedHeaders = part[(equals + 1)..];
                    break;
                case "Signature":
                    signature = part[(equals + 1)..];
                    break;
            }
        }

        return credential is not null && signedHeaders is not null && signature is not null
            ? (credential, signedHeaders, signature)
            : throw new SimulatorException("AuthFailure.InvalidAuthorization", "The Authorization header lacks Credential, SignedHeaders or Signature.");
    }
}
