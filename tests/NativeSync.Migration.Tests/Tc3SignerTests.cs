using System.Text;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Tests;

/// <summary>The published examples of API v3 signatures, recomputed.</summary>
public sealed class Tc3SignerTests
{
    private const long Timestamp = 1551113065;
    private const string SecretId = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
    private const string SecretKey = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";

    private static readonly byte[] Body = Encoding.ASCII.GetBytes(
        "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d\"], \"Name\": \"instance-name\"}]}");

    private static readonly List<KeyValuePair<string, string>> TwoHeaders =
    [
        new("content-type", "application/json; charset=utf-8"),
        new("host", "cvm.tencentcloudapi.com"),
    ];

    private static readonly List<KeyValuePair<string, string>> ThreeHeaders = [.. TwoHeaders, new("x-tc-action", "DescribeInstances")];

    [Fact]
    public void TheOfficialVectorIsReproducedStepByStep()
    {
        Assert.Equal(86, Body.Length);
        string canonical = Tc3Signer.CanonicalRequest(TwoHeaders, Body);
        Assert.Equal(
            "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n\ncontent-type;host\n35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064",
            canonical);
        string toSign = Tc3Signer.StringToSign(Timestamp, "cvm", canonical);
        Assert.Equal("TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031", toSign);
        byte[] key = Tc3Signer.SigningKey(SecretKey, Tc3Signer.DateOf(Timestamp), "cvm");
        Assert.Equal("ac658d5dde49e9bfdd14e04e062f66b05d9f637d44b8a8d845327d4a77f666b1", Convert.ToHexStringLower(key));
        Assert.Equal("72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168", Tc3Signer.Signature(key, toSign));
    }

    [Fact]
    public void TheNewerVectorThatSignsTheActionIsReproduced()
    {
        string toSign = Tc3Signer.StringToSign(Timestamp, "cvm", Tc3Signer.CanonicalRequest(ThreeHeaders, Body));
        Assert.EndsWith("7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84", toSign, StringComparison.Ordinal);
        byte[] key = Convert.FromHexString("b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af");
        Assert.Equal("10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f", Tc3Signer.Signature(key, toSign));
    }

    [Fact]
    public void TheAuthorizationHeaderNamesWhatWasSigned()
    {
        Assert.Equal(
            $"TC3-HMAC-SHA256 Credential={SecretId}/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26",
            Tc3Signer.Authorization(SecretId, SecretKey, Timestamp, "cvm", ThreeHeaders, Body));
    }
}
