using System.Net;
using System.Net.Sockets;
using NativeSync.Engine;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>The look at the started instance.</summary>
public sealed class StartedSystemTests
{
    [Fact]
    public async Task AnInstanceThatDoesNotAnswerFailsTheRunWithAReportAndTheNextRunGoesOn()
    {
        await using Harness h = new(client: ""","Check":{"WaitSeconds":0.1,"ConsoleFile":"serial"}""") { Reachability = new Harness.Answering(false) };
        h.AddSshServer();
        h.Write("serial", "[  1.0] booting\n\e[0;1;31mYou are in emergency mode.\e[0m\r\n");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.EndsWith(". The last lines of its console:\n  [  1.0] booting\n  You are in emergency mode.", e.Message, StringComparison.Ordinal);
        Assert.Contains("console You are in emergency mode.", await File.ReadAllTextAsync(h.Tool.File(MigrationReport.TextFile)), StringComparison.Ordinal);
        h.Reachability = new Harness.Answering(true);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted["StartInstances"]);
    }

    /// <summary>A way that may heal is waited for; a login that is refused on it is not. The instance is not blamed.</summary>
    [Theory]
    [InlineData(TransportFault.Other, "0.1")]
    [InlineData(TransportFault.Login, "300")]
    public async Task AWayThatFailsIsNamedInsteadOfTheInstance(TransportFault fault, string seconds)
    {
        Harness.WayThatFails way = new(fault);
        await using Harness h = new(client: $$$""","Check":{"WaitSeconds":{{{seconds}}}}""") { Reachability = way };
        h.AddSshServer();
        CheckLine line = Assert.Single(await h.CheckAsync(), l => l.Subject == "way to the instance");
        Assert.Equal((CheckVerdict.Fail, "the proxy http://gate:1 refuses the connection"), (line.Verdict, line.Finding));
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("answers: the proxy http://gate:1 refuses the connection: correct Client.Ssh.ProxyJump", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("roll the disks back", e.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(h.Tool.File(MigrationReport.TextFile)));
        Assert.True(fault == TransportFault.Login ? way.Looks == 2 : way.Looks >= 2, $"{way.Looks} looks");
        h.Reachability = new Harness.Answering(true);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
    }

    /// <summary>The destination's password and host key have nothing to do with those of a host on the way.</summary>
    [Theory]
    [InlineData(TransportFault.Login)]
    [InlineData(TransportFault.HostKey)]
    public async Task AHostOnTheWayThatRefusesIsNotTakenForTheRescueSystem(TransportFault fault)
    {
        await using Harness h = new();
        h.Connector.Failures.Enqueue(new TransportException(255, "on the way to root@10.0.0.2:22: me@gate:22 refuses") { Fault = fault, IsOnTheWay = true });
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.StartsWith("on the way to root@10.0.0.2:22: me@gate:22 refuses: correct Client.Ssh.ProxyJump", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--clean", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASourceWithoutAnSshServerCannotAnswerAndIsAWarning()
    {
        await using Harness h = new(client: ""","Check.WaitSeconds":0.1""") { Reachability = new Harness.Answering(false) };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Contains(h.Observer.Warnings, w => w.EndsWith("does not answer: the source has no SSH server; look at it through VNC in the console", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheCopyIsLookedForWhereTheSourcesSshServerListens()
    {
        await using Harness h = new();
        h.AddSshServer("# Port 1\nPort 2222\nport=2223\nMatch User x\n  Port 9\n");
        await h.RunAsync();
        Assert.Equal("127.0.0.1:2222 answers", MigrationRun.ReadState(h.Tool)!.Steps.Single(s => s.Name == "check-answer").Outcome);
    }

    [Fact]
    public async Task WhatFailedInTheStartedSystemIsAWarning()
    {
        await using Harness h = new(instance: new()
        {
            InstanceId = Harness.InstanceId, Region = Harness.Region, HasTatAgent = true,
            TatOutput = "release Debian 12\nkernel Linux 6.1\nstate degraded\nmarker\nfailed mysql.service\naddress 10.0.0.2/24 on eth0\nmounted /srv\nmissing /data\n",
        });
        h.Source.SourceFacts = new() { HasTatAgent = true };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("Debian 12, Linux 6.1, degraded, /srv mounted, failed: mysql.service", MigrationRun.ReadState(h.Tool)!.Steps.Single(s => s.Name == "ask-agent").Outcome);
        Assert.Contains("units that failed in the started system: mysql.service; see them there by systemctl status", h.Observer.Warnings);
        Assert.Contains("/data is not mounted in the started system; see /etc/fstab there", h.Observer.Warnings);
        Assert.Contains("address 10.0.0.2/24 on eth0\n", await File.ReadAllTextAsync(h.Tool.File(MigrationReport.TextFile)), StringComparison.Ordinal);
    }

    /// <summary>The script itself, with a systemctl and an ip that answer as a degraded system's do, by way of the simulated agent.</summary>
    [Theory]
    [InlineData(0, null)]
    [InlineData(3, "the look at the started system by its automation agent ended with exit code 3; what it did not tell is not in the report")]
    public async Task TheAgentRunsTheScriptAndItsAnswerIsUnderstood(int code, string? warning)
    {
        using Machine machine = new(code);
        await using Harness h = new(
            user: ""","DataDisks":[{"Index":1,"MountPoint":"/mnt/disk1"}]""",
            instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, HasTatAgent = true, Backing = machine, DataDisks = [new Api.InstanceDisk { DiskId = "disk-sim00001", DiskSize = 20 }] });
        h.Source.SourceFacts = new() { HasTatAgent = true };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        MigrationState state = MigrationRun.ReadState(h.Tool)!;
        Assert.Equal(["state degraded", "failed mysql.service", "failed srv-x.mount", "address 192.0.2.7/24 on eth0", "route default via 192.0.2.1 dev eth0", "missing /mnt/disk1"], state.Started.Where(l => l.Split(' ')[0] is not ("release" or "kernel" or "marker")));
        Assert.EndsWith(", degraded, failed: mysql.service, srv-x.mount", state.Steps.Single(s => s.Name == "ask-agent").Outcome, StringComparison.Ordinal);
        Assert.Equal(warning is not null, h.Observer.Warnings.Contains(warning ?? ""));
        Assert.Contains("/mnt/disk1 is not mounted in the started system; see /etc/fstab there", h.Observer.Warnings);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", true)]
    [InlineData("HTTP/1.1 400\r\n", false)]
    [InlineData("", false)]
    public async Task OnlyAnSshServersGreetingIsAnAnswer(string greeting, bool answers)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = Task.Run(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(greeting));
        });
        Assert.Equal(answers, await new SshReachability().AnswersAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, TimeSpan.FromMinutes(1), CancellationToken.None));
        await serving;
    }

    /// <summary>Runs what the agent is given by /bin/sh, with programs of its own.</summary>
    private sealed class Machine : Simulator.IInstanceBacking, IDisposable
    {
        private readonly int _code;
        private readonly DirectoryInfo _bin = Directory.CreateTempSubdirectory("ns-started-");

        public Machine(int code)
        {
            _code = code;
            Program("systemctl", "case $1 in is-system-running) echo degraded; exit 1;; --failed) echo 'mysql.service loaded failed failed MySQL'; echo 'srv-x.mount loaded failed failed /srv/x';; esac");
            Program("ip", "case $* in *address*) echo '2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0';; *route*) echo 'default via 192.0.2.1 dev eth0';; esac");
        }

        public Task<Simulator.RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct) => Task.FromResult(new Simulator.RescueEndpoint("127.0.0.1", 22));

        public Task ExitRescueAsync(CancellationToken ct) => Task.CompletedTask;

        public Task StartAsync(CancellationToken ct) => Task.CompletedTask;

        public Task StopAsync(CancellationToken ct) => Task.CompletedTask;

        public async Task<Simulator.AgentAnswer?> RunScriptAsync(string script, CancellationToken ct)
        {
            System.Diagnostics.ProcessStartInfo start = new("/bin/sh", ["-c", $"{script.Replace("PATH=/", $"PATH={_bin.FullName}:/", StringComparison.Ordinal)}\nexit {_code}"]) { RedirectStandardOutput = true };
            using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
            string output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return new(process.ExitCode, output);
        }

        public void Dispose() => _bin.Delete(recursive: true);

        private void Program(string name, string body)
        {
            string path = Path.Combine(_bin.FullName, name);
            File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void SwapFilesAreFoundByFstabAndLeftOutOfTheTransfer()
    {
        string root = Directory.CreateTempSubdirectory("ns-swap-").FullName;
        try
        {
            Directory.CreateDirectory(root + "/etc");
            File.WriteAllText(root + "/etc/fstab", "UUID=x / ext4 defaults 0 1\n/swap\\040file none swap sw 0 0\n/dev/sda2 none swap sw 0 0\n/gone none swap sw 0 0\n#/swap2 none swap sw 0 0\n");
            File.WriteAllBytes(root + "/swap file", new byte[40960]);
            File.WriteAllBytes(root + "/swap2", new byte[40960]);
            SwapFile file = Assert.Single(SwapFiles.Read(root));
            Assert.Equal(new SwapFile("/swap file", 40960), file);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
