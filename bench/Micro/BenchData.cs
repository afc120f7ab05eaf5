namespace NativeSync.Bench.Micro;

/// <summary>Inputs of the delta benchmarks; always the same for the same length.</summary>
internal static class BenchData
{
    public const int FileSize = 256 << 20;

    /// <summary>Incompressible bytes.</summary>
    public static byte[] Random(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Words of a small vocabulary: compresses about as source text does.</summary>
    public static byte[] Text(int length, int seed = 2)
    {
        Random random = new(seed);
        byte[][] words = new byte[4000][];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = new byte[random.Next(2, 12)];
            foreach (ref byte letter in words[i].AsSpan())
            {
                letter = (byte)('a' + random.Next(26));
            }

            words[i][^1] = (byte)' ';
        }

        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            byte[] word = words[(int)(Math.Pow(random.NextDouble(), 3) * words.Length)];
            int count = Math.Min(word.Length, length - at);
            word.AsSpan(0, count).CopyTo(bytes.AsSpan(at));
            at += count;
        }

        return bytes;
    }

    /// <summary>Random regions overwritten with new data; <paramref name="align"/> 1 for any offset.</summary>
    public static byte[] Overwrite(byte[] basis, int regions, int length, int align, int seed = 3)
    {
        byte[] content = (byte[])basis.Clone();
        Random random = new(seed);
        for (int i = 0; i < regions; i++)
        {
            random.NextBytes(content.AsSpan(random.Next(0, (basis.Length - length) / align) * align, length));
        }

        return content;
    }

    /// <summary>Half insertions, half deletions of 1 to 200 bytes.</summary>
    public static byte[] InsertAndDelete(byte[] basis, int edits, int seed = 4)
    {
        Random random = new(seed);
        int[] places = [.. Enumerable.Range(0, edits).Select(_ => random.Next(basis.Length - 1000)).Order()];
        using MemoryStream content = new(basis.Length + (edits * 200));
        int at = 0;
        for (int i = 0; i < edits; i++)
        {
            if (places[i] < at)
            {
                continue;
            }

            content.Write(basis, at, places[i] - at);
            at = places[i];
            int length = random.Next(1, 200);
            if (i % 2 == 0)
            {
                content.Write(Random(length, seed + i));
            }
            else
            {
                at += length;
            }
        }

        content.Write(basis, at, basis.Length - at);
        return content.ToArray();
    }
}
