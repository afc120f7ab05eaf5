using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Control frames as bytes, header included.</summary>
internal static class ControlFrames
{
    public static byte[] Encode(in CreditFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Encode(in PingFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Encode(in PongFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Encode(in ArrivedFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Encode(in LimitFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Encode(in AbortFrame frame)
    {
        var writer = new ArrayBufferWriter<byte>(64);
        frame.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static byte[] Goodbye()
    {
        var writer = new ArrayBufferWriter<byte>(8);
        new GoodbyeFrame().Write(writer);
        return writer.WrittenSpan.ToArray();
    }
}
