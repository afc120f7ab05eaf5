using System.Buffers;

namespace NativeSync.Migration.Configuration;

/// <summary>The forms of the names that the cloud and the configuration use. By hand: the regex engine would be a part of the executable for these few.</summary>
internal static class NameForms
{
    private static readonly SearchValues<char> LowerOrDigit = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<char> UserCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Such as ap-guangzhou or ap-shanghai-fsi: two words or more.</summary>
    public static bool IsRegion(string text)
    {
        string[] words = text.Split('-');
        return words.Length >= 2 && words[0].Length >= 2 && IsLetters(words[0]) && IsLetters(words[1])
            && Array.TrueForAll(words, w => w.Length > 0 && !w.AsSpan().ContainsAnyExcept(LowerOrDigit));
    }

    /// <summary>A region followed by a number, such as ap-guangzhou-3.</summary>
    public static bool IsZone(string text)
    {
        int dash = text.LastIndexOf('-');
        return dash > 0 && text.Length - dash is >= 2 and <= 4 && !text.AsSpan(dash + 1).ContainsAnyExceptInRange('0', '9') && IsRegion(text[..dash]);
    }

    /// <summary>ins- and 6 to 24 letters and digits.</summary>
    public static bool IsInstanceId(string text) => HasForm(text, "ins-", 6, 24);

    /// <summary>disk- and 4 to 24 letters and digits.</summary>
    public static bool IsDiskId(string text) => HasForm(text, "disk-", 4, 24);

    /// <summary>A user of a Linux system.</summary>
    public static bool IsUser(string text)
        => text.Length is >= 1 and <= 64 && (char.IsAsciiLetter(text[0]) || text[0] == '_') && !text.AsSpan().ContainsAnyExcept(UserCharacters);

    private static bool HasForm(string text, string prefix, int least, int most)
        => text.StartsWith(prefix, StringComparison.Ordinal) && text.Length - prefix.Length >= least && text.Length - prefix.Length <= most
            && !text.AsSpan(prefix.Length).ContainsAnyExcept(LowerOrDigit);

    private static bool IsLetters(string word) => word.Length > 0 && !word.AsSpan().ContainsAnyExceptInRange('a', 'z');
}
