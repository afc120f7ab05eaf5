using NativeSync.Protocol;

namespace NativeSync.Engine.Delta;

internal static class DeltaErrors
{
    /// <summary>The peer sent what no honest peer sends.</summary>
    public static ProtocolException Malformed(string message) => new(ProtocolError.ValueOutOfRange, message);
}
