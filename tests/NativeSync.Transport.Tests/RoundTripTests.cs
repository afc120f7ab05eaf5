using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Protocol;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>
/// Round trips of whole runs of the published agent, counted and not timed: from the first request for a channel, once SSH is up, to the report. Two of
/// them are those of any command over SSH (the channel, then the command, before whose answer OpenSSH's server takes no data), the others the session's.
/// </summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("nativesync-trips-").FullName;

    public RoundTripTests()
    {
        for (int directory = 0; directory < 10; directory++)
        {
            string path = Directory.CreateDirectory(Path.Combine(_root, "src", "d" + directory.ToString(CultureInfo.InvariantCulture))).FullName;
            for (int file = 0; file < 100; file++)
            {
                File.WriteAllText(Path.Combine(path, "f" + file.ToString(CultureInfo.InvariantCulture)), new string('x', file));
            }
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task NothingChangedTakesThreeAndAThousandSmallFilesFour()
    {
        await Synchronizer.LocalAsync(Request("same"), ct: TestContext.Limit());
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        int[] trips = await Task.WhenAll(CountAsync(sshd, push: true, "same"), CountAsync(sshd, push: false, "same"), CountAsync(sshd, push: true, "new"), CountAsync(sshd, push: false, "new2"));
        Assert.Equal("nothing changed: push 3, pull 3; all new: push 4, pull 4", string.Create(CultureInfo.InvariantCulture,
            $"nothing changed: push {trips[0]}, pull {trips[1]}; all new: push {trips[2]}, pull {trips[3]}"));
        Assert.Equal(1000, Files("same"));
        Assert.Equal(1000, Files("new"));
        Assert.Equal(1000, Files("new2"));
    }

    private int Files(string place) => Directory.GetFiles(Path.Combine(_root, place), "*", SearchOption.AllDirectories).Length;

    private async Task<int> CountAsync(PrivateSshd sshd, bool push, string place)
    {
        using var line = new FlightLine(sshd.Port);
        await using SshSession session = await SshConnector.ConnectAsync(
            sshd.Target() with { Port = line.Port }, sshd.Options() with { PinnedHostKey = string.Join(' ', sshd.HostPublicKey.Split(' ')[..2]).Trim() }, TestContext.Limit());
        line.Holds = true;
        var agent = new AgentOptions { RemotePath = PublishedExecutable.FullName };
        await using IConnection connection = await AgentBootstrap.StartAsync(session, AgentImage.FromFile(PublishedExecutable.FullName), agent, ownsSession: false, TestContext.Limit());
        SyncReport report = push
            ? await Synchronizer.PushAsync(connection, Request(place), ct: TestContext.Limit())
            : await Synchronizer.PullAsync(connection, Request(place), ct: TestContext.Limit());
        int trips = line.RoundTrips;
        Assert.Equal(0, report.ExitCode);
        return trips;
    }

    private SyncRequest Request(string place) => new()
    {
        Sources = [Encoding.UTF8.GetBytes(Path.Combine(_root, "src") + "/")],
        Destination = Encoding.UTF8.GetBytes(Path.Combine(_root, place)),
        Options = new SyncOptions { Flags = SyncOptions.ArchiveFlags | JobFlags.Delete, Lanes = 0 },
    };
}
