using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Cloud;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>`nativesync fixup` on a real Debian, whose own tools run inside it; and the way back that docs/boot.md tells of.</summary>
[Trait("Category", "Slow")]
public sealed class FixupTests
{
    [Fact]
    public async Task ADebianIsMendedOnceAndCanBePutBack()
    {
        CvmImages images = await CvmImages.GetAsync();
        using Scratch scratch = new();
        await using LoopDisk disk = await LoopDisk.CreateAsync(scratch.Root, "disk-fixup001", 1400, "mkfs.ext4 -q -F", partitioned: false);
        string root = await disk.MountAsync(scratch["root"], "rw"), before = Directory.CreateDirectory(scratch["before"]).FullName;
        try
        {
            await Command.ShellAsync($"""
                tar -C '{root}' --xattrs --acls -xpf '{images.Source}'
                printf 'LABEL=lost / xfs noatime 0 1\n/dev/sdb1 /srv ext4 defaults 0 2\n' >'{root}/etc/fstab'
                ln -sf ../usr/share/zoneinfo/UTC '{root}/etc/localtime'
                cp -a '{root}/etc' '{before}'
                """);
            string uuid = await disk.NameAsync("UUID");
            JsonObject[] records = await FixAsync(root);
            Assert.Equal("changed", Record(records, "initramfs")["Outcome"]!.GetValue<string>());
            Assert.All(records.SelectMany(r => r["Commands"]?.AsArray() ?? []), c => Assert.Equal(0, c!["ExitCode"]!.GetValue<int>()));
            string fstab = await File.ReadAllTextAsync(root + "/etc/fstab");
            Assert.StartsWith($"UUID={uuid} / ext4 noatime 0 1\n# nativesync: ", fstab, StringComparison.Ordinal);
            string listing = (await Command.RunAsync(["chroot", root, "/bin/sh", "-c", "lsinitramfs /boot/initrd.img-*"])).MustExit(0).Output;
            Assert.All((string[])["virtio_blk.ko", "virtio_pci.ko", "virtio_net.ko", "virtio_scsi.ko"], m => Assert.Contains(m, listing, StringComparison.Ordinal));
            Assert.DoesNotContain($" {root}/", await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);

            string once = await ListAsync(root);
            JsonObject[] again = await FixAsync(root);
            Assert.Equal([], again.Where(r => r["Outcome"]!.GetValue<string>() is not ("unchanged" or "skipped")).Select(r => r.ToJsonString()));
            Assert.Equal(once, await ListAsync(root));

            // As docs/boot.md has it.
            await Command.RunAsync(["chroot", root, "/bin/sh", "-c", """
                cd /var/lib/nativesync
                xargs -d '\n' rm -f < created
                cd backup && find . ! -type d -print0 | tar --null -T - -cf - | tar -C / -xpf -
                """]);
            Assert.Equal("", (await Command.RunAsync(["diff", "-r", "--no-dereference", before + "/etc", root + "/etc"])).MustExit(0).Output);
        }
        finally
        {
            await Command.RunAsync(["umount", "-q", root]);
        }
    }

    private static async Task<JsonObject[]> FixAsync(string root)
    {
        CommandResult done = (await Command.RunAsync([Tool.Path, "fixup", "--root", root, "--json"])).MustExit(0);
        return [.. done.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!.AsObject())];
    }

    private static JsonObject Record(JsonObject[] records, string name) => Assert.Single(records, r => r["Name"]!.GetValue<string>() == name);

    /// <summary>Every name with what a change would move.</summary>
    private static async Task<string> ListAsync(string root)
        => (await Command.RunAsync(["/bin/sh", "-c", $"cd '{root}' && find . -xdev -printf '%p %y %m %s %T@ %C@\\n' | sort"])).MustExit(0).Output;
}
