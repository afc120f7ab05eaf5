using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// What --chmod says: changes of permissions, in their order. Source: chmod(1), rsync's manual (--chmod), and runs of rsync 3.5.0
/// for what both leave open (which special bits '=' clears, what 's' means without u and g). Immutable.
/// </summary>
internal sealed class ModeChanges
{
    private const uint All = 0x49; // 0111: one bit for each of user, group and others

    private readonly List<Change> _changes = [];

    /// <summary>Reads changes that commas separate: <c>[DF][ugoa][+-=][rwxXst]</c>, <c>[DF][ugoa][+-=][ugo]</c> or <c>[DF]OCTAL</c>.</summary>
    /// <param name="text">As given.</param>
    /// <param name="umask">Bits that a change without u, g, o and a leaves alone.</param>
    /// <param name="changes">The result.</param>
    /// <returns>False for what cannot be understood.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, uint umask, out ModeChanges changes)
    {
        changes = new ModeChanges();
        foreach (Range part in text.Split((byte)','))
        {
            if (!changes.TryAdd(text[part], umask))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>As it travels: the umask in octal, a space, and the text.</summary>
    public static byte[] ToWire(ReadOnlySpan<byte> text, uint umask) =>
        [.. System.Text.Encoding.ASCII.GetBytes(Convert.ToString((int)(umask & 0x1FF), 8) + " "), .. text];

    /// <summary>Reads what travelled.</summary>
    /// <exception cref="SessionException">1: it cannot be understood.</exception>
    public static ModeChanges FromWire(ReadOnlySpan<byte> wire)
    {
        int space = wire.IndexOf((byte)' ');
        if (space > 0 && TryOctal(wire[..space], out uint umask) && TryParse(wire[(space + 1)..], umask, out ModeChanges changes))
        {
            return changes;
        }

        throw new SessionException(ExitCodes.Syntax, $"--chmod: \"{ByteText.Escape(wire)}\" cannot be understood (give D755,F644 or u=rwX,go=rX, for example)");
    }

    /// <summary>The mode after all changes; the type stays, symbolic links are left alone.</summary>
    public uint Apply(uint mode)
    {
        if (ModeBits.IsSymbolicLink(mode))
        {
            return mode;
        }

        bool directory = ModeBits.IsDirectory(mode);
        bool executable = directory || (mode & All) != 0; // X asks about the mode before all changes
        foreach (Change change in _changes)
        {
            if (change.For is not { } forDirectories || forDirectories == directory)
            {
                mode = change.Apply(mode, executable);
            }
        }

        return mode;
    }

    private bool TryAdd(ReadOnlySpan<byte> text, uint umask)
    {
        uint who = 0, specials = 0, copied = 0;
        bool? forDirectories = null;
        int at = 0;
        for (; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'u': who |= 0x40; specials |= ModeBits.SetUserId; break;
                case (byte)'g': who |= 0x8; specials |= ModeBits.SetGroupId; break;
                case (byte)'o': who |= 0x1; break;
                case (byte)'a': who |= All; specials |= ModeBits.SetUserId | ModeBits.SetGroupId; break;
                case (byte)'D' or (byte)'F' when forDirectories is null || forDirectories == (text[at] == 'D'): forDirectories = text[at] == 'D'; break;
                case (byte)'+' or (byte)'-' or (byte)'=': goto Operator;
                default:
                    if (who != 0 || !TryOctal(text[at..], out uint mode))
                    {
                        return false;
                    }

                    _changes.Add(new Change(forDirectories, Keep: 0, Set: mode, ClearSpecials: 0, Clear: 0, IfExecutable: false, Copy: 0, Operator: '=', Who: 0, Mask: 0));
                    return true;
            }
        }

        return false; // nothing is said to be done

    Operator:
        char symbol = (char)text[at++];
        uint bits = 0, top = 0;
        bool ifExecutable = false;
        for (; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'r': bits |= 4; break;
                case (byte)'w': bits |= 2; break;
                case (byte)'x': bits |= 1; break;
                case (byte)'X': bits |= 1; ifExecutable = true; break;
                // Without u and g it is setuid, and takes back a 't' before it, as in rsync.
                case (byte)'s': top = specials == 0 ? ModeBits.SetUserId : top | specials; break;
                case (byte)'t': top |= ModeBits.Sticky; break;
                case (byte)'u' or (byte)'g' or (byte)'o' when bits == 0 && top == 0 && copied == 0: copied = text[at]; break;
                default: return false;
            }

            if (copied != 0 && (bits | top) != 0)
            {
                return false;
            }
        }

        uint places = who == 0 ? All : who;
        uint mask = who == 0 ? umask & 0x1FF : 0;
        // '=' clears the permissions of who is meant; the special bits only when it names some, or copies.
        uint cleared = symbol != '=' ? 0
            : copied != 0 ? specials | ((places & 1) != 0 ? ModeBits.Sticky : 0) | (who == 0 ? 0xE00u : 0)
            : top != 0 ? specials : 0;
        _changes.Add(new Change(forDirectories, ModeBits.PermissionMask, (places * bits & ~mask) | top, cleared, places * 7, ifExecutable, copied, symbol, places, mask));
        return true;
    }

    private static bool TryOctal(ReadOnlySpan<byte> text, out uint value)
    {
        value = 0;
        foreach (byte digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'7' || (value = (value << 3) | (uint)(digit - '0')) > ModeBits.PermissionMask)
            {
                return false;
            }
        }

        return !text.IsEmpty;
    }

    /// <summary>One change.</summary>
    /// <param name="For">Directories only (true), everything else only (false), or both.</param>
    /// <param name="Keep">Bits of the old mode that count at all; 0 for an octal mode.</param>
    /// <param name="Set">Bits to add, remove or leave.</param>
    /// <param name="ClearSpecials">Special bits that '=' clears.</param>
    /// <param name="Clear">Permission bits that '=' clears.</param>
    /// <param name="IfExecutable">X: execute bits count for directories and for what somebody may execute.</param>
    /// <param name="Copy">u, g or o whose permissions are taken; 0 for none.</param>
    /// <param name="Operator">+, - or =.</param>
    /// <param name="Who">One bit for each of user, group and others.</param>
    /// <param name="Mask">Bits to leave alone.</param>
    private readonly record struct Change(bool? For, uint Keep, uint Set, uint ClearSpecials, uint Clear, bool IfExecutable, uint Copy, char Operator, uint Who, uint Mask)
    {
        public uint Apply(uint mode, bool executable)
        {
            uint bits = Set;
            if (IfExecutable && !executable && Operator != '-')
            {
                bits &= ~All;
            }

            if (Copy != 0)
            {
                bits = Who * ((mode >> (Copy == 'u' ? 6 : Copy == 'g' ? 3 : 0)) & 7) & ~Mask;
            }

            uint old = mode & Keep;
            uint changed = Operator switch
            {
                '+' => old | bits,
                '-' => old & ~bits,
                _ => (old & ~(Clear | ClearSpecials)) | bits,
            };
            return (mode & ModeBits.TypeMask) | changed;
        }
    }
}
