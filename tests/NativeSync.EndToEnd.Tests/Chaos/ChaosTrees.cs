using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Chaos;

/// <summary>
/// What is moved: small files, large ones new, changed and hard-linked, directories renamed since; and the older tree that may be
/// at the destination, with some of it and with what must go.
/// </summary>
internal sealed class ChaosTrees : IDisposable
{
    private const int SmallFiles = 400;
    private static readonly DateTime Older = new(2019, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime Newer = new DateTime(2024, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddTicks(1234567);

    private readonly Scratch _scratch = new();
    private readonly Random _random = new(1);

    public string Source => _scratch["src"];

    public string Destination => _scratch["dst"];

    public void Dispose() => _scratch.Dispose();

    public async Task FillAsync()
    {
        for (int i = 0; i < SmallFiles; i++)
        {
            byte[] content = Bytes(_random.Next(0, 30_000));
            Write($"src/many/{i % 7}/{i}", content, Newer);
            switch (i % 4)
            {
                case 0: Write($"old/many/{i % 7}/{i}", content, Newer); break;
                case 1: Write($"old/many/{i % 7}/{i}", Bytes(_random.Next(0, 30_000)), Older); break;
                case 2: Write($"old/before/{i}", Bytes(10), Older); break;
            }
        }

        Write("src/fresh", Bytes(20 << 20), Newer);
        byte[] changed = Bytes(12 << 20);
        Write("old/changed", changed, Older);
        for (int i = 1; i < 12; i += 4)
        {
            _random.NextBytes(changed.AsSpan(i << 20, 1000));
        }

        Write("src/changed", [.. changed.AsSpan(0, 5 << 20), .. "inserted"u8, .. changed.AsSpan(5 << 20)], Newer);
        Write("src/linked", Bytes(3 << 20), Newer);
        for (int i = 0; i < 30; i++)
        {
            byte[] content = Bytes(i == 0 ? 4 << 20 : _random.Next(1, 60_000));
            Write($"src/renamed/to/{i}", content, Newer);
            Write($"old/was/{i}", content, Newer);
        }

        await Command.ShellAsync($"""
            cd '{_scratch.Root}'; ln src/linked src/many/0/linked; ln src/linked src/many/z-linked; ln src/many/1/1 src/many/2/one; ln old/many/0/0 old/unlinked; ln -s fresh src/symlink; ln -s gone old/symlink
            touch -h -d 2024-02-03 src/symlink; find src -type d -exec touch -d 2024-02-03 '{'{'}{'}'}' +; find old -type d -exec touch -d 2019-01-01 '{'{'}{'}'}' +
            """);
    }

    /// <summary>The destination as it is before a moment.</summary>
    public async Task ResetAsync(bool fresh) => await Command.ShellAsync($"cd '{_scratch.Root}'; rm -rf dst; " + (fresh ? "mkdir dst" : "cp -a old dst"));

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private void Write(string path, byte[] content, DateTime time)
    {
        string full = _scratch[path];
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, content);
        File.SetLastWriteTimeUtc(full, time);
    }
}
