namespace NativeSync.Migration.Simulator;

/// <summary>The simulator refuses a call with a code of the API.</summary>
internal sealed class SimulatorException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}
