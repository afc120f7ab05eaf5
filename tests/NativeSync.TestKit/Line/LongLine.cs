using NativeSync.TestKit.Trees;

namespace NativeSync.TestKit.Line;

/// <summary>
/// A long thin line on one machine, where the kernel has no netem: two network namespaces joined by TUN devices, and threads of this
/// process which delay, limit and drop the packets between them. Needs root.
/// </summary>
public sealed class LongLine : IAsyncDisposable
{
    private static int s_count;

    private readonly string _near;
    private readonly string _far;
    private readonly int _nearTun;
    private readonly int _farTun;
    private readonly LineDirection _there;
    private readonly LineDirection _back;

    private LongLine(string near, string far, int nearTun, int farTun, LineShape shape)
    {
        _near = near;
        _far = far;
        _nearTun = nearTun;
        _farTun = farTun;
        Shape = shape;
        _there = new LineDirection("line there", nearTun, farTun, shape);
        _back = new LineDirection("line back", farTun, nearTun, shape);
    }

    /// <summary>The address of the near end.</summary>
    public static string NearAddress => "10.99.0.1";

    /// <summary>The address of the far end.</summary>
    public static string FarAddress => "10.99.0.2";

    /// <summary>What it is like.</summary>
    public LineShape Shape { get; }

    /// <summary>Bytes of packets that arrived at the far end, and at the near one.</summary>
    public (long There, long Back) Bytes => (_there.Bytes, _back.Bytes);

    /// <summary>Packets that were lost on the way there, and back.</summary>
    public (long There, long Back) Dropped => (_there.Dropped, _back.Dropped);

    /// <summary>Words in front of a command that is to run at the near end.</summary>
    public IReadOnlyList<string> Near => ["nsenter", "--net=/run/netns/" + _near, "--"];

    /// <summary>Words in front of a command that is to run at the far end.</summary>
    public IReadOnlyList<string> Far => ["nsenter", "--net=/run/netns/" + _far, "--"];

    /// <summary>As a cable that was pulled: nothing arrives, and nobody is told.</summary>
    public bool Cut
    {
        get => _there.Cut;
        set
        {
            _there.Cut = value;
            _back.Cut = value;
        }
    }

    /// <summary>Makes the namespaces and begins to forward.</summary>
    public static async Task<LongLine> OpenAsync(LineShape shape)
    {
        string number = $"{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        string near = "nsync-near-" + number, far = "nsync-far-" + number;
        int nearTun = -1, farTun = -1;
        try
        {
            await Command.ShellAsync($"ip netns add {near} && ip netns add {far}");
            nearTun = await MakeEndAsync(near, NearAddress, "a" + number);
            farTun = await MakeEndAsync(far, FarAddress, "b" + number);
            return new LongLine(near, far, nearTun, farTun, shape);
        }
        catch
        {
            await RemoveAsync(near, far, nearTun, farTun);
            throw;
        }
    }

    /// <summary>Sets what the kernel has at both ends, for connections that are made later.</summary>
    /// <param name="congestion">The congestion control. It is set for the route: what a namespace may have as its own is up to the machine.</param>
    /// <param name="settings">More, in the form of <c>sysctl</c>: <c>name=value</c>.</param>
    public async Task SetKernelAsync(string congestion, params string[] settings)
    {
        foreach ((IReadOnlyList<string> end, string address) in new[] { (Near, NearAddress), (Far, FarAddress) })
        {
            foreach (string setting in settings)
            {
                (await Command.RunAsync([.. end, "sysctl", "-qw", setting])).MustExit(0);
            }

            string[] route = (await Command.RunAsync([.. end, "ip", "route", "show", "src", address])).MustExit(0).Output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            (await Command.RunAsync([.. end, "ip", "route", "replace", .. route[..3], "proto", "kernel", "scope", "link", "src", address, "congctl", congestion])).MustExit(0);
        }
    }

    /// <summary>Stops and removes all; who still uses the line sees it dead.</summary>
    public async ValueTask DisposeAsync()
    {
        _there.Dispose();
        _back.Dispose();
        await RemoveAsync(_near, _far, _nearTun, _farTun);
    }

    /// <summary>A device is made here, where we can hold it, and then moved: what we hold goes on working.</summary>
    private static async Task<int> MakeEndAsync(string space, string address, string number)
    {
        string device = "ns" + number;
        int tun = LineCalls.OpenTun(device);
        await Command.ShellAsync(
            $"ip link set {device} netns {space} && ip -n {space} addr add {address}/30 dev {device} && ip -n {space} link set {device} txqueuelen 5000 up && ip -n {space} link set lo up");
        return tun;
    }

    private static async Task RemoveAsync(string near, string far, int nearTun, int farTun)
    {
        foreach (int tun in new[] { nearTun, farTun })
        {
            if (tun >= 0)
            {
                _ = LineCalls.Close(tun);
            }
        }

        await Command.RunAsync(["ip", "netns", "del", near]);
        await Command.RunAsync(["ip", "netns", "del", far]);
    }
}
