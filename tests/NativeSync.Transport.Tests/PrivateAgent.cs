using System.Diagnostics;

namespace NativeSync.Transport.Tests;

/// <summary>An ssh-agent of its own, in the foreground so that it ends with the test.</summary>
internal sealed class PrivateAgent : IDisposable
{
    private readonly Process _process;

    public PrivateAgent(string directory)
    {
        Socket = Path.Combine(directory, "agent.sock");
        _process = Process.Start(new ProcessStartInfo("ssh-agent", ["-D", "-a", Socket]) { RedirectStandardOutput = true })!;
        // It prints its variables once the socket listens.
        _process.StandardOutput.ReadLine();
    }

    public string Socket { get; }

    public void Add(string keyPath) => Run.WithInput("ssh-add", null, new Dictionary<string, string> { ["SSH_AUTH_SOCK"] = Socket }, "-q", keyPath);

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
