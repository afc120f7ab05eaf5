using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Cloud;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>How the disks of a server are laid out.</summary>
internal enum SourceLayout
{
    /// <summary>ext4.</summary>
    Plain,

    /// <summary>btrfs with the subvolumes @ and @home, another inside, snapshots, and /boot of its own on ext4.</summary>
    Subvolumes,

    /// <summary>XFS.</summary>
    Xfs,
}

/// <summary>
/// The server that is migrated: a Debian on disks of its own, with a user who logs in by a key, a service that needs the
/// data disk, a swap file, and the addresses and disks of the place where it stands.
/// </summary>
internal sealed class SourceServer : IAsyncDisposable
{
    public const string ToolDirectory = "root/migration";
    private readonly Scratch _scratch;
    private readonly List<(LoopDisk Disk, string MountPoint, string Type, string Options)> _disks = [];

    private SourceServer(Scratch scratch) => _scratch = scratch;

    /// <summary>The private key of the user "deploy", and of root.</summary>
    public string Key => _scratch["key"];

    /// <summary>The host keys, as known_hosts has them for loopback.</summary>
    public string KnownHosts => _scratch["known_hosts"];

    /// <summary>Makes it.</summary>
    /// <param name="scratch">Holds its disks.</param>
    /// <param name="images">Holds its root.</param>
    /// <param name="layout">Of its disks.</param>
    public static async Task<SourceServer> CreateAsync(Scratch scratch, CvmImages images, SourceLayout layout)
    {
        SourceServer server = new(scratch);
        try
        {
            string type = layout switch { SourceLayout.Subvolumes => "btrfs", SourceLayout.Xfs => "xfs", _ => "ext4" };
            LoopDisk system = await LoopDisk.CreateAsync(scratch.Root, "disk-source", 1536, $"mkfs.{type} -q {(type == "ext4" ? "-F" : "-f")} -L server", partitioned: true);
            server._disks.Add((system, "/", type, layout == SourceLayout.Subvolumes ? "subvol=@" : type == "ext4" ? "errors=remount-ro" : "defaults"));
            if (layout == SourceLayout.Subvolumes)
            {
                string top = await system.MountAsync(scratch["top"], "rw");
                await Command.ShellAsync($"cd '{top}'; for s in @ @home; do btrfs -q subvolume create $s; done; cd /; umount '{top}'");
                server._disks.Add((system, "/home", type, "subvol=@home"));
                server._disks.Add((await LoopDisk.CreateAsync(scratch.Root, "disk-srcboot", 256, "mkfs.ext4 -q -F", partitioned: true), "/boot", "ext4", "defaults"));
            }

            server._disks.Add((await LoopDisk.CreateAsync(scratch.Root, "disk-srcdata", 96, "mkfs.ext4 -q -F", partitioned: false), "/srv/data", "ext4", "defaults"));
            (await Command.RunAsync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "the source's", "-f", server.Key])).MustExit(0);
            string root = await server.MountAsync();
            (await Command.RunAsync(["tar", "-C", root, "--xattrs", "--xattrs-include=*", "--acls", "-xpf", images.Source])).MustExit(0);
            await server.FillAsync(root, type);
            await server.UnmountAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Mounts its file systems where the server has them, below one directory.</summary>
    public async Task<string> MountAsync()
    {
        string root = _scratch["server"];
        foreach ((LoopDisk disk, string mountPoint, _, string options) in _disks)
        {
            await disk.MountAsync(root + mountPoint, options);
        }

        return root;
    }

    public async Task UnmountAsync() => await Command.RunAsync(["umount", "--recursive", _scratch["server"]]);

    /// <summary>Puts the tool and its files there.</summary>
    public async Task WriteToolAsync(JsonObject client, string excludes = "")
    {
        string tool = Path.Combine(await MountAsync(), ToolDirectory);
        ToolFiles.Write(tool, client, ["/srv/data"], excludes);
        File.Copy(Key, Path.Combine(tool, "key"), overwrite: true);
        await UnmountAsync();
    }

    /// <summary>Runs the tool there, as "/" of namespaces of its own.</summary>
    public Task<CommandResult> RunToolAsync(params string[] arguments)
    {
        string mounts = string.Join(' ', _disks.Select(d => $"{d.Disk.Holder}:{d.MountPoint}:{d.Options}"));
        string root = Directory.CreateDirectory(_scratch["root"]).FullName;
        return Command.RunAsync(
        [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "/bin/sh", Path.Combine(TestRun.Repository, "tests/tools/as-root.sh"),
            root, mounts, $"/{ToolDirectory}/nativesync", .. arguments,
        ], TimeSpan.FromMinutes(20));
    }

    /// <summary>Forgets a migration, with what the tool left of it.</summary>
    public async Task CleanAsync() => (await RunToolAsync("--clean")).MustExit(0);

    /// <summary>Brings the console to the tool, as one who watches the instance would.</summary>
    public async Task WriteConsoleAsync(string file)
    {
        File.Copy(file, Path.Combine(await MountAsync(), ToolDirectory, "console.log"), overwrite: true);
        await UnmountAsync();
    }

    /// <summary>Everything that it holds, its data included.</summary>
    public async Task<Manifest> ReadManifestAsync()
    {
        try
        {
            return await Manifest.ReadAsync(await MountAsync());
        }
        finally
        {
            await UnmountAsync();
        }
    }

    /// <summary>UUID of the system's file system.</summary>
    public Task<string> SystemUuidAsync() => _disks[0].Disk.NameAsync("UUID");

    /// <summary>A file of the tool's directory.</summary>
    public async Task<string> ReadToolFileAsync(string name)
    {
        string root = await MountAsync();
        try
        {
            return await File.ReadAllTextAsync(Path.Combine(root, ToolDirectory, name));
        }
        finally
        {
            await UnmountAsync();
        }
    }

    /// <summary>Logs in to what should be this server's copy, by its key, which must show this server's host key.</summary>
    public Task<CommandResult> SshAsync(int port, string command, string user = "deploy") => Command.RunAsync(
        ["ssh", "-F", "none", "-p", $"{port}", "-i", Key, "-o", "UserKnownHostsFile=" + KnownHosts, "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=120", $"{user}@127.0.0.1", command]);

    public async ValueTask DisposeAsync()
    {
        await UnmountAsync();
        foreach (LoopDisk disk in _disks.Select(static d => d.Disk).Distinct())
        {
            await disk.DisposeAsync();
        }
    }

    private async Task FillAsync(string root, string type)
    {
        string fstab = "# <file system> <mount point> <type> <options> <dump> <pass>\n";
        foreach ((LoopDisk disk, string mountPoint, string kind, string options) in _disks)
        {
            fstab += $"UUID={await disk.NameAsync("UUID")} {mountPoint} {kind} {options} 0 {(kind != "ext4" ? 0 : mountPoint == "/" ? 1 : 2)}\n";
        }

        await File.WriteAllTextAsync(root + "/etc/fstab", fstab + "/swapfile none swap sw 0 0\n/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n");
        await File.WriteAllTextAsync(root + "/srv/data/greeting", "data of the server\n");
        string hostKey = await File.ReadAllTextAsync(root + "/etc/ssh/ssh_host_ed25519_key.pub");
        await File.WriteAllTextAsync(KnownHosts, $"* {hostKey}");
        await Command.ShellAsync($"""
            cd '{root}'
            dd if=/dev/zero of=swapfile bs=1M count=16 status=none; chmod 600 swapfile; mkswap -q swapfile
            for home in root home/deploy; do
                mkdir -p -m 700 $home/.ssh; cp '{Key}.pub' $home/.ssh/authorized_keys; chown --reference=$home $home/.ssh $home/.ssh/authorized_keys
            done
            sed -i 's/^ext4$/{type}/' etc/initramfs-tools/modules
            mkdir -p usr/local/qcloud/tat_agent
            if [ {type} = btrfs ]; then
                btrfs -q subvolume create var/lib/inner; seq 1 1000 >var/lib/inner/file
                btrfs -q subvolume create .snapshots; mkdir .snapshots/1; seq 1 1000 >.snapshots/1/file
            fi
            cd srv/data; seq 1 200000 >numbers; head -c 3000000 /dev/urandom >random; ln random again
            """);
    }
}
