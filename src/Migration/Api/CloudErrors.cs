namespace NativeSync.Migration.Api;

/// <summary>Error codes of the API (tencentcloud.com/document/product/1209/56023 and cvm/v20170312) and what they ask of the user.</summary>
public static class CloudErrors
{
    /// <summary>No connection, or it broke off.</summary>
    public const string Network = "NetworkError";

    /// <summary>No answer in time.</summary>
    public const string Timeout = "Timeout";

    /// <summary>The answer is not one of the API.</summary>
    public const string BadAnswer = "BadAnswer";

    /// <summary>The proxy refuses or cannot be reached.</summary>
    public const string Proxy = "ProxyError";

    /// <summary>The clock of this machine is wrong.</summary>
    public const string SignatureExpire = "AuthFailure.SignatureExpire";

    /// <summary>The token of temporary credentials is wrong or over.</summary>
    public const string TokenFailure = "AuthFailure.TokenFailure";

    private static readonly (string Prefix, string Advice)[] Table =
    [
        (SignatureExpire, "the clock of this machine is wrong; set it (for example: chronyd -q, or ntpdate), then run the tool again"),
        ("AuthFailure.SignatureFailure", "the SecretKey does not belong to the SecretId; copy both again into user.json"),
        ("AuthFailure.SecretIdNotFound", "the SecretId does not exist or is disabled; check it in the console under Access Management"),
        ("AuthFailure.InvalidSecretId", "the SecretId is not an API key of this account; check user.json"),
        (TokenFailure, "the temporary credentials have expired or are wrong; get new ones"),
        ("AuthFailure.UnauthorizedOperation", "the key is not allowed to do this; grant it the policy in docs/migration.md"),
        ("AuthFailure.MFAFailure", "the account asks for a second factor; use a key of a sub-account without it"),
        ("AuthFailure", "the API does not accept the key; check SecretId and SecretKey in user.json"),
        ("UnauthorizedOperation.MFA", "the account asks for a second factor; use a key of a sub-account without it"),
        ("UnauthorizedOperation.InvalidToken", "the temporary credentials have expired or are wrong; get new ones"),
        ("UnauthorizedOperation", "the key is not allowed to do this; grant it the policy in docs/migration.md"),
        ("InvalidInstanceId", "check InstanceId and Region in user.json"),
        ("InvalidInstance.NotSupported", "this type of instance has no rescue mode; choose another destination"),
        ("InvalidParameterValue.InvalidPassword", "this is a defect of the tool: the generated password was refused; please report it"),
        ("InvalidPassword", "this is a defect of the tool: the generated password was refused; please report it"),
        ("UnsupportedRegion", "check Region in user.json"),
        ("UnsupportedOperation.InstanceOsWindows", "the destination runs Windows; choose one that runs Linux"),
        ("UnsupportedOperation.InstanceStateIsolating", "the instance has expired or is isolated; renew it in the console"),
        ("UnsupportedOperation.InstanceStateTerminat", "the instance is being terminated; choose another destination"),
        ("UnsupportedOperation.InstanceStateLaunchFailed", "the instance was never made; choose another destination"),
        ("UnsupportedOperation.InstanceStateBanning", "the instance is banned; ask the cloud's support"),
        ("UnsupportedOperation.InstanceStateEnterServiceLiveMigrate", "the destination is being migrated to by another tool; end that first"),
        ("UnsupportedOperation.InstanceStateExitServiceLiveMigrate", "the destination is being migrated to by another tool; end that first"),
        ("UnsupportedOperation.InstanceStateServiceLiveMigrate", "the destination is being migrated to by another tool; end that first"),
        ("UnsupportedOperation.InstanceState", "the instance is in a state that does not allow this; wait until it is running or stopped, then run the tool again"),
        ("UnsupportedOperation", "the instance does not allow this"),
        ("OperationDenied.InstanceOperationInProgress", "another operation on the instance is under way; wait for it, then run the tool again"),
        ("MutexOperation.TaskRunning", "another operation on the instance is under way; wait for it, then run the tool again"),
        ("InvalidAction", "the API at this address has no rescue mode; check Region in user.json and Client.Api.Endpoint in client.json"),
        ("NoSuchVersion", "the API at this address is another one; check Client.Api.Endpoint in client.json"),
        ("ActionOffline", "the API has withdrawn this action; a newer version of the tool is needed"),
        ("FailedOperation", "see the instance in the console, then run the tool again"),
        ("RequestLimitExceeded", "too many calls at once; wait a minute, then run the tool again"),
        ("IpNotInWhitelist", "the key may be used from certain addresses only; add the address of this machine"),
        ("IpInBlacklist", "the address of this machine is barred from the API; ask the account's administrator"),
        ("ResourceInsufficient", "the region lacks resources for this; try later or choose another instance"),
        ("InternalError", "the API had a fault of its own; run the tool again"),
        ("InternalServerError", "the API had a fault of its own; run the tool again"),
        ("ServiceUnavailable", "the API is not available; run the tool again later"),
    ];

    /// <summary>What the user must do about a code; empty when there is nothing to say.</summary>
    public static string AdviceFor(string code)
    {
        foreach ((string prefix, string advice) in Table)
        {
            if (code.StartsWith(prefix, StringComparison.Ordinal))
            {
                return advice;
            }
        }

        return "";
    }

    /// <summary>Refused before it was carried out because of the rate of calls: safe to repeat whatever it is.</summary>
    public static bool IsThrottled(string code) => code.StartsWith("RequestLimitExceeded", StringComparison.Ordinal);

    /// <summary>Worth another try when the call only reads.</summary>
    public static bool IsTransient(string code) => IsThrottled(code)
        || code is "InternalError" or "InternalServerError" or "ServiceUnavailable" or Network or Timeout or BadAnswer;

    /// <summary>The instance is busy with, or already beyond, what was asked.</summary>
    public static bool IsBusyOrWrongState(string code)
        => code.StartsWith("UnsupportedOperation.InstanceState", StringComparison.Ordinal)
            || code is "OperationDenied.InstanceOperationInProgress" or "MutexOperation.TaskRunning" or "InvalidInstanceState";
}
