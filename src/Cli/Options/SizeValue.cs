using System.Globalization;
using System.Numerics;

namespace NativeSync.Cli.Options;

/// <summary>Sizes and rates as rsync reads them: <c>1.5m</c>, <c>100KB</c>, <c>2GiB</c>, <c>1g-1</c> (rsync-semantics.md §2.6).</summary>
internal static class SizeValue
{
    private const string Units = "bkmgtp";

    /// <summary>
    /// Reads a size: digits, perhaps a fraction, perhaps one of the units b, k, m, g, t, p (<paramref name="defaultUnit"/> without one),
    /// of 1024 each, or of 1000 when followed by b; then perhaps <c>+1</c> or <c>-1</c>.
    /// </summary>
    /// <returns>Null when it cannot be read.</returns>
    public static long? Parse(string text, char defaultUnit)
    {
        int at = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        if (at < text.Length && text[at] == '.')
        {
            at++;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
            {
                at++;
            }
        }

        string number = text[..at];
        char unit = at < text.Length && text[at] is not ('+' or '-') ? text[at++] : defaultUnit;
        int power = Units.IndexOf(char.ToLowerInvariant(unit), StringComparison.Ordinal);
        if (power < 0)
        {
            return null;
        }

        int step = 1024;
        ReadOnlySpan<char> rest = text.AsSpan(at);
        if (rest is ['b' or 'B', ..])
        {
            step = 1000;
            rest = rest[1..];
        }
        else if (rest.StartsWith("ib", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest[2..];
        }
        else if (rest is not ([] or ['+' or '-', ..]))
        {
            return null;
        }

        // "" and "." read as 0, as C's atof does.
        _ = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value);
        value *= (double)BigInteger.Pow(step, power);
        if (value >= long.MaxValue)
        {
            return null;
        }

        long size = (long)value;
        if (number.Length > 0 && rest is ['+' or '-', '1', ..])
        {
            size += rest[0] == '+' ? 1 : -1;
            rest = rest[2..];
        }

        return rest.IsEmpty && size >= 0 ? size : null;
    }

    /// <summary>Reads a bandwidth limit in rsync's way: KiB by default, rounded to the nearest KiB, at least 512 bytes or 0.</summary>
    /// <returns>Bytes a second.</returns>
    /// <exception cref="UsageException">It cannot be read or is too small.</exception>
    public static long ParseBandwidth(string text, string option = "--bwlimit")
    {
        long size = Parse(text, 'k') ?? throw new UsageException($"{option}={UsageException.Quote(text)} is invalid");
        if (size is > 0 and < 512)
        {
            throw new UsageException($"{option}={UsageException.Quote(text)} is too small (min: 512 or 0 for unlimited)");
        }

        return (size > long.MaxValue - 512 ? size : size + 512) / 1024 * 1024;
    }
}
