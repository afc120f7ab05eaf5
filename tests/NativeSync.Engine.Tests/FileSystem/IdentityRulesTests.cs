using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.FileSystem;

/// <summary>--usermap and --groupmap, judged by rsync: the same map gives the same files to the same owners, or is refused by both.</summary>
public sealed class IdentityRulesTests(ITestOutputHelper output)
{
    private static readonly uint[] Ids = [0, 1, 2, 5, 33, 99, 1000, 12345, 65534, 4000000000];

    private static readonly string[] Directed =
    [
        "daemon:games", "1:55", "d*:55,root:66", "*:nobody", "0-99:77", ":78", "12000-13000:79,*:80", "nosuch:games", "daemon:nosuch", "daemon:nosuch,1:9",
        "-5:5", "9-5:5", "1:5:6", "[dr]*:44", "1:0", "1:root", "0:1", "?*:7", "*:7,1:8", "1:8,1:9", "4000000000:3", "1-1:4", "a,b:1", "x", "x:", "1-:5", "1x:5",
        "1:4294967294", "1:4294967296", "1:99999999999", "99999999999:1", "1-99999999999:1", ",1:2", "1:2,", "",
    ];

    [Fact]
    public void WhereRsyncMapsAnOwnerWeMapIt()
    {
        int seed = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : 1;
        output.WriteLine($"NATIVESYNC_SEED={seed}");
        Random random = new(seed);
        using TemporaryTree tree = new();
        tree.Shell("mkdir s; " + string.Join("; ", Ids.Select(id => $": > s/{id}; chown {id}:{id} s/{id}")));
        IdentityMap local = IdentityMap.Load(LinuxSystemCalls.Instance);
        string[] maps = [.. Directed, .. Enumerable.Range(0, TestRun.IsQuick ? 20 : 100).Select(_ => RandomMap(random))];
        foreach (string map in maps)
        {
            foreach (bool byName in (bool[])[true, false])
            {
                Compare(tree, local, map, byName, seed);
            }
        }
    }

    private static void Compare(TemporaryTree tree, IdentityMap local, string map, bool byName, int seed)
    {
        string story = $"--usermap={map} --groupmap={map}{(byName ? "" : " --numeric-ids")} (NATIVESYNC_SEED={seed})";
        string made = tree.Shell($"rm -rf d; if rsync -a {(byName ? "" : "--numeric-ids")} '--usermap={map}' '--groupmap={map}' s/ d/ 2>/dev/null; then cd d; stat -c '%n %u:%g' *; else echo refused $?; fi");
        IdentityRules users, groups;
        try
        {
            users = IdentityRules.Parse(Encoding.UTF8.GetBytes(map), "--usermap", name => local.UserId(name));
            groups = IdentityRules.Parse(Encoding.UTF8.GetBytes(map), "--groupmap", name => local.GroupId(name));
        }
        catch (SessionException e)
        {
            Assert.True(made == $"refused {e.ExitCode}\n", $"{story}: {e.Message}, rsync: {made}");
            return;
        }

        IdentityMapper mapper = new(local, users, groups, byName);
        StringBuilder expected = new();
        foreach (uint id in Ids.OrderBy(i => i.ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal))
        {
            if (byName && local.UserName(id) is { } user)
            {
                mapper.DefineUser(id, user);
            }

            if (byName && local.GroupName(id) is { } group)
            {
                mapper.DefineGroup(id, group);
            }

            expected.Append(CultureInfo.InvariantCulture, $"{id} {mapper.LocalUser(id)}:{mapper.LocalGroup(id)}\n");
        }

        Assert.True(made == expected.ToString(), $"{story}:\nrsync:\n{made}\nhere:\n{expected}");
    }

    private static string RandomMap(Random random)
    {
        string[] names = ["root", "daemon", "bin", "games", "nobody", "www-data", "nosuch", "*", "d*", "?oo*", "[a-m]*", "*o*", "", "0", "1", "33", "0-5", "1000-70000", "2-1"];
        string[] targets = ["root", "daemon", "games", "nosuch", "0", "7", "65534", "123456"];
        return string.Join(',', Enumerable.Range(0, random.Next(1, 5)).Select(_ => names[random.Next(names.Length)] + ":" + targets[random.Next(targets.Length)]));
    }
}
