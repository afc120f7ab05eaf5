using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Expands wildcards in the names of sources, as the shell at the other end does it for rsync, but without one: <c>*</c>,
/// <c>?</c> and <c>[…]</c> within one component, no leading dot unless it is written out, names in byte order. A backslash takes
/// the meaning from the wildcard behind it. What matches nothing stays as it is.
/// </summary>
internal static class WildcardNames
{
    /// <summary>More names than any job can carry.</summary>
    private const int MostNames = 1_000_000;

    public static IReadOnlyList<byte[]> Expand(ISystemCalls io, IReadOnlyList<byte[]> sources)
    {
        var expanded = new List<byte[]>();
        foreach (var source in sources)
        {
            var before = expanded.Count;
            if (source.AsSpan().ContainsAny((byte)'*', (byte)'?', (byte)'['))
            {
                Match(io, [], source, expanded);
            }

            if (expanded.Count == before)
            {
                expanded.Add(Unescape(source));
            }

            if (expanded.Count > MostNames)
            {
                throw new SessionException(1, $"\"{ByteText.Escape(source)}\" matches too many names (name the directory)");
            }
        }

        return expanded;
    }

    /// <summary>Matches the rest of a pattern below a path that exists.</summary>
    private static void Match(ISystemCalls io, byte[] path, ReadOnlySpan<byte> rest, List<byte[]> found)
    {
        var slashes = rest.IndexOfAnyExcept((byte)'/');
        if (slashes < 0)
        {
            slashes = rest.Length;
        }

        path = [.. path, .. rest[..slashes]];
        rest = rest[slashes..];
        if (rest.IsEmpty)
        {
            found.Add(path);
            return;
        }

        var end = rest.IndexOf((byte)'/');
        var component = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        if (!HasWildcard(component))
        {
            byte[] next = [.. path, .. Unescape(component)];
            if (io.StatPath(next, follow: !rest.IsEmpty, out var status) >= 0 && (rest.IsEmpty || status.IsDirectory))
            {
                Match(io, next, rest, found);
            }

            return;
        }

        var pattern = Pattern(component);
        foreach (var name in List(io, path))
        {
            if (Matches(component, pattern, name))
            {
                byte[] next = [.. path, .. name];
                if (rest.IsEmpty || (io.StatPath(next, follow: true, out var status) >= 0 && status.IsDirectory))
                {
                    Match(io, next, rest, found);
                }
            }
        }
    }

    private static List<byte[]> List(ISystemCalls io, byte[] path)
    {
        var names = new List<byte[]>();
        var fd = io.OpenPath(path.Length == 0 ? "."u8 : path, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return names;
        }

        var listing = new DirectoryListing();
        if (new DirectoryScanner(io).Scan(fd, ScanFields.None, listing) >= 0)
        {
            for (var i = 0; i < listing.Count; i++)
            {
                names.Add(listing.Name(i).ToArray());
            }
        }

        io.Close(fd);
        return names;
    }

    /// <summary>What a component with wildcards matches.</summary>
    public static WildPattern Pattern(ReadOnlySpan<byte> component) => new(Unescape(component, asPattern: true));

    /// <summary>A leading dot has to be written out.</summary>
    public static bool Matches(ReadOnlySpan<byte> component, WildPattern pattern, ReadOnlySpan<byte> name) =>
        (name[0] != (byte)'.' || component[0] == (byte)'.') && pattern.Matches(name);

    public static bool HasWildcard(ReadOnlySpan<byte> component)
    {
        for (var i = 0; i < component.Length; i++)
        {
            if (component[i] == (byte)'\\' && i + 1 < component.Length && IsWild(component[i + 1]))
            {
                i++;
            }
            else if (IsWild(component[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes off the backslashes before wildcards; or doubles the others, which mean themselves and would escape in a pattern.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> text, bool asPattern = false)
    {
        var result = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var escapes = text[i] == (byte)'\\' && i + 1 < text.Length && IsWild(text[i + 1]);
            if (escapes)
            {
                if (asPattern)
                {
                    result.Add(text[i]);
                }

                result.Add(text[++i]);
                continue;
            }

            if (text[i] == (byte)'\\' && asPattern)
            {
                result.Add(text[i]);
            }

            result.Add(text[i]);
        }

        return [.. result];
    }

    private static bool IsWild(byte b) => b is (byte)'*' or (byte)'?' or (byte)'[' or (byte)']';
}
