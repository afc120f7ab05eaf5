using NativeSync.Engine;
using NativeSync.Protocol;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

public sealed class ShellCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("nativesync-rsh-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task TheSystemsSshCarriesTheUploadAndTheLane()
    {
        using var user = new TemporaryUser();
        await using PrivateSshd sshd = await BootstrapTests.OpenServerAsync();
        AgentImage image = FakeAgent.Image(_directory, 300_000);
        for (int i = 0; i < 2; i++)
        {
            await using IConnection connection = await ShellCommandTransport.StartAsync(
                CommandSplitter.Split(sshd.RshCommand), user.Name, PrivateSshd.Host, image, ct: TestContext.Limit());
            Assert.Equal(user.Name + "@127.0.0.1", connection.Peer);
            ILane lane = await connection.OpenLaneAsync();
            Assert.Equal(Magic.Bytes.ToArray(), await lane.TakeAsync(8));
            byte[] data = new byte[3_000_000];
            Random.Shared.NextBytes(data);
            Task sending = lane.SendAsync(data);
            Assert.Equal(data, await lane.TakeAsync(data.Length));
            await sending;
        }

        string there = Path.Combine(user.Home, ".cache", "nativesync");
        Assert.Equal([Path.Combine(there, await image.RemoteNameAsync())], Directory.GetFiles(there));
    }

    [Theory]
    [InlineData("#!/bin/sh\nshift\nexec \"$@\"\n")]
    [InlineData("#!/bin/sh\nshift\neval \"$@\"\n")]
    [InlineData("#!/bin/sh\nshift\nexec dash -c \"$*\"\n")]
    public async Task AWrapperMayRunTheWordsItselfOrGiveThemToAShell(string script)
    {
        string rsh = Path.Combine(_directory, "rsh");
        await File.WriteAllTextAsync(rsh, script);
        File.SetUnixFileMode(rsh, (UnixFileMode)0x1ED);
        string cache = Path.Combine(_directory, "cache");
        AgentImage image = FakeAgent.Image(_directory, 300_000);
        for (int i = 0; i < 2; i++)
        {
            await using IConnection connection = await ShellCommandTransport.StartAsync(["env", "XDG_CACHE_HOME=" + cache, rsh], null, "host", image, ct: TestContext.Limit());
            await ExpectEchoAsync(connection);
            await ExpectEchoAsync(connection);
        }

        Assert.True(File.Exists(Path.Combine(cache, "nativesync", await image.RemoteNameAsync())));
        await using IConnection given = await ShellCommandTransport.StartAsync([rsh], null, "host", image, new AgentOptions { RemotePath = image.Path }, TestContext.Limit());
        await ExpectEchoAsync(given);
    }

    [Fact]
    public async Task AProgramThatDoesNotExistIsNamed()
    {
        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            ShellCommandTransport.StartAsync(["/nonexistent/rsh"], null, "host", FakeAgent.Image(_directory)));
        Assert.Equal(14, e.ExitCode);
        Assert.Contains("/nonexistent/rsh", e.Message);
    }

    [Fact]
    public async Task AConnectionThatSshCannotMakeIs255WithItsWords()
    {
        int port;
        await using (PrivateSshd sshd = await PrivateSshd.StartAsync())
        {
            port = sshd.Port;
        }

        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            ShellCommandTransport.StartAsync(["ssh", "-F", "none", "-p", $"{port}"], null, "127.0.0.1", FakeAgent.Image(_directory), ct: TestContext.Limit()));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("Connection refused", e.Message);
    }

    [Theory]
    [InlineData("-oProxyCommand=touch /tmp/owned", null)]
    [InlineData("host", "-oProxyCommand=touch")]
    public async Task ANameThatLooksLikeAnOptionIsRefused(string host, string? user)
    {
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => ShellCommandTransport.StartAsync(["ssh"], user, host, FakeAgent.Image(_directory)));
        Assert.Equal(1, e.ExitCode);
    }

    [Fact]
    public async Task AChildProcessServesALane()
    {
        AgentImage image = FakeAgent.Image(_directory);
        await using ChildProcessConnection connection = ChildProcessConnection.Serve(image);
        ILane lane = await connection.OpenLaneAsync();
        Assert.Equal(Magic.Bytes.ToArray(), await lane.TakeAsync(8));
        await lane.SendAsync([1, 2, 3]);
        await lane.Output.CompleteAsync();
        Assert.Equal([1, 2, 3], await lane.TakeAllAsync());
        Assert.Equal(0, connection.ExitCode);
    }

    [Fact]
    public async Task AChildThatDiesFaultsItsLane()
    {
        await using var connection = new ChildProcessConnection(["sh", "-c", "echo oops >&2; kill -9 $$"]);
        ILane lane = await connection.OpenLaneAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(lane.TakeAllAsync);
        Assert.Equal(12, e.ExitCode);
        Assert.Contains("oops", e.Message);
    }

    [Fact]
    public async Task DisposingEndsAChildThatIgnoresItsInput()
    {
        var connection = new ChildProcessConnection(["sleep", "1000"]);
        ILane lane = await connection.OpenLaneAsync();
        Task<byte[]> reading = lane.TakeAllAsync();
        await connection.DisposeAsync().AsTask().WaitAsync(TestContext.Limit(15));
        await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(TestContext.Limit(15)));
    }

    [Fact]
    public async Task AnInProcessConnectionCarriesLanesAndFaults()
    {
        await using (var echo = new InProcessConnection(async (lane, ct) => await lane.Input.CopyToAsync(lane.Output, ct)))
        {
            ILane lane = await echo.OpenLaneAsync();
            byte[] data = new byte[10_000_000];
            Random.Shared.NextBytes(data);
            Task sending = Task.Run(async () =>
            {
                await lane.SendAsync(data);
                await lane.Output.CompleteAsync();
            });
            Assert.Equal(data, await lane.TakeAllAsync());
            await sending;
        }

        await using var failing = new InProcessConnection((_, _) => throw new InvalidOperationException("broken"));
        ILane faulted = await failing.OpenLaneAsync();
        Assert.Contains("broken", (await Assert.ThrowsAsync<TransportException>(faulted.TakeAllAsync)).Message);
    }

    private static async Task ExpectEchoAsync(IConnection connection)
    {
        ILane lane = await connection.OpenLaneAsync();
        Assert.Equal(Magic.Bytes.ToArray(), await lane.TakeAsync(8));
        await lane.SendAsync("hello"u8.ToArray());
        Assert.Equal("hello"u8.ToArray(), await lane.TakeAsync(5));
    }
}
