using System.Buffers.Text;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// What --usermap and --groupmap say: FROM:TO,…, the first that matches decides. FROM is a number, a range of numbers, or a name
/// with wildcards (an empty one stands for numbers without a name) at the sender; TO is a number or a name at the receiver. Source:
/// rsync's manual and runs of rsync 3.5.0. Immutable once resolved.
/// </summary>
internal sealed class IdentityRules
{
    private readonly List<Rule> _rules = [];

    /// <summary>Names behind the colon that this machine does not know: their rules do nothing.</summary>
    public List<byte[]> Unknown { get; } = [];

    /// <summary>Checks a map and looks its names up.</summary>
    /// <param name="text">The map.</param>
    /// <param name="option">How messages call it.</param>
    /// <param name="find">Looks up a name here; null when only the form is to be checked.</param>
    /// <exception cref="SessionException">1: it cannot be understood.</exception>
    public static IdentityRules Parse(ReadOnlySpan<byte> text, string option, Func<byte[], uint?>? find)
    {
        IdentityRules rules = new();
        foreach (Range range in text.Split((byte)','))
        {
            ReadOnlySpan<byte> part = text[range];
            int colon = part.IndexOf((byte)':');
            if (colon < 0 || colon == part.Length - 1)
            {
                throw Invalid(option, part, "FROM:TO is expected, with a name or number behind the colon");
            }

            ReadOnlySpan<byte> from = part[..colon], to = part[(colon + 1)..];
            uint? target = IsNumber(to) ? Number(to, option, part) : find?.Invoke(to.ToArray());
            if (target is null && find is not null)
            {
                rules.Unknown.Add(to.ToArray());
            }

            Rule rule = Rule.From(from, option, part);
            if (target is { } id)
            {
                rules._rules.Add(rule with { Target = id });
            }
        }

        return rules;
    }

    /// <summary>The id here of an id at the sender; null when no rule matches.</summary>
    public uint? Map(uint id, ReadOnlySpan<byte> name)
    {
        foreach (Rule rule in _rules)
        {
            if (rule.Matches(id, name))
            {
                return rule.Target;
            }
        }

        return null;
    }

    private static bool IsNumber(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    private static uint Number(ReadOnlySpan<byte> text, string option, ReadOnlySpan<byte> part) =>
        IsNumber(text) && Utf8Parser.TryParse(text, out uint number, out int used) && used == text.Length
            ? number
            : throw Invalid(option, part, "a number from 0 to 4294967295, or a range of two, is expected");

    private static SessionException Invalid(string option, ReadOnlySpan<byte> part, string what) =>
        new(ExitCodes.Syntax, $"{option}: \"{ByteText.Escape(part)}\" is not a rule: {what}");

    private readonly record struct Rule(uint Low, uint High, byte[]? Name, WildPattern? Pattern, uint Target)
    {
        public static Rule From(ReadOnlySpan<byte> from, string option, ReadOnlySpan<byte> part)
        {
            if (from.IsEmpty || from[0] is < (byte)'0' or > (byte)'9')
            {
                return from.IndexOfAny("*?["u8) >= 0
                    ? new Rule(0, 0, null, new WildPattern(from), 0)
                    : new Rule(0, 0, from.ToArray(), null, 0);
            }

            int dash = from.IndexOf((byte)'-');
            uint low = Number(dash < 0 ? from : from[..dash], option, part);
            return new Rule(low, dash < 0 ? low : Number(from[(dash + 1)..], option, part), null, null, 0);
        }

        public bool Matches(uint id, ReadOnlySpan<byte> name) =>
            Pattern is not null ? Pattern.Matches(name) : Name is not null ? name.SequenceEqual(Name) : id >= Low && id <= High;
    }
}
