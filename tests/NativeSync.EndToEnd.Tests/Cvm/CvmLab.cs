using System.Globalization;
using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Cloud;
using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>A cloud with one instance that really boots.</summary>
internal sealed class CvmLab : IAsyncDisposable
{
    private const string SystemDiskId = "disk-sys00001";
    private const string DataDiskId = "disk-data0001";

    private readonly List<LoopDisk> _disks = [];

    private CvmLab(CvmImages images) => Images = images;

    public Scratch Scratch { get; } = new();

    public CvmImages Images { get; }

    public SourceServer Source { get; private set; } = null!;

    public QemuInstance Machine { get; private set; } = null!;

    public SimulatedInstance Instance { get; private set; } = null!;

    public CloudSimulator Simulator { get; private set; } = null!;

    /// <summary>Makes it: a system disk as an image leaves it, and an empty data disk.</summary>
    /// <param name="layout">The source's.</param>
    public static async Task<CvmLab> CreateAsync(SourceLayout layout)
    {
        CvmLab lab = new(await CvmImages.GetAsync());
        try
        {
            lab._disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, SystemDiskId, 2048, "mkfs.ext4 -q -F", partitioned: true));
            string at = await lab._disks[0].MountAsync(lab.Scratch["new-system"], "rw");
            (await Command.RunAsync(["tar", "-C", at, "-xpf", lab.Images.Small])).MustExit(0);
            await LoopDisk.UnmountAsync(at);
            lab._disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, DataDiskId, 160, null, partitioned: false));
            lab.Source = await SourceServer.CreateAsync(lab.Scratch, lab.Images, layout);
            lab.Machine = new QemuInstance(lab.Images, lab.Scratch["machine"], lab._disks);
            lab.Machine.Agent = script => lab.Source.SshAsync(lab.Machine.Port, script, "root");
            lab.Instance = new SimulatedInstance
            {
                InstanceId = ToolFiles.InstanceId,
                Region = "ap-guangzhou",
                Backing = lab.Machine,
                HasTatAgent = true,
                SystemDisk = new InstanceDisk { DiskId = SystemDiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 50 },
                DataDisks = [new InstanceDisk { DiskId = DataDiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 20 }],
            };
            SecurityGroupPolicySet open = new()
            {
                Ingress = [new() { PolicyIndex = 0, Protocol = "TCP", Port = string.Create(CultureInfo.InvariantCulture, $"{lab.Machine.Port},80,443"), CidrBlock = "0.0.0.0/0", Action = "ACCEPT" }],
            };
            lab.Simulator = new CloudSimulator(
                new SimulatorOptions { SecretId = "AKIDexample", SecretKey = ToolFiles.SecretKey, SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = open } }, lab.Instance);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>client.json for this cloud, with further keys.</summary>
    public JsonObject Client(params (string Key, JsonNode? Value)[] more)
    {
        JsonObject client = new()
        {
            ["Client.Api.Endpoint"] = Simulator.Endpoint,
            ["Client.Api.PollSeconds"] = 0.5,
            ["Client.Ssh.Port"] = Machine.Port,
            ["Client.Check.IdentityFile"] = "key",
            ["Client.Check.WaitSeconds"] = 600,
            ["Client.Check.ConsoleFile"] = "console.log",
        };
        foreach ((string key, JsonNode? value) in more)
        {
            client[key] = value;
        }

        return client;
    }

    /// <summary>The instance's file systems, mounted where the booted system has them, below one directory.</summary>
    public async Task<string> MountAsync()
    {
        // An XFS that was made as the source's has its UUID, and the source's is mounted while the tool runs.
        string root = await _disks[0].MountAsync(Scratch["arrived"], await _disks[0].NameAsync("TYPE") == "xfs" ? "ro,nouuid" : "ro");
        string data = _disks[1].File;
        await Command.ShellAsync($"""
            offset=0; [ -z "$(blkid -p -s PTTYPE -o value '{data}')" ] || offset=1048576
            loop=$(losetup --find --show --read-only --offset $offset '{data}')
            s=0; mount -o ro,noload $loop '{root}/srv/data' || s=$?; losetup --detach $loop; exit $s
            """);
        return root;
    }

    public async Task UnmountAsync() => await Command.RunAsync(["umount", "--recursive", Scratch["arrived"]]);

    public async ValueTask DisposeAsync()
    {
        if (Simulator is not null)
        {
            await Simulator.DisposeAsync();
        }

        if (Machine is not null)
        {
            await Machine.DisposeAsync();
        }

        if (Source is not null)
        {
            await Source.DisposeAsync();
        }

        foreach (string mount in Directory.EnumerateDirectories(Scratch.Root))
        {
            await Command.RunAsync(["umount", "-q", "-R", "-l", mount]);
        }

        foreach (LoopDisk disk in _disks)
        {
            await disk.DisposeAsync();
        }

        Scratch.Dispose();
    }
}
