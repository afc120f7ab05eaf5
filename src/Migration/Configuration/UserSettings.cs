namespace NativeSync.Migration.Configuration;

/// <summary>One data disk of the source, and the data disk of the destination that it goes to.</summary>
/// <param name="Index">1 for the first data disk of the destination, and so on.</param>
/// <param name="SizeGiB">Size of the source's disk in GB; null when not given.</param>
/// <param name="MountPoint">Where it is mounted on the source; absolute, without a slash at the end.</param>
public sealed record DataDisk(int Index, int? SizeGiB, string MountPoint);

/// <summary>What <c>user.json</c> says: whose account, which instance, which data disks.</summary>
public sealed record UserSettings
{
    /// <summary>The name of the file, beside the executable.</summary>
    public const string FileName = "user.json";

    /// <summary>The most data disks that a migration carries.</summary>
    public const int MaxDataDisks = 20;

    /// <summary>The API key's id; null when the file has none and it must come from elsewhere.</summary>
    public string? SecretId { get; init; }

    /// <summary>The API key; null as above.</summary>
    public string? SecretKey { get; init; }

    /// <summary>The token of temporary credentials.</summary>
    public string? Token { get; init; }

    /// <summary>Region of the destination, such as <c>ap-guangzhou</c>.</summary>
    public required string Region { get; init; }

    /// <summary>The destination, such as <c>ins-1a2b3c4d</c>.</summary>
    public required string InstanceId { get; init; }

    /// <summary>The data disks, by index.</summary>
    public IReadOnlyList<DataDisk> DataDisks { get; init; } = [];

    /// <summary>Reads the file's content.</summary>
    /// <param name="content">Bytes of the file.</param>
    /// <param name="warnings">Receives what is odd but not wrong.</param>
    /// <exception cref="ConfigException">Something is wrong; all problems are in it.</exception>
    public static UserSettings Parse(ReadOnlySpan<byte> content, List<ConfigProblem> warnings)
    {
        List<ConfigProblem> errors = [];
        ConfigReader reader = new(FileName, ConfigParser.Parse(FileName, content), errors, warnings);
        string? id = Secret(reader, "SecretId");
        string? key = Secret(reader, "SecretKey");
        string? token = reader.Text("Token") ?? reader.Text("SessionToken");
        if ((id is null) != (key is null) && errors.Count == 0)
        {
            string missing = id is null ? "SecretId" : "SecretKey";
            reader.Error(missing, "missing; SecretId and SecretKey go together (or leave both out and set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY)");
        }

        string region = Required(reader, "Region", "the region of the destination, such as \"ap-guangzhou\"");
        if (NameForms.IsZone(region))
        {
            reader.Error("Region", $"expected a region, found the zone \"{region}\"; use \"{region[..region.LastIndexOf('-')]}\"");
        }
        else if (region.Length > 0 && !NameForms.IsRegion(region))
        {
            reader.Error("Region", $"expected a region such as \"ap-guangzhou\", found \"{Cut(region)}\"");
        }

        string instance = Required(reader, "InstanceId", "the destination instance, such as \"ins-1a2b3c4d\"");
        if (instance.Length > 0 && !NameForms.IsInstanceId(instance))
        {
            reader.Error("InstanceId", $"expected \"ins-\" and 6 to 24 letters and digits, found \"{Cut(instance)}\"");
        }

        List<DataDisk> disks = DataDisksOf(reader, errors, warnings);
        reader.WarnUnread();
        return errors.Count == 0
            ? new UserSettings { SecretId = id, SecretKey = key, Token = token, Region = region, InstanceId = instance, DataDisks = disks }
            : throw new ConfigException(errors);
    }

    private static List<DataDisk> DataDisksOf(ConfigReader reader, List<ConfigProblem> errors, List<ConfigProblem> warnings)
    {
        List<DataDisk> disks = [];
        IReadOnlyList<ConfigNode> items = reader.List("DataDisks");
        if (items.Count > MaxDataDisks)
        {
            reader.Error("DataDisks", $"expected at most {MaxDataDisks} data disks, found {items.Count}");
            return disks;
        }

        for (int i = 0; i < items.Count; i++)
        {
            string prefix = $"DataDisks[{i}].";
            if (items[i].Kind != ConfigKind.Object)
            {
                errors.Add(new(FileName, items[i].Line, $"DataDisks[{i}]", $"expected {{ \"Index\": …, \"Size\": …, \"MountPoint\": … }}, found {items[i].Shown}"));
                continue;
            }

            ConfigReader item = new(FileName, items[i], errors, warnings, prefix);
            int before = errors.Count;
            int? index = (int?)item.Integer("Index", 1, MaxDataDisks);
            int? size = (int?)item.Integer("Size", 10, 16000);
            string? mount = item.Text("MountPoint");
            if (errors.Count == before)
            {
                if (index is null)
                {
                    errors.Add(new(FileName, items[i].Line, prefix + "Index", $"missing; expected a whole number from 1 to {MaxDataDisks}"));
                }
                else if (MountPointProblem(mount) is { } problem)
                {
                    errors.Add(new(FileName, mount is null ? items[i].Line : item.Line("MountPoint"), prefix + "MountPoint", problem));
                }
                else
                {
                    Add(disks, new DataDisk(index.Value, size, Normalized(mount!)), item);
                }
            }

            item.WarnUnread();
        }

        disks.Sort((a, b) => a.Index.CompareTo(b.Index));
        return disks;
    }

    private static void Add(List<DataDisk> disks, DataDisk disk, ConfigReader item)
    {
        if (disks.Exists(d => d.Index == disk.Index))
        {
            item.Error("Index", $"{disk.Index} is used by another data disk; each goes to a disk of its own");
        }
        else if (disks.Exists(d => string.Equals(d.MountPoint, disk.MountPoint, StringComparison.Ordinal)))
        {
            item.Error("MountPoint", $"\"{disk.MountPoint}\" is used by another data disk");
        }
        else
        {
            disks.Add(disk);
        }
    }

    private static string? MountPointProblem(string? mount)
    {
        if (mount is null)
        {
            return "missing; expected the mount point on the source, such as \"/mnt/disk1\"";
        }

        string[] parts = mount.Split('/');
        if (mount[0] != '/' || mount.Contains('\0', StringComparison.Ordinal) || Array.Exists(parts, p => p is "." or ".."))
        {
            return $"expected an absolute path such as \"/mnt/disk1\", found \"{Cut(mount)}\"";
        }

        return Normalized(mount) == "/" ? "\"/\" is the system disk, which is always migrated; leave it out" : null;
    }

    private static string Normalized(string path)
        => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));

    private static string Required(ConfigReader reader, string key, string expected)
    {
        string? value = reader.Text(key)?.Trim();
        if (string.IsNullOrEmpty(value))
        {
            reader.Error(key, $"missing; expected {expected}");
        }
        else if (value.StartsWith("your ", StringComparison.OrdinalIgnoreCase))
        {
            reader.Error(key, $"still holds the sample text; expected {expected}");
            return "";
        }

        return value ?? "";
    }

    private static string? Secret(ConfigReader reader, string key)
    {
        string? value = reader.Text(key)?.Trim();
        if (value is not null && value.StartsWith("your ", StringComparison.OrdinalIgnoreCase))
        {
            reader.Error(key, "still holds the sample text; put in a key made in the console under Access Management");
        }
        else if (value is not null && value.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            reader.Error(key, "holds a blank or a character that no key has; copy it again");
        }

        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static string Cut(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
