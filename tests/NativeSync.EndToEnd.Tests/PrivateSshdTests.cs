using System.Diagnostics;
using NativeSync.TestKit;

namespace NativeSync.EndToEnd.Tests;

/// <summary>The judge of the transports must itself be trustworthy.</summary>
public sealed class PrivateSshdTests
{
    [Fact]
    public async Task AnOpenSshClientLogsInWithTheKeysItIsGiven()
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync();
        var start = new ProcessStartInfo("ssh", [.. server.SshArguments, PrivateSshd.User + "@" + PrivateSshd.Host, "echo", "here"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process ssh = Process.Start(start)!;
        string output = await ssh.StandardOutput.ReadToEndAsync();
        string error = await ssh.StandardError.ReadToEndAsync();
        await ssh.WaitForExitAsync();
        Assert.True(ssh.ExitCode == 0, error + server.Log);
        Assert.Equal("here\n", output);
    }

    [Fact]
    public async Task NothingIsLeftAfterDispose()
    {
        PrivateSshd server = await PrivateSshd.StartAsync();
        int process = server.ProcessId;
        await server.DisposeAsync();
        Assert.False(Directory.Exists(server.DirectoryPath));
        Assert.False(Directory.Exists($"/proc/{process}"));
    }
}
