using System.Buffers;
using System.IO.Pipelines;
using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

internal static class LaneExtensions
{
    /// <summary>Reads exactly that many bytes.</summary>
    public static async Task<byte[]> TakeAsync(this ILane lane, int count)
    {
        ReadResult result = await lane.Input.ReadAtLeastAsync(count, TestContext.Limit());
        byte[] bytes = result.Buffer.Slice(0, count).ToArray();
        lane.Input.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    /// <summary>Reads to the end; throws what the lane throws there.</summary>
    public static async Task<byte[]> TakeAllAsync(this ILane lane)
    {
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await lane.Input.ReadAsync(TestContext.Limit());
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                all.Write(part.Span);
            }

            lane.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return all.WrittenSpan.ToArray();
            }
        }
    }

    public static async Task SendAsync(this ILane lane, byte[] bytes) => await lane.Output.WriteAsync(bytes, TestContext.Limit());
}
