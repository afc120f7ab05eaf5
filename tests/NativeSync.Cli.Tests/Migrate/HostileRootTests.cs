using System.Text;
using NativeSync.Cli.Fixup;

namespace NativeSync.Cli.Tests.Migrate;

/// <summary>`nativesync fixup` on roots that mean harm: whatever they hold, nothing outside is read, written or removed.</summary>
public sealed class HostileRootTests : IDisposable
{
    private const string Fstab = "/dev/sda1 / ext4 defaults 0 1\n";

    private readonly string _area = Directory.CreateTempSubdirectory("ns-root-").FullName;

    public HostileRootTests()
    {
        Directory.CreateDirectory(Root + "/etc");
        Directory.CreateDirectory(Outside);
        File.WriteAllText(Outside + "/secret", Fstab);
        File.WriteAllText(_area + "/facts.json", """{"FileSystems":[{"MountPoint":"/","Uuid":"aaaaaaaa-1111-2222-3333-444444444444","Type":"ext4"}]}""");
    }

    private string Root => _area + "/root";

    private string Outside => _area + "/outside";

    public void Dispose() => Directory.Delete(_area, recursive: true);

    [Theory]
    [InlineData("../../outside/secret")]
    [InlineData("../../../../../../../../..{0}/outside/secret")]
    [InlineData("{0}/outside/secret")]
    [InlineData("up/up/outside/secret")]
    [InlineData("/proc/self/root{0}/outside/secret")]
    public async Task AFileThatIsALinkToOutsideIsNeitherReadNorWritten(string target)
    {
        Directory.CreateSymbolicLink(Root + "/etc/up", "..");
        foreach (string name in (string[])["fstab", "resolv.conf", "crypttab", "hostname"])
        {
            File.CreateSymbolicLink($"{Root}/etc/{name}", string.Format(System.Globalization.CultureInfo.InvariantCulture, target, _area));
        }

        string output = await RunAsync(0);
        Assert.DoesNotContain("sda1", output, StringComparison.Ordinal);
        MustBeUntouched();
    }

    [Theory]
    [InlineData("etc/default")]
    [InlineData("etc/network")]
    [InlineData("etc/systemd")]
    [InlineData("var/lib")]
    [InlineData("var")]
    [InlineData("var/lib/nativesync")]
    public async Task ADirectoryThatIsALinkToOutsideIsNotEntered(string directory)
    {
        File.WriteAllText(Root + "/etc/fstab", Fstab);
        Directory.CreateDirectory(Path.GetDirectoryName($"{Root}/{directory}")!);
        Directory.CreateSymbolicLink($"{Root}/{directory}", Outside);
        foreach (string name in (string[])["grub", "interfaces", "system"])
        {
            File.WriteAllText($"{Outside}/{name}", "GRUB_CMDLINE_LINUX=\"quiet\"\n");
        }

        // Without a place for what is replaced, nothing is replaced.
        bool nowhere = directory.StartsWith("var", StringComparison.Ordinal);
        await RunAsync(nowhere ? 1 : 0);
        Assert.Equal(nowhere, File.ReadAllText(Root + "/etc/fstab") == Fstab);
        Assert.All(["grub", "interfaces", "system"], name => Assert.Equal("GRUB_CMDLINE_LINUX=\"quiet\"\n", File.ReadAllText($"{Outside}/{name}")));
        MustBeUntouched("grub", "interfaces", "system");
    }

    [Fact]
    public async Task LinksWithinTheRootAreFollowedAndStay()
    {
        Directory.CreateDirectory(Root + "/usr/etc");
        File.WriteAllText(Root + "/usr/etc/fstab", Fstab);
        File.CreateSymbolicLink(Root + "/etc/fstab", "/usr/etc/fstab");
        File.SetUnixFileMode(Root + "/usr/etc/fstab", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await RunAsync(0);
        Assert.Equal("/usr/etc/fstab", new FileInfo(Root + "/etc/fstab").LinkTarget);
        Assert.StartsWith("UUID=aaaaaaaa-", File.ReadAllText(Root + "/usr/etc/fstab"), StringComparison.Ordinal);
        Assert.Equal(Fstab, File.ReadAllText(Root + "/var/lib/nativesync/backup/usr/etc/fstab"));
        Assert.All(["/usr/etc/fstab", "/var/lib/nativesync/backup/usr/etc/fstab"], f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(Root + f)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Root + "/var/lib/nativesync"));
    }

    [Fact]
    public void PathsAreResolvedAsInsideTheRoot()
    {
        Directory.CreateDirectory(Root + "/boot/grub2");
        File.WriteAllText(Root + "/boot/grub2/grub.cfg", "menu");
        File.CreateSymbolicLink(Root + "/etc/grub2.cfg", "/boot/grub2/grub.cfg");
        File.CreateSymbolicLink(Root + "/etc/loop", "loop");
        using LinuxRootTree tree = new(Root);
        Assert.Equal("boot/grub2/grub.cfg", tree.Resolve("etc/grub2.cfg"));
        Assert.Equal("menu", Encoding.ASCII.GetString(tree.Read("boot/grub2/grub.cfg")!));
        Assert.Null(tree.Resolve("etc/loop"));
        Assert.Null(tree.Resolve("nowhere/at/all"));
        Assert.Equal("boot/new", tree.Resolve("../boot/./grub2/../new"));
        Assert.Null(tree.Read("etc/grub2.cfg"));
    }

    [Fact]
    public async Task ADryRunChangesNothing()
    {
        File.WriteAllText(Root + "/etc/fstab", Fstab);
        Assert.Contains("fstab: would change\n", await RunAsync(0, "--dry-run"), StringComparison.Ordinal);
        Assert.Equal(["etc", "etc/fstab"], Directory.EnumerateFileSystemEntries(Root, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(Root, p)).Order(StringComparer.Ordinal));
        Assert.Equal(Fstab, File.ReadAllText(Root + "/etc/fstab"));
    }

    [Theory]
    [InlineData(2, "--root is missing", "fixup")]
    [InlineData(2, "there is no step \"nonsense\"", "fixup", "--root=/mnt", "--skip=fstab,nonsense")]
    [InlineData(2, "--root=/ is the running system", "fixup", "--root", "/")]
    [InlineData(2, "unknown argument \"--nonsense\"", "fixup", "--nonsense")]
    [InlineData(2, "unknown argument \"/mnt\"; the directory is given by --root", "fixup", "/mnt")]
    [InlineData(2, "--root needs a value", "fixup", "--root")]
    [InlineData(1, "nativesync: --root=/nowhere/at/all: No such file or directory; it is to be the directory where the system is mounted\n", "fixup", "--root", "/nowhere/at/all", "--dry-run")]
    [InlineData(1, "--root=/etc/passwd: Not a directory", "fixup", "--root=/etc/passwd", "--dry-run")]
    [InlineData(1, "--root=/proc/self/task holds no system, since it has no /etc; mount the system there", "fixup", "--root=/proc/self/task", "--dry-run")]
    [InlineData(1, "--facts=/nowhere.json cannot be read (Could not find file '/nowhere.json'); docs/boot.md tells what is in it", "fixup", "--root=/", "--dry-run", "--facts=/nowhere.json")]
    public async Task BadInputEndsInOneLine(int code, string expected, params string[] args)
    {
        (int exitCode, string output, string error) = await NativeSyncRun.RunAsync(args);
        Assert.Equal(code, exitCode);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Equal(1, error.Count(c => c == '\n'));
    }

    private async Task<string> RunAsync(int code, params string[] more)
    {
        (int exitCode, string output, string error) = await NativeSyncRun.RunAsync(["fixup", "--root", Root, "--facts", _area + "/facts.json", .. more]);
        Assert.Equal((code, ""), (exitCode, error));
        return output;
    }

    private void MustBeUntouched(params string[] others)
    {
        Assert.Equal(Fstab, File.ReadAllText(Outside + "/secret"));
        Assert.Equal(((string[])[.. others, "secret"]).Order(StringComparer.Ordinal), Directory.EnumerateFileSystemEntries(Outside).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
