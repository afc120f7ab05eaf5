namespace NativeSync.Migration.Api;

/// <summary>Whether an action that failed may nevertheless have taken effect.</summary>
public enum CallEffect
{
    /// <summary>The API refused it: nothing happened.</summary>
    None,

    /// <summary>The answer was lost or says nothing: the state must be read before doing it again.</summary>
    Unknown,
}

/// <summary>A call of the API failed. The message is one line: what, where and what to do.</summary>
public sealed class CloudException : Exception
{
    /// <summary>Creates it.</summary>
    public CloudException(string action, string code, string message, string advice, CallEffect effect, string? requestId = null, Exception? inner = null)
        : base(Compose(action, code, message, advice, requestId), inner)
    {
        Action = action;
        Code = code;
        Advice = advice;
        Effect = effect;
        RequestId = requestId;
    }

    /// <summary>The action that was called.</summary>
    public string Action { get; }

    /// <summary>The API's error code, or one of <see cref="CloudErrors"/> for what never became an answer.</summary>
    public string Code { get; }

    /// <summary>What the user must do.</summary>
    public string Advice { get; }

    /// <summary>Whether the action may have happened.</summary>
    public CallEffect Effect { get; }

    /// <summary>The API's id of the call, for a ticket.</summary>
    public string? RequestId { get; }

    private static string Compose(string action, string code, string message, string advice, string? requestId)
    {
        string id = requestId is null ? "" : $" [request {requestId}]";
        string text = message.Length == 0 ? code : $"{message} ({code})";
        return advice.Length == 0 ? $"{action}: {text}{id}" : $"{action}: {text}{id}: {advice}";
    }
}
