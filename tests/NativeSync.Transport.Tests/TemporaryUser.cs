using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>An ordinary user of this machine who exists as long as the test. Needs root.</summary>
internal sealed class TemporaryUser : IDisposable
{
    private static int s_count;

    public TemporaryUser(string shell = "/bin/bash", string? password = null)
    {
        Name = $"nst{Environment.ProcessId % 100000}x{Interlocked.Increment(ref s_count)}";
        // The tests of this assembly may run at the same time as others that add users: useradd waits for its lock file.
        Run.Program("useradd", "-m", "-s", shell, "-p", password is null ? "*" : Hash(password), Name);
    }

    public string Name { get; }

    public string Home => "/home/" + Name;

    /// <summary>Lets other users than root read the authorized keys of a private server.</summary>
    public static void Open(PrivateSshd sshd)
    {
        File.SetUnixFileMode(sshd.DirectoryPath, (UnixFileMode)0x1ED /* 0755 */);
        File.SetUnixFileMode(sshd.AuthorizedKeysPath, (UnixFileMode)0x1A4 /* 0644 */);
    }

    public void Dispose() => Run.Program("sh", "-c", $"userdel -r -f {Name} 2>/dev/null; ! id {Name} 2>/dev/null");

    private static string Hash(string password) => Run.WithInput("openssl", password, null, "passwd", "-6", "-stdin").Trim();
}
