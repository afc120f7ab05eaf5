using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>
/// What was migrated boots: a Debian, by all three stages, to a virtual machine that then starts from its own disk. Each
/// boot is an expensive one: several promises share it.
/// </summary>
[Trait("Category", "Slow")]
[Trait("Category", "Boot")]
public sealed class BootProofTests
{
    private const string Look = "systemctl is-system-running --wait; systemctl is-active greeter; cat /run/greeting; findmnt -n -o TARGET /srv/data; /usr/sbin/swapon --show=NAME --noheadings; hostname; . /etc/os-release; echo $ID";
    private const string Sound = "running\nactive\ndata of the server\n/srv/data\n/swapfile\nserver\ndebian\n";

    /// <summary>
    /// The image's ext4 is kept and filled; btrfs' subvolumes and /boot of its own become directories of it. Then a disk is
    /// missing.
    /// </summary>
    [Fact]
    public async Task AMigratedServerBootsFromItsOwnDiskAndOneThatDoesNotIsReported()
    {
        await using CvmLab lab = await CvmLab.CreateAsync(SourceLayout.Subvolumes);
        await lab.Source.WriteToolAsync(lab.Client(("Client.Disks.Format", "empty")));
        lab.Machine.Released = () => MustBeTheSourceButForWhatTheReportListsAsync(lab);
        CommandResult done = (await lab.Source.RunToolAsync()).MustExit(0);
        MustSay(done, "\nMigrate successfully.\n");
        Assert.Equal(InstanceStates.Running, lab.Instance.State);
        MustSay(done, "disk-sys00001 takes / (what is there is kept, and filled); now: /dev/vda, 2048 MiB, table: dos; /dev/vda1, 2047 MiB, ext4");
        MustSay(done, "Ask the started system: Debian GNU/Linux 12 (bookworm), Linux ");
        MustSay(done, ", running, /srv/data mounted");
        MustSay(done, "not listed in DataDisks and goes to the system disk");
        Assert.Equal(Sound + "1000 /var/lib/inner/file\next4\n", (await lab.Source.SshAsync(lab.Machine.Port, Look + "; wc -l /var/lib/inner/file; ls -A /.snapshots; findmnt -n -o FSTYPE /")).Output);

        // Once more, to be broken: what makes it boot stays as it is, but for a disk that is not there.
        lab.Machine.Released = null;
        await lab.Source.CleanAsync();
        await lab.Source.WriteToolAsync(
            lab.Client(
                ("Client.Check.WaitSeconds", 1),
                ("Client.Fixups.Only", new JsonArray("hook-after", "marker")),
                ("Client.Fixups.After", "echo 'UUID=11111111-2222-3333-4444-555555555555 /srv/lost ext4 x-systemd.device-timeout=5s 0 2' >>/etc/fstab")),
            "/boot\n/etc/fstab\n/etc/network\n/etc/udev\n/etc/default\n/etc/initramfs-tools\n/swapfile\n");
        CommandResult failed = await lab.Source.RunToolAsync();
        failed.MustExit(1);
        MustSay(failed, "the instance runs, but 127.0.0.1:");
        Assert.DoesNotContain("Migrate successfully.", failed.Output, StringComparison.Ordinal);

        // It has given up by now; asked again, the tool shows the end of the console.
        await lab.Machine.SeeAsync("emergency mode");
        await lab.Source.WriteConsoleAsync(lab.Machine.ConsoleFile);
        failed = await lab.Source.RunToolAsync();
        failed.MustExit(1);
        MustSay(failed, "The last lines of its console:\n");
        MustSay(failed, "emergency mode");
        MustSay(failed, "roll the disks back to their snapshots and run the tool with --clean");
        Assert.Contains("console ", await lab.Source.ReadToolFileAsync("report.txt"), StringComparison.Ordinal);
    }

    /// <summary>Partition tables and file systems are made anew, as XFS; the started system is asked by the cloud's agent, and tells what is wrong with it.</summary>
    [Fact]
    public async Task AServerBootsFromDisksThatWereMadeAnew()
    {
        await using CvmLab lab = await CvmLab.CreateAsync(SourceLayout.Xfs);
        await lab.Source.WriteToolAsync(lab.Client(("Client.Check.IdentityFile", null), ("Client.Disks.Format", "all"), ("Client.Disks.Partition", "all"), ("Client.Disks.SwapMiB", 64)));
        lab.Machine.Released = () => MustBeTheSourceButForWhatTheReportListsAsync(lab);
        string found = "";
        lab.Machine.Agent = async script =>
        {
            // All is well; then something breaks, and the agent is asked.
            found = (await lab.Source.SshAsync(lab.Machine.Port, Look + "; findmnt -n -o SOURCE /srv/data; cat /proc/swaps; findmnt -n -o FSTYPE /")).Output;
            await lab.Source.SshAsync(lab.Machine.Port, "systemd-run --wait --unit=broken /bin/false; umount /srv/data", "root");
            return await lab.Source.SshAsync(lab.Machine.Port, script, "root");
        };
        CommandResult done = (await lab.Source.RunToolAsync()).MustExit(0);
        MustSay(done, "disk-sys00001 takes / (a new table with a new xfs)");
        MustSay(done, "disk-data0001 takes /srv/data (a new table with a new ext4)");
        MustSay(done, ", degraded, failed: broken.service");
        MustSay(done, "units that failed in the started system: broken.service; see them there by systemctl status");
        MustSay(done, "/srv/data is not mounted in the started system");
        Assert.Contains("address 10.0.2.15/24 on eth0\n", await lab.Source.ReadToolFileAsync("report.txt"), StringComparison.Ordinal);
        string uuid = await lab.Source.SystemUuidAsync();
        string[] lines = found.Split('\n');
        Assert.Equal("running", lines[0]);
        Assert.Contains(uuid, (await lab.Source.SshAsync(lab.Machine.Port, "cat /etc/fstab /proc/cmdline")).Output, StringComparison.Ordinal);
        Assert.Contains("/dev/vdb1", lines);
        Assert.Contains(lines, l => l.StartsWith("/dev/vda2", StringComparison.Ordinal));
        Assert.Contains("/swapfile", lines);
        Assert.Contains("xfs", lines);
    }

    private static void MustSay(CommandResult result, string text)
        => Assert.True(result.Output.Contains(text, StringComparison.Ordinal) || result.Error.Contains(text, StringComparison.Ordinal), $"\"{text}\" is missing\n{result}");

    /// <summary>On the disks, before they boot for the first time: the source's tree but for what the fix-ups say they changed.</summary>
    private static async Task MustBeTheSourceButForWhatTheReportListsAsync(CvmLab lab)
    {
        JsonNode state = JsonNode.Parse(await lab.Source.ReadToolFileAsync(".nativesync/state.json"))!;
        HashSet<string> listed = [.. state["Fixups"]!.AsArray().SelectMany(f => f!["Changes"]?.AsArray() ?? []).Select(c => c!["File"]!.GetValue<string>())];
        Manifest source = await lab.Source.ReadManifestAsync(), there;
        try
        {
            there = await Manifest.ReadAsync(await lab.MountAsync());
        }
        finally
        {
            await lab.UnmountAsync();
        }

        // A changed file's directory has another time; what commands write is named by the step that runs them.
        string[] made = ["/boot/grub", "/boot/initrd.img-", "/boot/lost+found", "/lost+found", "/var/lib/nativesync", "/swapfile", "/" + SourceServer.ToolDirectory, "/var/lib/initramfs-tools", "/var/cache", "/tmp", "/run", "/dev", "/proc", "/sys", "/.snapshots/"];
        List<string> others = [.. source.Differences(there, limit: 1000).Where(d => !IsListed(d))];
        Assert.True(others.Count == 0, string.Join('\n', others));

        bool IsListed(string difference)
        {
            string name = difference[..difference.IndexOf(": ", StringComparison.Ordinal)];
            string path = "/" + (name == "." ? "" : name);
            return listed.Contains(path) || made.Any(m => path.StartsWith(m, StringComparison.Ordinal) || (path + "/").Equals(m, StringComparison.Ordinal))
                || (difference.Contains(": mtime: ", StringComparison.Ordinal) && (path == "/" || listed.Concat(made).Any(l => l.StartsWith(path + "/", StringComparison.Ordinal))));
        }
    }
}
