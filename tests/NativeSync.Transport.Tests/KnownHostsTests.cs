using FsCheck.Xunit;
using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

public sealed class KnownHostsTests : IDisposable
{
    private const string KeyA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJv8+2OH1KqXnYAkOXOLdl0tTk8nFjSxUoDVtRNEBlQ1";
    private const string KeyB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGSiPmGtwQdRtJ3dFNFKqDZQ0Ut6jcLkbnoVGuDuwzwu";

    private readonly string _directory = Directory.CreateTempSubdirectory("nativesync-known-").FullName;

    private string FilePath => Path.Combine(_directory, "known_hosts");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("host", "host", true)]
    [InlineData("HOST", "host", true)]
    [InlineData("other,host", "host", true)]
    [InlineData("*.example.com", "a.example.com", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com,!bad.example.com", "bad.example.com", false)]
    [InlineData("!bad.example.com,*.example.com", "good.example.com", true)]
    [InlineData("h?st", "host", true)]
    [InlineData("h?st", "hoost", false)]
    [InlineData("[host]:2222", "host", false)]
    [InlineData("[host]:2222", "[host]:2222", true)]
    [InlineData("!host", "other", false)]
    public void NamesAreMatchedAsOpenSshDoes(string names, string host, bool expected)
    {
        KnownHost? entry = KnownHostsFile.ParseLine("f", 1, $"{names} {KeyA} comment");
        Assert.NotNull(entry);
        Assert.Equal(expected, entry.IsAbout(host));
    }

    [Fact]
    public void LinesThatAreNoEntryArePassedOver()
    {
        Assert.Null(KnownHostsFile.ParseLine("f", 1, ""));
        Assert.Null(KnownHostsFile.ParseLine("f", 1, "# comment"));
        Assert.Null(KnownHostsFile.ParseLine("f", 1, "host ssh-ed25519"));
        Assert.Null(KnownHostsFile.ParseLine("f", 1, "host ssh-ed25519 not!base64"));
        Assert.Null(KnownHostsFile.ParseLine("f", 1, "host ssh-rsa " + KeyA.Split(' ')[1]));
        Assert.Null(KnownHostsFile.ParseLine("f", 1, "@unknown host " + KeyA));
    }

    [Property]
    public bool NoLineBreaksTheReader(string line)
    {
        _ = KnownHostsFile.ParseLine("f", 1, line ?? "")?.IsAbout("host");
        return true;
    }

    [Property]
    public bool AStarMatchesEverything(string host) => HostPattern.Matches(host ?? "", "*");

    [Property]
    public bool APatternOfStarsIsNotSlow(byte length)
    {
        string host = new('a', length + 64);
        return !HostPattern.Matches(host, string.Concat(Enumerable.Repeat("a*", 60)) + "b");
    }

    [Fact]
    public void HashedNamesOfSshKeygenAreFound()
    {
        File.WriteAllText(FilePath, $"secret.example.com {KeyA}\n[secret.example.com]:2222 {KeyB}\n");
        Run.Program("ssh-keygen", "-q", "-H", "-f", FilePath);
        Assert.DoesNotContain("secret", File.ReadAllText(FilePath));
        List<KnownHost> entries = KnownHostsFile.Read(FilePath);
        Assert.Equal(KeyA, Assert.Single(entries, e => e.IsAbout("secret.example.com")).Key.ToString());
        Assert.Equal(KeyB, Assert.Single(entries, e => e.IsAbout("[secret.example.com]:2222")).Key.ToString());
        Assert.DoesNotContain(entries, e => e.IsAbout("other.example.com"));
    }

    [Fact]
    public void TheFingerprintIsTheOneOfSshKeygen()
    {
        File.WriteAllText(FilePath, KeyA + "\n");
        Assert.Contains(HostKey.Parse(KeyA)!.Fingerprint, Run.Program("ssh-keygen", "-l", "-f", FilePath));
    }

    [Fact]
    public void AKnownKeyIsAccepted()
    {
        File.WriteAllText(FilePath, $"host {KeyA}\n");
        Assert.Null(Judge(HostKeyCheck.Yes).Judge(HostKey.Parse(KeyA)!));
    }

    [Fact]
    public void AnUnknownKeyIsRefusedWithItsFingerprintAndWhatToDo()
    {
        TransportException e = Refusal(Judge(HostKeyCheck.Yes), KeyA);
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("host is not known", e.Message);
        Assert.Contains(HostKey.Parse(KeyA)!.Fingerprint, e.Message);
        Assert.Contains("--host-key-check=accept-new", e.Hint);
        Assert.False(File.Exists(FilePath));
    }

    [Theory]
    [InlineData(HostKeyCheck.Yes)]
    [InlineData(HostKeyCheck.AcceptNew)]
    public void AChangedKeyIsRefusedNamingFileLineAndBothFingerprints(HostKeyCheck check)
    {
        File.WriteAllText(FilePath, $"# comment\nhost {KeyA}\n");
        TransportException e = Refusal(Judge(check), KeyB);
        Assert.Contains("has changed", e.Message);
        Assert.Contains(FilePath + ":2", e.Message);
        Assert.Contains(HostKey.Parse(KeyA)!.Fingerprint, e.Message);
        Assert.Contains(HostKey.Parse(KeyB)!.Fingerprint, e.Message);
        Assert.Contains("ssh-keygen", e.Hint);
    }

    [Fact]
    public void AcceptNewDoesNotTakeAnotherTypeForAHostThatIsKnown()
    {
        string rsa = Path.Combine(_directory, "rsa");
        Run.Program("ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", rsa);
        File.WriteAllText(FilePath, $"host {KeyA}\n");
        TransportException e = Refusal(Judge(HostKeyCheck.AcceptNew), File.ReadAllText(rsa + ".pub"));
        Assert.Contains("ED25519", e.Message);
    }

    [Fact]
    public void AcceptNewWritesTheKeyDownPrivately()
    {
        string path = Path.Combine(_directory, "new", "known_hosts");
        var judge = new HostKeyJudge("host", 2222, HostKeyCheck.AcceptNew, [path], [], null, null, null);
        Assert.Null(judge.Judge(HostKey.Parse(KeyA)!));
        Assert.Equal($"[host]:2222 {KeyA}\n", File.ReadAllText(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void ALastLineWithoutLineFeedIsNotJoined()
    {
        File.WriteAllText(FilePath, $"other {KeyB}");
        Assert.Null(Judge(HostKeyCheck.AcceptNew).Judge(HostKey.Parse(KeyA)!));
        Assert.Equal($"other {KeyB}\nhost {KeyA}\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void ARevokedKeyIsRefusedEvenUnchecked()
    {
        File.WriteAllText(FilePath, $"host {KeyA}\n@revoked * {KeyA}\n");
        Assert.Contains("revoked", Refusal(Judge(HostKeyCheck.No), KeyA).Message);
    }

    [Fact]
    public void ACertificateAuthorityAloneIsRefusedPolitely()
    {
        File.WriteAllText(FilePath, $"@cert-authority * {KeyA}\n");
        Assert.Contains("certificate authority", Refusal(Judge(HostKeyCheck.Yes), KeyB).Message);
    }

    [Fact]
    public void APersonMayConfirm()
    {
        HostKeyQuestion? asked = null;
        var judge = new HostKeyJudge("host", 22, HostKeyCheck.Yes, [FilePath], [], null, q =>
        {
            asked = q;
            return true;
        }, null);
        Assert.Null(judge.Judge(HostKey.Parse(KeyA)!));
        Assert.Equal("host", asked?.Host);
        Assert.Equal($"host {KeyA}\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void OnlyThePinnedKeyIsAccepted()
    {
        File.WriteAllText(FilePath, $"host {KeyB}\n");
        var judge = new HostKeyJudge("host", 22, HostKeyCheck.No, [FilePath], [], KeyA, null, null);
        Assert.Null(judge.Judge(HostKey.Parse(KeyA)!));
        Assert.Contains("has changed", Refusal(judge, KeyB).Message);
    }

    [Fact]
    public void SeveralFilesAreRead()
    {
        string second = Path.Combine(_directory, "second");
        File.WriteAllText(FilePath, $"other {KeyB}\n");
        File.WriteAllText(second, $"host {KeyA}\n");
        var judge = new HostKeyJudge("host", 22, HostKeyCheck.Yes, [FilePath], [second], null, null, null);
        Assert.Null(judge.Judge(HostKey.Parse(KeyA)!));
        Assert.Equal(["ssh-ed25519"], judge.KnownTypes);
    }

    private HostKeyJudge Judge(HostKeyCheck check) => new("host", 22, check, [FilePath], [], null, null, null);

    private static TransportException Refusal(HostKeyJudge judge, string key)
    {
        TransportException? e = judge.Judge(HostKey.Parse(key)!);
        Assert.NotNull(e);
        return e;
    }
}
