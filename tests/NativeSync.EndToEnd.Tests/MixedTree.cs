using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>What several lanes share: one large file, split over them, and sixteen smaller ones, dealt out. Incompressible.</summary>
internal static class MixedTree
{
    /// <summary>In <c>src</c> of a new place, half of the bytes in the large one; and <c>empty</c>, which is.</summary>
    public static Scratch Make(int bytes)
    {
        var scratch = new Scratch();
        Directory.CreateDirectory(scratch["src/d"]);
        Directory.CreateDirectory(scratch["empty"]);
        byte[] random = new byte[bytes];
        new Random(5).NextBytes(random);
        File.WriteAllBytes(scratch["src/large"], random[..(bytes / 2)]);
        for (int i = 0; i < 16; i++)
        {
            File.WriteAllBytes(scratch[$"src/d/{i}"], random[(bytes / 2 + i * bytes / 32)..(bytes / 2 + (i + 1) * bytes / 32)]);
        }

        return scratch;
    }
}
