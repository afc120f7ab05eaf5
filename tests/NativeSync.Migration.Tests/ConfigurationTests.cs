using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>user.json and client.json: what is accepted, and the sentence for what is not.</summary>
public sealed class ConfigurationTests
{
    private const string GoodUser = """{"SecretId":"AKIDexample","SecretKey":"key","Region":"ap-guangzhou","InstanceId":"ins-1a2b3c4d"}""";

    [Fact]
    public void TheGuidesExampleIsAccepted()
    {
        UserSettings user = User("""
            {
                "SecretId": "AKIDexample",
                "SecretKey": "example",
                "Region": "ap-guangzhou",
                "InstanceId": "ins-1a2b3c4d",
                "DataDisks": [
                    { "Index": 2, "Size": 20, "MountPoint": "/mnt/disk2/" },
                    { "Index": 1, "Size": "10", "MountPoint": "/mnt//disk1", }, // a comma too many
                ],
            }
            """);
        Assert.Equal([new DataDisk(1, 10, "/mnt/disk1"), new DataDisk(2, 20, "/mnt/disk2")], user.DataDisks);
        Assert.Equal("ap-guangzhou", user.Region);
    }

    [Theory]
    [InlineData("", "user.json: the file is empty; expected a JSON object { … }")]
    [InlineData("[]", "user.json, line 1: expected a JSON object { … }, found a list")]
    [InlineData("{\n\"Region\": \"ap-guangzhou\"\n\"InstanceId\": 1}", "user.json, line 3: not valid JSON near column 1; look for a missing comma, quote or bracket on this line or the one before")]
    [InlineData("""{"SecretId":"a","SecretKey":"b","Region":"ap-guangzhou-3","InstanceId":"ins-1a2b3c4d"}""", "user.json, line 1: Region: expected a region, found the zone \"ap-guangzhou-3\"; use \"ap-guangzhou\"")]
    [InlineData("""{"SecretId":"a","SecretKey":"b","Region":"Guangzhou","InstanceId":"ins-1a2b3c4d"}""", "user.json, line 1: Region: expected a region such as \"ap-guangzhou\", found \"Guangzhou\"")]
    [InlineData("""{"SecretId":"a","SecretKey":"b","Region":"ap-guangzhou","InstanceId":"your instance id"}""", "user.json, line 1: InstanceId: still holds the sample text; expected the destination instance, such as \"ins-1a2b3c4d\"")]
    [InlineData("""{"SecretId":"a","SecretKey":"b","Region":"ap-guangzhou","InstanceId":"lhins-12345678"}""", "user.json, line 1: InstanceId: expected \"ins-\" and 6 to 24 letters and digits, found \"lhins-12345678\"")]
    [InlineData("""{"SecretId":"a","Region":"ap-guangzhou","InstanceId":"ins-1a2b3c4d"}""", "user.json: SecretKey: missing; SecretId and SecretKey go together (or leave both out and set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY)")]
    [InlineData("""{"SecretId":"a","SecretKey":"b","InstanceId":"ins-1a2b3c4d"}""", "user.json: Region: missing; expected the region of the destination, such as \"ap-guangzhou\"")]
    public void WhatIsWrongInUserJsonIsNamedWithItsPlace(string content, string expected)
        => Assert.Equal(expected, Assert.Throws<ConfigException>(() => User(content)).Message);

    [Theory]
    [InlineData("""{"Index":0,"MountPoint":"/a"}""", "DataDisks[0].Index: expected a whole number from 1 to 20, found 0")]
    [InlineData("""{"Index":21,"MountPoint":"/a"}""", "DataDisks[0].Index: expected a whole number from 1 to 20, found 21")]
    [InlineData("""{"Index":1.5,"MountPoint":"/a"}""", "DataDisks[0].Index: expected a whole number from 1 to 20, found 1.5")]
    [InlineData("""{"Index":1,"Size":9,"MountPoint":"/a"}""", "DataDisks[0].Size: expected a whole number from 10 to 16000, found 9")]
    [InlineData("""{"Index":1,"Size":16001,"MountPoint":"/a"}""", "DataDisks[0].Size: expected a whole number from 10 to 16000, found 16001")]
    [InlineData("""{"Index":1,"MountPoint":"a/b"}""", "DataDisks[0].MountPoint: expected an absolute path such as \"/mnt/disk1\", found \"a/b\"")]
    [InlineData("""{"Index":1,"MountPoint":"/a/../b"}""", "DataDisks[0].MountPoint: expected an absolute path such as \"/mnt/disk1\", found \"/a/../b\"")]
    [InlineData("""{"Index":1,"MountPoint":"//"}""", "DataDisks[0].MountPoint: \"/\" is the system disk, which is always migrated; leave it out")]
    [InlineData("""{"Index":1}""", "DataDisks[0].MountPoint: missing; expected the mount point on the source, such as \"/mnt/disk1\"")]
    [InlineData("""{"MountPoint":"/a"}""", "DataDisks[0].Index: missing; expected a whole number from 1 to 20")]
    [InlineData("""{"Index":1,"MountPoint":"/a"},{"Index":1,"MountPoint":"/b"}""", "DataDisks[1].Index: 1 is used by another data disk; each goes to a disk of its own")]
    [InlineData("""{"Index":1,"MountPoint":"/a"},{"Index":2,"MountPoint":"/a/"}""", "DataDisks[1].MountPoint: \"/a\" is used by another data disk")]
    [InlineData("7", "DataDisks[0]: expected { \"Index\": …, \"Size\": …, \"MountPoint\": … }, found 7")]
    public void WhatIsWrongInADataDiskIsNamedWithItsPlace(string disks, string expected)
    {
        string content = GoodUser[..^1] + ",\n\"DataDisks\":[" + disks + "]}";
        Assert.Equal("user.json, line 2: " + expected, Assert.Throws<ConfigException>(() => User(content)).Message);
    }

    [Fact]
    public void MoreThanTwentyDataDisksAreRefused()
    {
        string disks = string.Join(',', Enumerable.Range(1, 21).Select(i => $$"""{"Index":{{i}},"MountPoint":"/d{{i}}"}"""));
        string message = Assert.Throws<ConfigException>(() => User(GoodUser[..^1] + ",\"DataDisks\":[" + disks + "]}")).Message;
        Assert.Equal("user.json, line 1: DataDisks: expected at most 20 data disks, found 21", message);
    }

    [Fact]
    public void NestedAndDottedKeysMeanTheSame()
    {
        ClientSettings nested = Client("""{"Client":{"Net":{"Mode":3,"Proxy":{"Ip":"10.0.0.5","Port":"3128","User":"u","Password":"p"}},"Extra":{"IgnoreCheck":true},"Rsync":{"BandwidthLimit":"1000","Checksum":"true"}}}""");
        ClientSettings dotted = Client("""{"Client.Net.Mode":"3","Client.Net.Proxy.Ip":"10.0.0.5","Client":{"Net.Proxy.Port":3128,"Net":{"Proxy.User":"u","Proxy":{"Password":"p"}}},"Client.Extra.IgnoreCheck":"True","Client.Rsync.BandwidthLimit":1000,"Client.Rsync.Checksum":true}""");
        Assert.Equal(nested, dotted);
        Assert.Equal(new ProxySettings("10.0.0.5", 3128, "u", "p"), nested.Proxy);
        Assert.Equal(1024000, nested.Bandwidth.At(DateTime.Now));
        Assert.True(nested is { Checksum: true, IgnoreCheck: true, Mode: NetworkMode.Proxy });
    }

    [Fact]
    public void AnEmptyClientJsonIsTheDefaultMode()
    {
        ClientSettings client = Client("{}");
        Assert.Equal(new ClientSettings(), client);
        Assert.Equal(NetworkMode.Default, client.Mode);
        Assert.Equal(0, Client("""{"Client":{"Rsync":{"BandwidthLimit":""}}}""").Bandwidth.At(DateTime.Now));
    }

    [Theory]
    [InlineData("""{"Client":{"Net":{"Mode":4}}}""", "client.json, line 1: Client.Net.Mode: expected a whole number from 0 to 3, found 4")]
    [InlineData("""{"Client":{"Net":{"Mode":"two"}}}""", "client.json, line 1: Client.Net.Mode: expected a whole number from 0 to 3, found \"two\"")]
    [InlineData("""{"Client":{"Net":{"Mode":3}}}""", "client.json: Client.Net.Proxy.Ip: missing; mode 3 needs the address of the proxy")]
    [InlineData("""{"Client":{"Net":{"Mode":3,"Proxy":{"Ip":"10.0.0.5"}}}}""", "client.json: Client.Net.Proxy.Port: missing; mode 3 needs the port of the proxy")]
    [InlineData("""{"Client":{"Net":{"Mode":3,"Proxy":{"Ip":"http://10.0.0.5","Port":1}}}}""", "client.json, line 1: Client.Net.Proxy.Ip: expected an address such as \"10.0.0.5\" without scheme or port")]
    [InlineData("""{"Client":{"Rsync":{"BandwidthLimit":"fast"}}}""", "client.json, line 1: Client.Rsync.BandwidthLimit: expected a whole number from 0 to 1099511627776, found \"fast\"")]
    [InlineData("""{"Client":{"Rsync":{"BandwidthLimit":"08:00,512 19:61,off"}}}""", "client.json, line 1: Client.Rsync.BandwidthLimit: \"19:61,off\" is no [DAY-]HH:MM,KBYTES (for instance \"08:00,512 19:00,off\" or \"Sat-10:00,4096\")")]
    [InlineData("""{"Client":{"Transfer":{"TimeoutSeconds":1}}}""", "client.json, line 1: Client.Transfer.TimeoutSeconds: expected a whole number from 10 to 86400, found 1")]
    [InlineData("""{"Client":{"Rsync":{"Checksum":"yes"}}}""", "client.json, line 1: Client.Rsync.Checksum: expected true or false, found \"yes\"")]
    [InlineData("""{"Client":{"Api":{"Endpoint":"ftp://x"}}}""", "client.json, line 1: Client.Api.Endpoint: expected \"intl\", \"internal\", or scheme, host and port such as \"https://cvm.tencentcloudapi.com\" or \"https://{service}.{region}.tencentcloudapi.com\"")]
    [InlineData("""{"Client":{"Source":{"Root":"here"}}}""", "client.json, line 1: Client.Source.Root: expected an absolute path without \"..\"")]
    [InlineData("""{"Client":{"Transfer":{"Hooks":{"Undo":"x"}}}}""", "client.json, line 1: Client.Transfer.Hooks.Undo: there is nothing to undo without Client.Transfer.Hooks.BeforeLastPass; give both, or remove this one")]
    [InlineData("""{"Client":{"Transfer":{"Hooks":{"BeforePass":"x","TimeoutSeconds":0}}}}""", "client.json, line 1: Client.Transfer.Hooks.TimeoutSeconds: expected a number from 0.1 to 86400, found 0")]
    [InlineData("""{"Client":{"Disks":{"Format":"yes"}}}""", "client.json, line 1: Client.Disks.Format: expected \"never\", \"empty\" (data disks without a file system get one) or \"all\" (every file system that takes data is made anew)")]
    [InlineData("""{"Client":{"Disks":{"Partition":"system"}}}""", "client.json, line 1: Client.Disks.Partition: a new table takes the file systems with it: set Client.Disks.Format to \"all\" too, or remove this key")]
    [InlineData("""{"Client":{"Disks":{"SwapMiB":512}}}""", "client.json, line 1: Client.Disks.SwapMiB: a swap partition is made with a new table only: set Client.Disks.Partition to \"system\", or remove this key")]
    [InlineData("""{"Client":{"Check":{"Port":70000}}}""", "client.json, line 1: Client.Check.Port: expected a whole number from 1 to 65535, found 70000")]
    [InlineData("""{"Client":{"Api":{"MetadataEndpoint":"here"}}}""", "client.json, line 1: Client.Api.MetadataEndpoint: expected scheme, host and port, such as \"http://metadata.tencentyun.com\"")]
    [InlineData("{\"Client.Net.Mode\":0,\n\"Client\":{\"Net\":{\"Mode\":1}}}", "client.json, line 2: Client.Net.Mode: given twice, first on line 1; remove one")]
    public void WhatIsWrongInClientJsonIsNamedWithItsPlace(string content, string expected)
        => Assert.Equal(expected, Assert.Throws<ConfigException>(() => Client(content)).Message);

    [Fact]
    public void TheBandwidthLimitTakesATimetable()
    {
        BandwidthPlan plan = Client("""{"Client":{"Rsync":{"BandwidthLimit":"08:00,512 19:00,off Sat-08:00,4096"}}}""").Bandwidth;
        DateTime friday = new(2026, 1, 2, 12, 0, 0, DateTimeKind.Local);
        Assert.Equal([512 * 1024, 0, 4096 * 1024], (long[])[plan.At(friday), plan.At(friday.AddHours(8)), plan.At(friday.AddDays(1))]);
    }

    /// <summary>The file is what the user has at hand while the passes run; what makes no sense there changes nothing.</summary>
    [Fact]
    public void TheBandwidthLimitIsReadAgainWhenTheFileChanges()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("ns-limit-").FullName, ClientSettings.FileName);
        try
        {
            List<string> told = [];
            Write("100", 1);
            BandwidthWatch watch = new(file, BandwidthPlan.Of(100 * 1024), TimeProvider.System, told.Add);
            Assert.Equal(100 * 1024, watch.Now());
            Assert.Empty(told);

            // Changed after the run has read it, and before the first pass has begun to ask.
            Assert.Equal(100 * 1024, new BandwidthWatch(file, BandwidthPlan.Of(50 * 1024), TimeProvider.System, static _ => { }).Now());
            Write("200", 2);
            Assert.Equal(200 * 1024, watch.Now());
            Write("fast", 3);
            Assert.Equal(200 * 1024, watch.Now());
            Write("", 4);
            Assert.Equal(0, watch.Now());
            Assert.Equal(2, told.Count);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }

        void Write(string limit, int second)
        {
            File.WriteAllText(file, $$"""{ "Client": { "Rsync": { "BandwidthLimit": "{{limit}}" } } }""");
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(second));
        }
    }

    [Fact]
    public void TheWayOfSshIsReadAndShowsNoSecret()
    {
        ClientSettings client = Client("""{"Client":{"Ssh":{"ProxyJump":"me@gate:2222","Proxy":"socks5://u:s3cret@10.0.0.5:1080"}}}""");
        Assert.Equal(new SshWay("me@gate:2222", "socks5://u:s3cret@10.0.0.5:1080"), client.SshWay);
        Assert.DoesNotContain("s3cret", client.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownKeysAreWarnedOfAndNotFatal()
    {
        List<ConfigProblem> warnings = [];
        ClientSettings.Parse("{\"Client\":{\"Net\":{\"Mode\":0},\n\"Nett\":{\"Mode\":2}}}"u8, warnings);
        Assert.Equal(["client.json, line 2: Client.Nett.Mode: this key is not known and has no effect; check its spelling"], warnings.Select(w => w.ToString()));
    }

    [Fact]
    public void EveryProblemIsNamedAtOnce()
    {
        ConfigException e = Assert.Throws<ConfigException>(() => User("""{"SecretId":"a","SecretKey":"b","Region":"x","InstanceId":"y"}"""));
        Assert.Equal(2, e.Problems.Count);
    }

    [Fact]
    public void TheSamplesAreReadable()
    {
        Assert.All(Assert.Throws<ConfigException>(() => User(ConfigSamples.User)).Problems, p => Assert.Contains("sample text", p.Message, StringComparison.Ordinal));
        Assert.Equal(new ClientSettings(), Client(ConfigSamples.Client));
    }

    [Fact]
    public void NoPrefixOfAConfigurationCrashesTheReader()
    {
        byte[] whole = Encoding.UTF8.GetBytes(ConfigSamples.User);
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.ThrowsAny<ConfigException>(() => UserSettings.Parse(whole.AsSpan(0, length), []));
        }
    }

    [Fact]
    public void CredentialsComeFromTheFileThenTheEnvironmentThenTheCredentialsFile()
    {
        Dictionary<string, string> environment = new()
        {
            ["TENCENTCLOUD_SECRET_ID"] = "envid",
            ["TENCENTCLOUD_SECRET_KEY"] = "envkey",
            ["TENCENTCLOUD_SESSION_TOKEN"] = "envtoken",
            ["HOME"] = "/home/me",
        };
        UserSettings without = User(GoodUser.Replace("\"SecretId\":\"AKIDexample\",\"SecretKey\":\"key\",", "", StringComparison.Ordinal));

        Assert.Equal("user.json", CredentialSources.Resolve(User(GoodUser), environment.GetValueOrDefault, Missing)?.Origin);
        Assert.Equal(new CloudCredentials("envid", "envkey", "envtoken", "the environment"), CredentialSources.Resolve(without, environment.GetValueOrDefault, Missing));
        environment.Remove("TENCENTCLOUD_SECRET_KEY");
        Assert.Equal(
            new CloudCredentials("inid", "inkey", null, "/home/me/.tencentcloud/credentials"),
            CredentialSources.Resolve(without, environment.GetValueOrDefault, f => f.StartsWith("/home", StringComparison.Ordinal) ? "# mine\n[default]\nsecret_id = inid\nsecret_key=inkey\n[other]\nsecret_id=x\n" : null));
        Assert.Null(CredentialSources.Resolve(without, environment.GetValueOrDefault, Missing));

        static string? Missing(string file) => null;
    }

    [Fact]
    public void ASecretKeyNeverShowsInText()
        => Assert.DoesNotContain("hunter2", new CloudCredentials("id", "hunter2", "hunter2", "user.json").ToString(), StringComparison.Ordinal);

    private static UserSettings User(string content) => UserSettings.Parse(Encoding.UTF8.GetBytes(content), []);

    private static ClientSettings Client(string content) => ClientSettings.Parse(Encoding.UTF8.GetBytes(content), []);
}
