using System.Globalization;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>
/// Real work while every system call newer than Linux 2.6.32 answers ENOSYS (see tests/tools/oldkernel.c). The option -e
/// takes AT_EMPTY_PATH away, too; it is used wherever our executable is the only one inside.
/// </summary>
public sealed class OldKernelTests
{
    [Fact]
    public async Task ItSynchronisesLocally()
    {
        using var scratch = new Scratch();
        await SmallTree.MakeAsync(scratch["source"]);
        await SyncAsync([scratch["source"] + "/", scratch["destination"] + "/"]);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);

        await SmallTree.ChangeAsync(scratch["source"]);
        await SyncAsync(["--delete", "--no-whole-file", scratch["source"] + "/", scratch["destination"] + "/"]);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    [Fact]
    public async Task ItPushesOverSsh()
    {
        using var scratch = new Scratch();
        await using PrivateSshd server = await PrivateSshd.StartAsync();
        await SmallTree.MakeAsync(scratch["source"]);
        await SyncAsync([.. Reaching(server), scratch["source"] + "/", Remote(scratch["destination"])]);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    [Fact]
    public async Task ItPullsOverSsh()
    {
        using var scratch = new Scratch();
        await using PrivateSshd server = await PrivateSshd.StartAsync();
        await SmallTree.MakeAsync(scratch["source"]);
        await SyncAsync([.. Reaching(server), Remote(scratch["source"]) + "/", scratch["destination"] + "/"]);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    [Fact]
    public async Task AMachineWithAnOldKernelIsARemoteEnd()
    {
        using var scratch = new Scratch();
        await using PrivateSshd server = await PrivateSshd.StartAsync(new PrivateSshdOptions
        {
            // The login shell of that machine and everything below it.
            ForceCommand = PublishedExecutable.OldKernel + " /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"",
        });
        await SmallTree.MakeAsync(scratch["source"]);
        (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aH", .. Reaching(server), scratch["source"] + "/", Remote(scratch["destination"])])).MustExit(0);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);

        await SmallTree.ChangeAsync(scratch["source"]);
        (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aH", "--delete", .. Reaching(server), scratch["source"] + "/", Remote(scratch["destination"])])).MustExit(0);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    [Fact]
    public async Task TheRemoteEndAloneNeedsNoEmptyPathEither()
    {
        using var scratch = new Scratch();
        await SmallTree.MakeAsync(scratch["source"]);
        string[] remote = RemoteShell.Into(scratch["rsh"], PublishedExecutable.OldKernel + " -e", PublishedExecutable.FullName);
        (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aH", .. remote, scratch["source"] + "/", "old:" + scratch["destination"] + "/"])).MustExit(0);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    private static async Task SyncAsync(string[] arguments) =>
        (await Command.RunAsync([PublishedExecutable.OldKernel, "-e", PublishedExecutable.FullName, "sync", "-aH", .. arguments])).MustExit(0);

    private static string[] Reaching(PrivateSshd server) =>
        ["--port", server.Port.ToString(CultureInfo.InvariantCulture), "--identity", server.ClientKeyPath, "--known-hosts", server.KnownHostsPath];

    private static string Remote(string path) => $"{PrivateSshd.User}@{PrivateSshd.Host}:{path}";
}
