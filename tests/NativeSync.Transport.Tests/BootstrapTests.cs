using NativeSync.Engine;
using NativeSync.Protocol;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>The agent is put on a real server and started there; a shell script stands in for it.</summary>
public sealed class BootstrapTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("nativesync-boot-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task TheAgentIsUploadedOnceAndFoundTheNextTime()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory, 200_000);
        await StartOnceAsync();
        string path = Path.Combine(user.Home, ".cache", "nativesync", await image.RemoteNameAsync());
        Assert.Equal(await File.ReadAllBytesAsync(image.Path), await File.ReadAllBytesAsync(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));

        int before = await CommandsOfAsync(sshd, sessions: 1);
        await StartOnceAsync();
        Assert.Equal(1, await CommandsOfAsync(sshd, sessions: 2) - before);

        async Task StartOnceAsync()
        {
            await using SshSession session = await sshd.ConnectAsync(user: user.Name);
            await using IConnection connection = await AgentBootstrap.StartAsync(session, image, TestContext.Limit());
            await ExpectEchoAsync(connection);
        }
    }

    /// <summary>
    /// A channel is opened, then the command is run, and its answer is the agent's greeting: as few as any program at the other side of an SSH connection
    /// takes. The session's own are counted by the engine's RoundTripTests.
    /// </summary>
    [Fact]
    public async Task AnAgentThatIsThereIsStartedInTwoRoundTrips()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory);
        using var line = new FlightLine(sshd.Port);
        await using SshSession session = await SshConnector.ConnectAsync(
            sshd.Target(user.Name) with { Port = line.Port }, sshd.Options() with { PinnedHostKey = string.Join(' ', sshd.HostPublicKey.Split(' ')[..2]).Trim() }, TestContext.Limit());
        await (await AgentBootstrap.StartAsync(session, image, TestContext.Limit())).DisposeAsync();
        line.Holds = true;
        await using IConnection connection = await AgentBootstrap.StartAsync(session, image, TestContext.Limit());
        Assert.Equal(2, line.RoundTrips);
    }

    /// <summary>A first run would break a bandwidth limit otherwise: the agent is most of what it sends.</summary>
    [Fact]
    public async Task TheUploadKeepsToThePace()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory, 100_000);
        var paced = new List<int>();
        var options = new AgentOptions
        {
            Pace = (bytes, _) =>
            {
                paced.Add(Math.Min(bytes, 7000));
                return ValueTask.FromResult(paced[^1]);
            },
        };
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using (IConnection connection = await AgentBootstrap.StartAsync(session, image, options, ownsSession: false, TestContext.Limit()))
        {
            await ExpectEchoAsync(connection);
        }

        Assert.Equal(image.Size, paced.Sum());
        Assert.Equal(await File.ReadAllBytesAsync(image.Path), await File.ReadAllBytesAsync(Path.Combine(user.Home, ".cache", "nativesync", await image.RemoteNameAsync())));
    }

    [Fact]
    public async Task AgentsOfEarlierVersionsDoNotPileUp()
    {
        using var user = new TemporaryUser();
        string cache = Directory.CreateDirectory(Path.Combine(user.Home, ".cache", "nativesync")).FullName;
        foreach (string name in (string[])["other", .. Enumerable.Range(0, 10).Select(i => $"nativesync-old{i}")])
        {
            File.WriteAllText(Path.Combine(cache, name), "");
            File.SetLastWriteTimeUtc(Path.Combine(cache, name), new DateTime(2026, 1, name == "other" ? 1 : 28 - (name[^1] - '0'), 0, 0, 0, DateTimeKind.Utc));
        }

        System.Diagnostics.Process.Start("chown", ["-R", user.Name, Path.Combine(user.Home, ".cache")]).WaitForExit();
        await using PrivateSshd sshd = await OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory);
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using (await AgentBootstrap.StartAsync(session, image, new AgentOptions { RemoveAgentsOlderThanDays = 0 }, ownsSession: false, TestContext.Limit()))
        {
        }

        string[] expected = [await image.RemoteNameAsync(), "nativesync-old0", "nativesync-old1", "nativesync-old2", "other"];
        Assert.Equal(expected.Order(), Directory.GetFiles(cache).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("/bin/sh")]
    [InlineData("/bin/bash")]
    [InlineData("/usr/bin/fish")]
    [InlineData("/bin/tcsh")]
    [InlineData("/bin/csh")]
    public async Task AnyLoginShellWillDo(string shell)
    {
        using var user = new TemporaryUser(shell);
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using IConnection connection = await AgentBootstrap.StartAsync(session, FakeAgent.Image(_directory), TestContext.Limit());
        await ExpectEchoAsync(connection);
    }

    [Theory]
    [InlineData(".bashrc", "/bin/bash")]
    [InlineData(".tcshrc", "/bin/tcsh")]
    public async Task AStartUpFileMayPrint(string file, string shell)
    {
        using var user = new TemporaryUser(shell);
        string rc = Path.Combine(user.Home, file);
        await File.WriteAllTextAsync(rc, "echo 'Welcome! nativesync-failed nativesync-missing'\necho noise\n");
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using IConnection connection = await AgentBootstrap.StartAsync(session, FakeAgent.Image(_directory), TestContext.Limit());
        ILane lane = await connection.OpenLaneAsync();
        // The noise is left for the engine, which looks for the magic itself.
        byte[] noise = await lane.TakeAsync(7);
        Assert.Equal("Welcome"u8.ToArray(), noise);
    }

    [Fact]
    public async Task AHomeThatIsNotTheWorkingDirectoryAndHoldsASpaceWillDo()
    {
        using var user = new TemporaryUser();
        string cache = Path.Combine(user.Home, "a b");
        Directory.CreateDirectory(cache);
        Run.Program("chown", user.Name, cache);
        await using PrivateSshd sshd = await OpenServerAsync($"SetEnv XDG_CACHE_HOME=\"{cache}\"");
        AgentImage image = FakeAgent.Image(_directory);
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using IConnection connection = await AgentBootstrap.StartAsync(session, image, TestContext.Limit());
        await ExpectEchoAsync(connection);
        Assert.True(File.Exists(Path.Combine(cache, "nativesync", await image.RemoteNameAsync())));
    }

    [Theory]
    [InlineData("noexec,mode=777")]
    [InlineData("ro")]
    [InlineData("size=64k,mode=777")]
    public async Task APlaceThatIsFullReadOnlyOrNoexecIsPassedOver(string mountOptions)
    {
        using var user = new TemporaryUser();
        string cache = Path.Combine(_directory, "cache");
        Directory.CreateDirectory(cache);
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ED);
        Run.Program("mount", "-t", "tmpfs", "-o", mountOptions, "none", cache);
        try
        {
            await using PrivateSshd sshd = await OpenServerAsync("SetEnv XDG_CACHE_HOME=" + cache);
            AgentImage image = FakeAgent.Image(_directory, 200_000);
            await using SshSession session = await sshd.ConnectAsync(user: user.Name);
            string there = $"/var/tmp/nativesync-{(await session.RunAsync("id -u")).OutputText.Trim()}";
            try
            {
                await using (IConnection connection = await AgentBootstrap.StartAsync(session, image, TestContext.Limit()))
                {
                    await ExpectEchoAsync(connection);
                }

                Assert.True(File.Exists(Path.Combine(there, await image.RemoteNameAsync())));
                Assert.Empty(Directory.GetFiles(cache, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }));
                await using IConnection again = await AgentBootstrap.StartAsync(session, image, TestContext.Limit());
                await ExpectEchoAsync(again);
            }
            finally
            {
                if (Directory.Exists(there))
                {
                    Directory.Delete(there, recursive: true);
                }
            }
        }
        finally
        {
            Run.Program("umount", cache);
        }
    }

    [Fact]
    public async Task ADirectoryOfSomebodyElseIsNotUsed()
    {
        using var user = new TemporaryUser();
        string cache = Path.Combine(_directory, "cache");
        Directory.CreateDirectory(Path.Combine(cache, "nativesync"));
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ED);
        File.SetUnixFileMode(Path.Combine(cache, "nativesync"), (UnixFileMode)0x1FF /* 0777 */);
        AgentImage image = FakeAgent.Image(_directory);
        // The trap: the right name, in a place that anybody could have prepared.
        string trap = Path.Combine(cache, "nativesync", await image.RemoteNameAsync());
        await File.WriteAllTextAsync(trap, "#!/bin/sh\necho trapped >&2; exit 3\n");
        File.SetUnixFileMode(trap, (UnixFileMode)0x1ED);
        await using PrivateSshd sshd = await OpenServerAsync("SetEnv XDG_CACHE_HOME=" + cache);
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        string there = $"/var/tmp/nativesync-{(await session.RunAsync("id -u")).OutputText.Trim()}";
        try
        {
            await using IConnection connection = await AgentBootstrap.StartAsync(session, image, TestContext.Limit());
            await ExpectEchoAsync(connection);
            Assert.True(File.Exists(Path.Combine(there, await image.RemoteNameAsync())));
        }
        finally
        {
            if (Directory.Exists(there))
            {
                Directory.Delete(there, recursive: true);
            }
        }
    }

    [Fact]
    public async Task ATruncatedAgentIsNeverRenamedIntoPlace()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        AgentImage image = FakeAgent.Image(_directory);
        RemoteCommand command = BootstrapScripts.Install(BootstrapScripts.Places[0], "nativesync-x", image.Size + 1, await image.Sha256Async(), 0, Timeout.InfiniteTimeSpan);
        CommandResult result = await session.RunAsync(command.Text, await File.ReadAllBytesAsync(image.Path), TestContext.Limit());
        Assert.Contains("bytes arrived", result.OutputText);
        command = BootstrapScripts.Install(BootstrapScripts.Places[0], "nativesync-x", image.Size, new string('0', 64), 0, Timeout.InfiniteTimeSpan);
        result = await session.RunAsync(command.Text, await File.ReadAllBytesAsync(image.Path), TestContext.Limit());
        Assert.Contains("digest", result.OutputText);
        Assert.Empty(Directory.GetFiles(Path.Combine(user.Home, ".cache", "nativesync")));
    }

    [Fact]
    public async Task NowhereToPutItIsOneClearLine()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        // It runs nowhere: as on a machine where every place is noexec.
        AgentImage image = FakeAgent.Image(_directory, script: "#!/nonexistent/interpreter");
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => AgentBootstrap.StartAsync(session, image, TestContext.Limit()));
        Assert.Equal(126, e.ExitCode);
        Assert.Contains("does not run programs", e.Message);
        Assert.Contains("/dev/shm", e.Message);
        Assert.Contains("--rsync-path", e.Hint);
        Assert.DoesNotContain('\n', e.Message);
        await session.RunAsync("rm -rf /var/tmp/nativesync-$(id -u) /dev/shm/nativesync-$(id -u)");
    }

    [Fact]
    public async Task AnotherKindOfMachineIsRefused()
    {
        using var user = new TemporaryUser();
        // A function of the login shell does not reach our sh, a directory in front of its PATH does.
        string bin = Path.Combine(user.Home, "bin");
        Directory.CreateDirectory(bin);
        await File.WriteAllTextAsync(Path.Combine(bin, "uname"), "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo riscv64\n");
        File.SetUnixFileMode(Path.Combine(bin, "uname"), (UnixFileMode)0x1ED);
        await File.WriteAllTextAsync(Path.Combine(user.Home, ".bashrc"), $"export PATH={bin}:$PATH\n");
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        string elf = Path.Combine(_directory, "elf");
        await File.WriteAllBytesAsync(elf, [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0, .. Guid.NewGuid().ToByteArray()]);
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => AgentBootstrap.StartAsync(session, AgentImage.FromFile(elf), TestContext.Limit()));
        Assert.Equal(126, e.ExitCode);
        Assert.Contains("Linux riscv64", e.Message);
        Assert.Contains("x86_64", e.Message);
    }

    [Fact]
    public async Task AGivenPathIsRunAndNothingIsUploaded()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory);
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ED);
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using (IConnection connection = await AgentBootstrap.StartAsync(session, image, new AgentOptions { RemotePath = image.Path }, ownsSession: false, TestContext.Limit()))
        {
            await ExpectEchoAsync(connection);
        }

        Assert.False(Directory.Exists(Path.Combine(user.Home, ".cache", "nativesync")));
        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            AgentBootstrap.StartAsync(session, image, new AgentOptions { RemotePath = "/nonexistent/nativesync" }, ownsSession: false, TestContext.Limit()));
        Assert.Equal(127, e.ExitCode);
        e = await Assert.ThrowsAsync<TransportException>(() =>
            AgentBootstrap.StartAsync(session, image, new AgentOptions { RemotePath = "/etc/passwd" }, ownsSession: false, TestContext.Limit()));
        Assert.Equal(126, e.ExitCode);
    }

    [Fact]
    public async Task AnAccountWithoutAShellIsNamed()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ForceCommand = "echo This account is not available." });
        await using SshSession session = await sshd.ConnectAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => AgentBootstrap.StartAsync(session, FakeAgent.Image(_directory), TestContext.Limit()));
        Assert.Equal(2, e.ExitCode);
        Assert.Contains("This account is not available.", e.Message);
    }

    [Fact]
    public async Task AnAgentThatSaysNothingIsGivenUp()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ForceCommand = "sleep 1000" });
        await using SshSession session = await sshd.ConnectAsync();
        var options = new AgentOptions { StartTimeout = TimeSpan.FromMilliseconds(300) };
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => AgentBootstrap.StartAsync(session, FakeAgent.Image(_directory), options, false, TestContext.Limit()));
        Assert.Equal(30, e.ExitCode);
    }

    [Fact]
    public async Task FurtherLanesAreFurtherRuns()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await OpenServerAsync();
        await using SshSession session = await sshd.ConnectAsync(user: user.Name);
        await using IConnection connection = await AgentBootstrap.StartAsync(session, FakeAgent.Image(_directory), TestContext.Limit());
        await ExpectEchoAsync(connection);
        await ExpectEchoAsync(connection);
    }

    [Theory]
    [InlineData("a'b")]
    [InlineData("a\nb")]
    [InlineData("a\\b")]
    [InlineData("a!b")]
    public void AScriptThatSomeShellWouldReadDifferentlyIsRefused(string script) => Assert.Throws<ArgumentException>(() => BootstrapScripts.Quote(script));

    /// <summary>A server that other users than root may log in to.</summary>
    internal static async Task<PrivateSshd> OpenServerAsync(params string[] extra)
    {
        // The first SetEnv of a configuration is the only one: this keeps the server from setting HOME, so that users have their own.
        PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { OverrideLines = extra.Length > 0 ? extra : ["SetEnv NATIVESYNC_TEST=1"] });
        TemporaryUser.Open(sshd);
        return sshd;
    }

    /// <summary>The commands of so many sessions, all of them over: what a server logs of a connection comes in its order, and its end last.</summary>
    private static async Task<int> CommandsOfAsync(PrivateSshd sshd, int sessions)
    {
        Assert.Equal(sessions, await sshd.LoggedAsync("Disconnected from user", sessions));
        return await sshd.LoggedAsync("Starting session: command", 0);
    }

    private static async Task ExpectEchoAsync(IConnection connection)
    {
        ILane lane = await connection.OpenLaneAsync();
        Assert.Equal(Magic.Bytes.ToArray(), await lane.TakeAsync(8));
        await lane.SendAsync("hello"u8.ToArray());
        Assert.Equal("hello"u8.ToArray(), await lane.TakeAsync(5));
    }
}
