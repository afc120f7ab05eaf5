using System.Reflection;
using System.Runtime.CompilerServices;
using Renci.SshNet;

namespace NativeSync.Transport;

/// <summary>What the peer still takes of a channel of SSH.NET (2026.0.0), which the library does not tell.</summary>
internal sealed class SshWindow
{
    private object? _channel;

    /// <param name="command">A command that is being executed.</param>
    public SshWindow(SshCommand command)
    {
        _channel = typeof(SshCommand).GetField("_channel", BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(command);
    }

    /// <summary>Bytes that may be sent without waiting; 0 where nothing is known. Only the thread that sends makes it less.</summary>
    public uint Room
    {
        get
        {
            try
            {
                return _channel is null ? 0 : RemoteWindowSize(_channel);
            }
            catch (InvalidOperationException)
            {
                // The channel was never open.
                return 0;
            }
            catch (Exception e) when (e is MissingMemberException or TypeLoadException or BadImageFormatException or NotSupportedException or IOException)
            {
                // Another version of the library.
                _channel = null;
                return 0;
            }
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_RemoteWindowSize")]
    private static extern uint RemoteWindowSize([UnsafeAccessorType("Renci.SshNet.Channels.Channel, Renci.SshNet")] object channel);
}
