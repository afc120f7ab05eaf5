using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.FileSystem;

/// <summary>--chmod, judged by rsync: the same text makes the same modes of the same entries, or is refused by both.</summary>
public sealed class ModeChangesTests(ITestOutputHelper output)
{
    private static readonly uint[] Modes = [.. new[] { "0", "111", "421", "644", "755", "1777", "2755", "4755", "7777" }.Select(m => Convert.ToUInt32(m, 8))];

    /// <summary>What chmod(1) leaves open and rsync answers: special bits under '=', the umask, X, D and F, and what is no change at all.</summary>
    private static readonly string[] Directed =
    [
        "=rw", "=rwx", "-w", "+rwx", "+s", "=s", "-s", "+t", "=t", "u+s", "g+s", "o+s", "a+s", "u=s", "g=s", "o=s", "ug=s", "go=s", "u=rx", "a=rx",
        "u-s", "u=t", "g=t", "o=t", "a=t", "ug=t", "uo=t", "o=st", "u=st", "=st", "g-st", "+ts", "u=ts", "a-ts", "o+ts", "o=ts", "=ts", "g=tst", "+tst", "u-x,u+X", "a=X", "a-X", "+X", "=X", "u=g", "g=u", "o=u",
        "a=u", "u=o", "g+u", "o-u", "ug=o", "uo=g", "=u", "+g", "-o", "7", "0", "00755", "07777", "D0", "F4755", "uF+x", "aD+x", "a+rwxXst", "u+",
        "644,u+x", "u+x,644", "u+w,F755", "a=,u=rwX", "Dg+s,Fo=", "D2755,F600", "ugo+rwXst",
        "17777", "8", "07778", "D", "Dx", "", ",", "u", "u+r+w", "u+rw-x", "u+gr", "u=gu", "rx", "DF+x", "u4755", "uF755", "755u", "u+x,", ",u+x", "u +x", "D=755",
    ];

    [Fact]
    public void WhatRsyncMakesOfAModeWeMakeOfIt()
    {
        int seed = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : 1;
        output.WriteLine($"NATIVESYNC_SEED={seed}");
        Random random = new(seed);
        using TemporaryTree tree = new();
        tree.Shell("mkdir s");
        foreach (uint mode in Modes)
        {
            string octal = Convert.ToString((int)mode, 8);
            tree.Shell($"mkdir s/d{octal}; : > s/f{octal}; chmod {octal} s/d{octal} s/f{octal}");
        }

        int count = TestRun.IsQuick ? 20 : 120;
        foreach ((string text, uint umask) in Directed.Select(d => (d, 0x12u)).Concat(Enumerable.Range(0, count).Select(_ => (RandomText(random), (uint)random.Next(0x200)))))
        {
            Compare(tree, text, umask, seed);
        }
    }

    private static void Compare(TemporaryTree tree, string text, uint umask, int seed)
    {
        bool valid = ModeChanges.TryParse(Encoding.UTF8.GetBytes(text), umask, out ModeChanges changes);
        string made = tree.Shell($"rm -rf d; umask {Convert.ToString((int)umask, 8)}; if rsync -a '--chmod={text}' s/ d/ 2>/dev/null; then cd d; stat -c '%n %a' *; else echo refused $?; fi");
        string story = $"--chmod={text}, umask {Convert.ToString((int)umask, 8)} (NATIVESYNC_SEED={seed})";
        if (!valid)
        {
            Assert.True(made == "refused 1\n", $"{story}: refused here, rsync: {made}");
            return;
        }

        StringBuilder expected = new();
        foreach (char type in "df")
        {
            foreach (uint mode in Modes.OrderBy(m => Convert.ToString((int)m, 8), StringComparer.Ordinal))
            {
                uint changed = changes.Apply(mode | (type == 'd' ? ModeBits.Directory : ModeBits.Regular)) & ModeBits.PermissionMask;
                expected.Append(CultureInfo.InvariantCulture, $"{type}{Convert.ToString((int)mode, 8)} {Convert.ToString((int)changed, 8)}\n");
            }
        }

        Assert.True(made == expected.ToString(), $"{story}:\nrsync:\n{made}\nhere:\n{expected}");
    }

    /// <summary>One to three changes, mostly well-formed.</summary>
    private static string RandomText(Random random)
    {
        string Some(string letters, int most) => string.Concat(Enumerable.Range(0, random.Next(most + 1)).Select(_ => letters[random.Next(letters.Length)]));
        return string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(8) switch
        {
            0 => Some("DF", 1) + Convert.ToString(random.Next(0x1000), 8),
            1 => Some("ugoaDF", 3) + "+-="[random.Next(3)] + "ugo"[random.Next(3)],
            2 => Some("ugoaDFrwx+-=sXt0", 6),
            _ => Some("ugoa", 2) + Some("DF", 1) + "+-="[random.Next(3)] + Some("rwxXst", 4),
        }));
    }
}
