using NativeSync.Migration.Api;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cvm;

/// <summary>What was migrated boots: a Debian, by all three stages, to a virtual machine that then starts from its own disk.</summary>
[Trait("Category", "Slow")]
public sealed class BootProofTests
{
    [Fact]
    public async Task AMigratedServerBootsFromItsOwnDiskAndIsTheServerThatItWas()
    {
        await using CvmLab lab = await CvmLab.CreateAsync();
        await lab.Source.WriteToolAsync(lab.Client(("Client.Transfer.Format", "empty")));
        CommandResult done = await lab.Source.RunToolAsync();
        Console.Error.WriteLine(done);
        try { await lab.Machine.SeeAsync("login:"); } catch (TimeoutException) { }
        Console.Error.WriteLine(lab.Machine.Console);
        done.MustExit(0);
        Assert.Contains("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
        Assert.Equal(InstanceStates.Running, lab.Instance.State);
        CommandResult there = await lab.Source.SshAsync(lab.Machine.Port, "systemctl is-system-running --wait; systemctl is-active greeter; cat /run/greeting; findmnt -n -o TARGET /srv/data; /usr/sbin/swapon --show=NAME --noheadings; hostname");
        Assert.Equal("running\nactive\ndata of the server\n/srv/data\n/swapfile\nserver\n", there.Output);
    }
}
