using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>rsync's <c>%i</c>: eleven characters that say what is done to an entry (rsync-semantics.md §2.8).</summary>
internal static class Itemizer
{
    private const string Deleting = "*deleting  ";

    /// <summary>The eleven characters.</summary>
    /// <param name="entry">What was done.</param>
    /// <param name="flags">The options: without <c>-t</c> a time that moves is a capital T.</param>
    /// <param name="push">Content goes to another machine: <c>&lt;</c>; otherwise <c>&gt;</c>.</param>
    public static string Of(in EntryEvent entry, JobFlags flags, bool push)
    {
        if (entry.Kind == OutcomeKind.Deleted)
        {
            return Deleting;
        }

        EntryType type = entry.Metadata.Type;
        Changes changes = entry.Changes;
        bool isNew = (changes & Changes.New) != 0 || entry.Kind == OutcomeKind.Created;
        Span<char> text = stackalloc char[11];
        text[0] = entry.Kind switch
        {
            OutcomeKind.Linked => 'h',
            OutcomeKind.Copied => 'c',
            OutcomeKind.Unchanged when (changes & Changes.HardLink) != 0 => 'h',
            OutcomeKind.Unchanged when (changes & Changes.Content) != 0 => 'c',
            OutcomeKind.Created or OutcomeKind.Updated => type == EntryType.Regular ? (push ? '<' : '>') : 'c',
            _ => '.',
        };
        text[1] = type switch
        {
            EntryType.Directory => 'd',
            EntryType.SymbolicLink => 'L',
            EntryType.BlockDevice or EntryType.CharacterDevice => 'D',
            EntryType.Fifo or EntryType.Socket => 'S',
            _ => 'f',
        };
        if (isNew)
        {
            text[2..].Fill('+');
            return text.ToString();
        }

        bool hasTimes = (flags & JobFlags.Times) != 0;
        bool rewritten = entry.Kind == OutcomeKind.Updated;
        bool isRegular = type == EntryType.Regular;

        // With -c a file is only rewritten because its digest differs, or must: its size does.
        text[2] = isRegular && rewritten && (flags & JobFlags.Checksum) != 0 ? 'c' : Letter('c', isRegular ? Changes.Checksum : Changes.LinkTarget | Changes.Device);
        text[3] = isRegular ? Letter('s', Changes.Size) : '.';

        // Without -t whatever is rewritten gets the time of the transfer.
        text[4] = hasTimes ? Letter('t', Changes.Time) : rewritten ? 'T' : '.';
        text[5] = Letter('p', Changes.Permissions);
        text[6] = Letter('o', Changes.Owner);
        text[7] = Letter('g', Changes.Group);
        text[8] = Letter('u', Changes.AccessTime);
        text[9] = Letter('a', Changes.Acl);
        text[10] = Letter('x', Changes.Xattr);
        if (text[0] is '.' or 'h' or 'c' && !text[2..].ContainsAnyExcept('.'))
        {
            text[2..].Fill(' ');
        }

        return text.ToString();

        char Letter(char letter, Changes about) => (changes & about) != 0 ? letter : '.';
    }
}
