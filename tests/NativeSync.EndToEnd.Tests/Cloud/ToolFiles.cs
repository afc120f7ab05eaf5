using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Support;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A tool directory as a user fills it.</summary>
internal static class ToolFiles
{
    public const string InstanceId = "ins-1a2b3c4d";
    public const string SecretKey = "TopSecretKeyOfTheAccount";

    /// <summary>Fills a directory with the executable and the three files.</summary>
    /// <param name="directory">Made when it is not there.</param>
    /// <param name="client">client.json, in the flat form.</param>
    /// <param name="dataDisks">Mount point of each data disk, in the order of the instance's.</param>
    /// <param name="excludes">Lines for the end of rsync_excludes_linux.txt.</param>
    public static void Write(string directory, JsonObject client, string[] dataDisks, string excludes = "")
    {
        Directory.CreateDirectory(directory);
        JsonObject user = new()
        {
            ["SecretId"] = "AKIDexample",
            ["SecretKey"] = SecretKey,
            ["Region"] = "ap-guangzhou",
            ["InstanceId"] = InstanceId,
            ["DataDisks"] = new JsonArray([.. dataDisks.Select((m, i) => new JsonObject { ["Index"] = i + 1, ["Size"] = 10, ["MountPoint"] = m })]),
        };
        Write("user.json", user.ToJsonString());
        Write("client.json", client.ToJsonString());
        Write("rsync_excludes_linux.txt", "/dev/*\n/sys/*\n/proc/*\n/var/cache/yum/*\n/lost+found/*\n/var/lib/lxcfs/*\n" + excludes);
        File.Copy(Tool.Path, Path.Combine(directory, "nativesync"), overwrite: true);

        void Write(string name, string content)
        {
            string path = Path.Combine(directory, name);
            File.WriteAllText(path, content);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
