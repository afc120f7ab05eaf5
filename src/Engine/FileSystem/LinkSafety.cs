namespace NativeSync.Engine.FileSystem;

/// <summary>rsync's judgement on where a symbolic link leads: by the text of its target alone, whatever lies there.</summary>
internal static class LinkSafety
{
    /// <summary>What <c>--munge-links</c> puts in front of a target so that nobody can follow the link.</summary>
    public static ReadOnlySpan<byte> MungePrefix => "/rsyncd-munged/"u8;

    /// <summary>
    /// True for a target that is absolute (even when it leads back into the tree), that climbs above the transfer's root, or
    /// that climbs again behind a name, since what that name is decides where it leads then.
    /// </summary>
    /// <param name="target">The link's text.</param>
    /// <param name="depth">How many directories of the transfer the link lies below.</param>
    public static bool IsUnsafe(ReadOnlySpan<byte> target, int depth)
    {
        if (target.IsEmpty || target[0] == (byte)'/')
        {
            return true;
        }

        var named = false;
        while (!target.IsEmpty)
        {
            var slash = target.IndexOf((byte)'/');
            var part = slash < 0 ? target : target[..slash];
            target = slash < 0 ? default : target[(slash + 1)..];
            if (part.SequenceEqual(".."u8))
            {
                if (named || --depth < 0)
                {
                    return true;
                }
            }
            else if (!part.IsEmpty)
            {
                named = true;
            }
        }

        return false;
    }

    /// <summary>How many directories a name with this path lies below.</summary>
    public static int Depth(ReadOnlySpan<byte> directory) => directory.IsEmpty ? 0 : directory.Count((byte)'/') + 1;
}
