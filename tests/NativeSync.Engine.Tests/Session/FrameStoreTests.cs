using NativeSync.Engine.Buffers;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Frames share buffers, and none is given away while one of them is still in it.</summary>
public sealed class FrameStoreTests
{
    [Fact]
    public void WhatIsHeldStaysWhateverElseComesAndGoes()
    {
        Random random = new(1);
        using FrameStore store = new();
        List<(SharedSlice Slice, byte Mark)> held = [];
        for (var i = 0; i < 5000; i++)
        {
            var length = random.Next(6) == 0 ? random.Next(1, 2 * PackBuffers.UsualLength) : random.Next(1, 100_000);
            var slice = store.Take(length);
            Assert.Equal(length, slice.Length);
            slice.Span.Fill((byte)i);
            held.Add((slice, (byte)i));
            while (held.Count > random.Next(40))
            {
                var (gone, mark) = held[random.Next(held.Count)];
                Assert.Equal(-1, gone.Span.IndexOfAnyExcept(mark));
                held.Remove((gone, mark));
                gone.Release();
            }
        }
    }

    [Fact]
    public void SeveralFramesShareABuffer()
    {
        using FrameStore store = new();
        var slices = Enumerable.Range(0, 8).Select(_ => store.Take(PackBuffers.UsualLength / 4)).ToArray();
        Assert.Equal(2, slices.Select(static slice => slice.Buffer).Distinct().Count());
        Array.ForEach(slices, static slice => slice.Release());
    }

    /// <summary>Many threads at a time: lanes take, and give back what others took.</summary>
    [Fact]
    public async Task LanesTakeAndLetGoAtOnce()
    {
        using FrameStore store = new();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            Random random = new(thread);
            Queue<SharedSlice> held = new();
            for (var i = 0; i < 4000; i++)
            {
                var slice = store.Take(random.Next(1, 200_000));
                slice.Span.Fill((byte)thread);
                held.Enqueue(slice);
                while (held.Count > random.Next(12))
                {
                    var oldest = held.Dequeue();
                    Assert.Equal(-1, oldest.Span.IndexOfAnyExcept((byte)thread));
                    oldest.Release();
                }
            }
        })));
    }
}
