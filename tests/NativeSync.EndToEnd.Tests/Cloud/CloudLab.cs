using System.Globalization;
using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A cloud with one instance whose disks and rescue system are real, and tool directories that migrate to it.</summary>
internal sealed class CloudLab : IAsyncDisposable
{
    public const string SystemDiskId = "disk-sys00001";

    private readonly List<LoopDisk> _disks = [];

    private CloudLab(Scratch scratch) => Scratch = scratch;

    public Scratch Scratch { get; }

    public CloudSimulator Simulator { get; private set; } = null!;

    public SimulatedInstance Instance { get; private set; } = null!;

    public RescueBox Rescue { get; private set; } = null!;

    /// <summary>Where the instance is reached.</summary>
    public int Port { get; private set; }

    /// <summary>System disk first.</summary>
    public IReadOnlyList<LoopDisk> Disks => _disks;

    /// <summary>Makes it.</summary>
    /// <param name="systemMebibytes">Size of the system disk, which has one partition with a small system.</param>
    /// <param name="data">mkfs command of each data disk, null for an empty one, with its size.</param>
    /// <param name="network">See <see cref="RescueBox"/>.</param>
    /// <param name="address">See <see cref="RescueBox"/>.</param>
    /// <param name="fault">See <see cref="SimulatorOptions.Fault"/>.</param>
    /// <param name="line">What leads to the instance; null for nothing in between.</param>
    public static async Task<CloudLab> CreateAsync(
        int systemMebibytes = 96, IReadOnlyList<(string? MakeFileSystem, int Mebibytes)>? data = null, string? network = null, string address = "127.0.0.1", Func<SimulatedCall, SimulatedFault?>? fault = null,
        CountedLine? line = null)
    {
        CloudLab lab = new(new Scratch());
        try
        {
            lab._disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, SystemDiskId, systemMebibytes, "mkfs.ext4 -q -F", partitioned: true));
            string at = await lab._disks[0].MountAsync(lab.Scratch["new-system"], "rw");
            foreach (string directory in (string[])["etc", "bin", "usr/lib", "var/log"])
            {
                Directory.CreateDirectory(Path.Combine(at, directory));
            }

            await File.WriteAllTextAsync(Path.Combine(at, "etc/os-release"), "PRETTY_NAME=\"what the image held before\"\n");
            await LoopDisk.UnmountAsync(at);
            foreach ((string? make, int size) in data ?? [])
            {
                lab._disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, string.Create(CultureInfo.InvariantCulture, $"disk-data000{lab._disks.Count}"), size, make, partitioned: false));
            }

            lab.Rescue = new RescueBox(lab.Scratch["rescue"], lab._disks, network, address);
            lab.Port = line?.Port ?? lab.Rescue.Port;
            line?.Target = lab.Rescue.Port;
            lab.Instance = new SimulatedInstance
            {
                InstanceId = ToolFiles.InstanceId,
                Region = "ap-guangzhou",
                Backing = lab.Rescue,
                PublicAddress = network is null ? address : null,
                PrivateAddress = address,
                SystemDisk = new InstanceDisk { DiskId = SystemDiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 50 },
                DataDisks = [.. lab._disks.Skip(1).Select(d => new InstanceDisk { DiskId = d.DiskId, DiskType = "CLOUD_PREMIUM", DiskSize = 20 })],
            };
            SecurityGroupPolicySet open = new()
            {
                Ingress = [new() { PolicyIndex = 0, Protocol = "TCP", Port = string.Create(CultureInfo.InvariantCulture, $"{lab.Port},80,443"), CidrBlock = "0.0.0.0/0", Action = "ACCEPT" }],
            };
            lab.Simulator = new CloudSimulator(
                new SimulatorOptions { SecretId = "AKIDexample", SecretKey = ToolFiles.SecretKey, Fault = fault, SecurityGroups = new Dictionary<string, SecurityGroupPolicySet> { ["sg-sim00000"] = open } }, lab.Instance);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Fills a directory with the executable and the three files.</summary>
    /// <param name="directory">Made when it is not there.</param>
    /// <param name="mode">Client.Net.Mode.</param>
    /// <param name="dataDisks">Mount point of each data disk, in the order of the instance's.</param>
    /// <param name="client">Further keys of client.json, in the flat form.</param>
    /// <param name="excludes">Lines for the end of rsync_excludes_linux.txt.</param>
    public void WriteTool(string directory, int mode = 0, string[]? dataDisks = null, JsonObject? client = null, string excludes = "")
    {
        client ??= [];
        client["Client.Net.Mode"] = mode;
        client["Client.Api.Endpoint"] ??= Simulator.Endpoint;
        client["Client.Api.PollSeconds"] = 0.05;
        client["Client.Ssh.Port"] = Port;
        client["Client.Fixups.Skip"] ??= new JsonArray("all"); // What most of these sources hold could not boot anyhow.
        ToolFiles.Write(directory, client, dataDisks ?? [], excludes);
    }

    /// <summary>The disk's file system mounted, to be judged.</summary>
    public async Task<string> LookAsync(int disk, string options = "ro") => await Disks[disk].MountAsync(Scratch[$"look{disk}"], options);

    public async ValueTask DisposeAsync()
    {
        if (Simulator is not null)
        {
            await Simulator.DisposeAsync();
        }

        if (Rescue is not null)
        {
            await Rescue.DisposeAsync();
        }

        foreach (string mount in Directory.EnumerateDirectories(Scratch.Root))
        {
            await Command.RunAsync(["umount", "-q", "-l", mount]);
        }

        foreach (LoopDisk disk in _disks)
        {
            await disk.DisposeAsync();
        }

        Scratch.Dispose();
    }
}
