namespace NativeSync.Migration.Simulator;

/// <summary>The rule for EnterRescueMode's Password on Linux: 8 to 30 characters of at least two classes.</summary>
internal static class RescuePasswordRule
{
    private const string Special = "()`~!@#$%^&*-+=|{}[]:;',.?/";

    public static bool Accepts(string password)
    {
        if (password.Length is < 8 or > 30 || password.Any(c => !char.IsAsciiLetterOrDigit(c) && !Special.Contains(c, StringComparison.Ordinal)))
        {
            return false;
        }

        int classes = (password.Any(char.IsAsciiLetterLower) ? 1 : 0) + (password.Any(char.IsAsciiLetterUpper) ? 1 : 0)
            + (password.Any(char.IsAsciiDigit) ? 1 : 0) + (password.Any(c => !char.IsAsciiLetterOrDigit(c)) ? 1 : 0);
        return classes >= 2;
    }
}
