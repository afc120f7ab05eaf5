namespace NativeSync.Migration.Configuration;

/// <summary>The commented samples that <c>nativesync init</c> writes.</summary>
public static class ConfigSamples
{
    /// <summary>user.json, to be filled in.</summary>
    public const string User =
        """
        {
          // The API key: https://console.cloud.tencent.com/cam/capi . Leave both out to use TENCENTCLOUD_SECRET_ID and _KEY.
          "SecretId": "your secretId",
          "SecretKey": "your secretKey",
          // The region of the destination, not its zone.
          "Region": "ap-guangzhou",
          // The destination instance. All that its disks hold is replaced.
          "InstanceId": "your instance id",
          // The data disks to carry: Index 1 is the destination's first data disk; Size in GB; MountPoint on this server.
          "DataDisks": [
            // { "Index": 1, "Size": 10, "MountPoint": "/mnt/disk1" }
          ]
        }

        """;

    /// <summary>client.json with the defaults.</summary>
    public const string Client =
        """
        {
          "Client": {
            "Net": {
              // 0: this server calls the API, data to the public address.   1: a gateway runs stages 1 and 3.
              // 2: data to the private address.                             3: as 2, the API through the proxy.
              "Mode": 0,
              "Proxy": { "Ip": "", "Port": "", "User": "", "Password": "" }
            },
            "Extra": { "IgnoreCheck": false },
            "Rsync": {
              // KBytes a second, or a timetable such as "08:00,512 19:00,off"; empty for no limit. May be changed meanwhile.
              "BandwidthLimit": "",
              // Compare contents, not size and time.
              "Checksum": false
            }
          }
        }

        """;

    /// <summary>rsync_excludes_linux.txt as the guide has it.</summary>
    public static string Excludes => string.Join('\n', ExcludesFile.Defaults) + "\n";
}
