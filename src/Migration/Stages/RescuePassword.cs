using System.Security.Cryptography;

namespace NativeSync.Migration.Stages;

/// <summary>Makes passwords that EnterRescueMode accepts: 8–30 characters, here 24 of four classes.</summary>
internal static class RescuePassword
{
    private const int Length = 24;
    private static readonly string[] Classes = ["abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-+=.,:@"];

    public static string Generate()
    {
        string all = string.Concat(Classes);
        while (true)
        {
            // A letter first: some front ends take a leading sign for an option.
            string password = RandomNumberGenerator.GetString(Classes[0] + Classes[1], 1) + RandomNumberGenerator.GetString(all, Length - 1);
            if (Classes.All(c => password.AsSpan().IndexOfAny(c) >= 0))
            {
                return password;
            }
        }
    }
}
