namespace NativeSync.Migration.Simulator;

/// <summary>A call as the simulator's fault hook sees it.</summary>
/// <param name="Action">X-TC-Action.</param>
/// <param name="Count">1 for the first call of this action, and so on.</param>
/// <param name="State">State of the instance before the call; empty when there is none.</param>
public readonly record struct SimulatedCall(string Action, int Count, string State);

/// <summary>How a fault shows itself.</summary>
public enum FaultKind
{
    /// <summary>An error of the API; the action is not carried out.</summary>
    Error,

    /// <summary>An HTML page with status 502; the action is not carried out.</summary>
    BadGateway,

    /// <summary>The connection is cut before the action is carried out.</summary>
    CutBefore,

    /// <summary>The action is carried out, and then the connection is cut: the answer is lost.</summary>
    CutAfter,

    /// <summary>The answer comes late, by the simulator's clock.</summary>
    Slow,

    /// <summary>The operation under way fails in the end, with LatestOperationErrorMsg.</summary>
    OperationFails,

    /// <summary>Half an answer, as JSON that ends too early; the action is not carried out.</summary>
    BrokenJson,

    /// <summary>The action is carried out, and the connection is cut in the middle of the answer.</summary>
    Truncated,

    /// <summary>A page of some network's own with status 200; the action is not carried out.</summary>
    HtmlPage,

    /// <summary>Status 200 and nothing else; the action is not carried out.</summary>
    EmptyAnswer,
}

/// <summary>One fault.</summary>
/// <param name="Kind">How it shows itself.</param>
/// <param name="Code">Code of an <see cref="FaultKind.Error"/>.</param>
/// <param name="Message">Its message, or why an operation fails.</param>
/// <param name="Delay">For <see cref="FaultKind.Slow"/>.</param>
public sealed record SimulatedFault(FaultKind Kind, string Code = "", string Message = "", TimeSpan Delay = default)
{
    /// <summary>An error with a code.</summary>
    public static SimulatedFault Error(string code, string message = "simulated") => new(FaultKind.Error, code, message);
}
