using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>A user of this machine without any right, made for the tests and removed afterwards.</summary>
public sealed class OrdinaryUser : IAsyncLifetime
{
    private string _name = "";
    private string _home = "";

    public async Task InitializeAsync()
    {
        _name = "ns" + Path.GetRandomFileName()[..8].ToLowerInvariant();
        _home = Path.Combine(TestRun.Place, "nativesync-home-" + _name);
        (await Command.RunAsync(["useradd", "--create-home", "--home-dir", _home, "--shell", "/bin/sh", "--no-user-group", "--gid", "nogroup", _name])).MustExit(0);
    }

    public async Task DisposeAsync() => await Command.RunAsync(["userdel", "--remove", "--force", _name]);

    /// <summary>Runs a command as that user.</summary>
    public Task<CommandResult> RunAsync(params IEnumerable<string> command) => Command.RunAsync(
        ["setpriv", "--reuid", _name, "--regid", "nogroup", "--clear-groups", .. command],
        environment: new Dictionary<string, string?> { ["HOME"] = _home, ["USER"] = _name, ["LOGNAME"] = _name });

    /// <summary>Gives a tree to that user.</summary>
    public async Task OwnAsync(string path) => (await Command.RunAsync(["chown", "-R", _name + ":nogroup", path])).MustExit(0);
}
