namespace NativeSync.SideBySide;

/// <summary>Pairs of basis and new file, the same in every run.</summary>
internal static class DataSets
{
    private const int Chunk = 1 << 20;
    private const int Length = 1 << 30;
    private const int PageSize = 4_096;
    private const int Pages = 2_600;

    /// <summary>Bytes that <see cref="PagesAsync"/> overwrites, but for pages that are hit twice.</summary>
    public const long PageBytes = (long)Pages * PageSize;

    /// <summary>160 regions of 64 KiB overwritten, then 50 insertions and 50 deletions of up to 4 KiB.</summary>
    public static async Task RegionsAsync(string basis, string file)
    {
        await RandomFileAsync(basis, seed: 1);
        byte[] content = await File.ReadAllBytesAsync(basis);
        var random = new Random(2);
        for (int i = 0; i < 160; i++)
        {
            random.NextBytes(content.AsSpan(random.Next(Length - 65_536), 65_536));
        }

        int[] cuts = [.. Enumerable.Range(0, 100).Select(_ => random.Next(Length)).Order()];
        await using FileStream output = File.Create(file);
        int at = 0;
        for (int i = 0; i < cuts.Length; i++)
        {
            int cut = Math.Max(at, cuts[i]);
            await output.WriteAsync(content.AsMemory(at, cut - at));
            int size = random.Next(1, 4_096);
            at = cut;
            if (i % 2 == 0)
            {
                byte[] inserted = new byte[size];
                random.NextBytes(inserted);
                await output.WriteAsync(inserted);
            }
            else
            {
                at = Math.Min(Length, cut + size);
            }
        }

        await output.WriteAsync(content.AsMemory(at));
        Age(basis);
    }

    /// <summary>2,600 aligned pages of 4 KiB overwritten: a database.</summary>
    public static async Task PagesAsync(string basis, string file)
    {
        await RandomFileAsync(basis, seed: 3);
        File.Copy(basis, file);
        var random = new Random(4);
        byte[] page = new byte[PageSize];
        await using FileStream output = File.OpenWrite(file);
        for (int i = 0; i < Pages; i++)
        {
            random.NextBytes(page);
            output.Position = (long)random.Next(Length / page.Length) * page.Length;
            await output.WriteAsync(page);
        }

        Age(basis);
    }

    /// <summary>Two files that have nothing in common but their length.</summary>
    public static async Task UnrelatedAsync(string basis, string file)
    {
        await RandomFileAsync(basis, seed: 5);
        await RandomFileAsync(file, seed: 6);
        Age(basis);
    }

    /// <summary>One block of 4 KiB over and over.</summary>
    public static async Task EqualBlocksAsync(string path, long length)
    {
        byte[] block = new byte[4_096];
        new Random(8).NextBytes(block);
        byte[] chunk = [.. Enumerable.Repeat(block, Chunk / block.Length).SelectMany(b => b)];
        await using FileStream output = File.Create(path);
        for (long written = 0; written < length; written += Chunk)
        {
            await output.WriteAsync(chunk);
        }
    }

    /// <summary>Pieces of 16 MiB of data, and nothing between them.</summary>
    public static async Task HolesAsync(string path, long length, int pieces)
    {
        var random = new Random(9);
        byte[] piece = new byte[16 * Chunk];
        await using FileStream output = File.Create(path);
        output.SetLength(length);
        for (int i = 0; i < pieces; i++)
        {
            random.NextBytes(piece);
            output.Position = length / pieces * i;
            await output.WriteAsync(piece);
        }
    }

    /// <summary>Makes a copy an older version of itself.</summary>
    public static async Task ChangeByteAsync(string path)
    {
        await using (FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = file.Length / 4;
            int old = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(old ^ 1));
        }

        Age(path);
    }

    /// <summary>Files of 0 to 199 bytes, many in each of many directories.</summary>
    public static async Task ManyFilesAsync(string root, int directories, int filesEach)
    {
        var random = new Random(7);
        byte[] content = new byte[200];
        random.NextBytes(content);
        for (int directory = 0; directory < directories; directory++)
        {
            string path = Path.Combine(root, $"directory-{directory:D4}");
            Directory.CreateDirectory(path);
            for (int file = 0; file < filesEach; file++)
            {
                await File.WriteAllBytesAsync(Path.Combine(path, $"file-{file:D4}"), content.AsMemory(0, random.Next(content.Length)));
            }
        }
    }

    private static Task RandomFileAsync(string path, int seed) => RandomAsync(path, Length, seed);

    /// <summary>A file that no codec shrinks.</summary>
    public static async Task RandomAsync(string path, long length, int seed)
    {
        var random = new Random(seed);
        byte[] chunk = new byte[Chunk];
        await using FileStream output = File.Create(path);
        for (long written = 0; written < length; written += Chunk)
        {
            random.NextBytes(chunk);
            await output.WriteAsync(chunk.AsMemory(0, (int)Math.Min(Chunk, length - written)));
        }
    }

    /// <summary>A basis is older than the file that replaces it.</summary>
    private static void Age(string basis) => File.SetLastWriteTimeUtc(basis, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
}
