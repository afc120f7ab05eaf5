using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// The names in an initramfs: cpio archives in the "newc" form, one behind the other, the last one compressed as a rule and
/// an uncompressed one with the processor's microcode in front (Documentation/driver-api/early-userspace/buffer-format).
/// </summary>
internal static class InitramfsImage
{
    private const int HeaderSize = 110;
    private const int MaxName = 4096;

    /// <summary>Whether an image holds all of the modules; null when it cannot be looked into here (compressed in another way, damaged).</summary>
    public static bool? Holds(Stream image, IReadOnlyList<string> modules)
    {
        HashSet<string> missing = [.. modules];
        try
        {
            using BufferedStream buffered = new(image, 1 << 16);
            return Read(buffered, missing) || missing.Count == 0 ? missing.Count == 0 : null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or FormatException or ZstdSharp.ZstdException)
        {
            return null;
        }
    }

    /// <returns>Whether the whole image was read.</returns>
    private static bool Read(BufferedStream image, HashSet<string> missing)
    {
        Span<byte> magic = stackalloc byte[6];
        while (missing.Count > 0)
        {
            int first = SkipZeros(image);
            if (first < 0)
            {
                return true;
            }

            magic[0] = (byte)first;
            int got = 1 + image.ReadAtLeast(magic[1..], 5, throwOnEndOfStream: false);
            if (magic.StartsWith("07070"u8))
            {
                Archive(image, magic, missing);
                continue;
            }

            using Stream? content = Decompressor(magic[..got], image);
            if (content is null)
            {
                return false;
            }

            using BufferedStream inner = new(content, 1 << 16);
            return Read(inner, missing);
        }

        return true;
    }

    /// <summary>Gzip and zstd; xz, lz4 and what else there is are not looked into, and such an image is made anew.</summary>
    private static Stream? Decompressor(ReadOnlySpan<byte> magic, Stream image) => magic switch
    {
        [0x1F, 0x8B, ..] => new GZipStream(new Prefixed(magic.ToArray(), image), CompressionMode.Decompress),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => new ZstdSharp.DecompressionStream(new Prefixed(magic.ToArray(), image), checkEndOfStream: false),
        _ => null,
    };

    /// <summary>One archive up to its trailer.</summary>
    private static void Archive(BufferedStream image, ReadOnlySpan<byte> magic, HashSet<string> missing)
    {
        byte[] header = new byte[HeaderSize];
        magic.CopyTo(header);
        byte[] name = new byte[MaxName];
        int have = magic.Length;
        while (true)
        {
            image.ReadExactly(header.AsSpan(have));
            have = 0;
            if (!header.AsSpan().StartsWith("07070"u8))
            {
                throw new InvalidDataException();
            }

            int nameSize = Field(header, 94);
            long size = (uint)Field(header, 54);
            if (nameSize is <= 0 or > MaxName)
            {
                throw new InvalidDataException();
            }

            image.ReadExactly(name.AsSpan(0, nameSize));
            Skip(image, Padding(HeaderSize + nameSize));
            ReadOnlySpan<byte> text = name.AsSpan(0, nameSize - 1);
            if (text.SequenceEqual("TRAILER!!!"u8))
            {
                return;
            }

            Note(text, missing);
            Skip(image, size + Padding(size));
        }
    }

    private static void Note(ReadOnlySpan<byte> path, HashSet<string> missing)
    {
        ReadOnlySpan<byte> file = path[(path.LastIndexOf((byte)'/') + 1)..];
        int dot = file.IndexOf(".ko"u8);
        if (dot > 0)
        {
            missing.Remove(Encoding.Latin1.GetString(file[..dot]).Replace('-', '_'));
        }
    }

    private static int Field(byte[] header, int at) => int.Parse(Encoding.ASCII.GetString(header, at, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static int Padding(long size) => (int)(-size & 3);

    private static void Skip(BufferedStream image, long bytes)
    {
        Span<byte> waste = stackalloc byte[4096];
        while (bytes > 0)
        {
            int step = (int)Math.Min(bytes, waste.Length);
            image.ReadExactly(waste[..step]);
            bytes -= step;
        }
    }

    private static int SkipZeros(BufferedStream image)
    {
        int next;
        while ((next = image.ReadByte()) == 0)
        {
        }

        return next;
    }

    /// <summary>Bytes that were read already, and then the rest.</summary>
    private sealed class Prefixed(byte[] prefix, Stream rest) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_at >= prefix.Length)
            {
                return rest.Read(buffer, offset, count);
            }

            int n = Math.Min(count, prefix.Length - _at);
            prefix.AsSpan(_at, n).CopyTo(buffer.AsSpan(offset));
            _at += n;
            return n;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
