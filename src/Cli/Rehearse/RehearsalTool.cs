using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NativeSync.Migration.Configuration;

namespace NativeSync.Cli.Rehearse;

/// <summary>The tool's directory of a rehearsal, filled as a user would fill it.</summary>
internal static class RehearsalTool
{
    public const string InstanceId = "ins-rehearsal";
    public const string Region = "ap-guangzhou";
    public const string SecretId = "AKIDrehearsal";
    public const string SecretKey = "KeyOfTheRehearsalOnly";
    public const string ProxyUser = "rehearsal";
    public const string ProxyPassword = "ProxyOfTheRehearsal";

    /// <summary>Fills a tool directory for a rehearsal.</summary>
    /// <param name="area">The rehearsal's directory.</param>
    /// <param name="mode">Client.Net.Mode.</param>
    /// <param name="endpoint">The simulator.</param>
    /// <param name="proxyPort">Port of the proxy; 0 for none.</param>
    /// <param name="destination">Where the data goes.</param>
    /// <param name="source">The tree.</param>
    /// <param name="sample">It is the sample, which has a data disk.</param>
    public static ToolDirectory Write(string area, int mode, string endpoint, int proxyPort, RehearsalDestination destination, string source, bool sample)
    {
        ToolDirectory tool = new(Path.Combine(area, "tool"));
        Directory.CreateDirectory(tool.Path);
        string disks = sample ? $$""", "DataDisks": [ { "Index": 1, "Size": 10, "MountPoint": "{{SampleTree.DataDisk}}" } ]""" : "";
        Write(UserSettings.FileName, $$"""{ "SecretId": "{{SecretId}}", "SecretKey": "{{SecretKey}}", "Region": "{{Region}}", "InstanceId": "{{InstanceId}}"{{disks}} }""");
        string identity = "";
        if (destination.ClientKey is { } key)
        {
            // Into the tool directory, by a relative name, so that it travels with it.
            File.Copy(key, tool.File("client_key"));
            identity = """, "IdentityFile": "client_key" """;
        }

        // On disks the fix-ups would change what is compared in the end; a directory they only look at.
        string fixups = destination.Machine is null ? "" : """, "Fixups": { "Skip": [ "all" ] }""";
        string root = destination.Machine is null ? $"\"DestinationRoot\": {Json(Path.Combine(area, "destination"))}, " : "";
        string proxy = proxyPort == 0 ? "" : $$""", "Proxy": { "Ip": "127.0.0.1", "Port": "{{proxyPort}}", "User": "{{ProxyUser}}", "Password": "{{ProxyPassword}}" }""";
        Write(ClientSettings.FileName, $$"""
            { "Client": {
              "Net": { "Mode": {{mode}}{{proxy}} },
              "Api": { "Endpoint": {{Json(endpoint)}}, "PollSeconds": 0.1 },
              "Ssh": { "Port": {{destination.Port}}, "User": {{Json(destination.Machine is null ? Environment.UserName : "root")}}{{identity}} },
              "Source": { "Root": {{Json(source)}} },
              "Transfer": { {{root}}"UntilBytes": 0, "MaxPasses": 3 }{{fixups}}
            } }
            """);

        // A source that holds the work area must not be copied into itself.
        string prefix = source == "/" ? "/" : source + "/";
        string own = area.StartsWith(prefix, StringComparison.Ordinal) ? area[(prefix.Length - 1)..] + "/\n" : "";
        Write(ExcludesFile.FileName, ConfigSamples.Excludes + own);
        return tool;

        void Write(string name, string content)
        {
            using FileStream file = new(tool.File(name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            file.Write(Encoding.UTF8.GetBytes(content));
        }
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>Copies the whole directory, as scenario 1 asks for.</summary>
    public static ToolDirectory Copy(ToolDirectory from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from.Path, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return new ToolDirectory(to);
    }
}
