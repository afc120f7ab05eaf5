using System.Globalization;

namespace NativeSync.SideBySide;

/// <summary>Which part a contender plays in the ratio.</summary>
internal enum Role
{
    /// <summary>The program under test.</summary>
    Subject,

    /// <summary>One of rsync's settings; the best of them is what the subject is measured against.</summary>
    Rival,

    /// <summary>Shown for orientation only.</summary>
    Floor,
}

/// <summary>A program with its settings: what to run for source → destination (both local paths; the destination is reached by SSH).</summary>
internal sealed record Contender(string Name, Role Role, Func<Bench, string, string, IReadOnlyList<string>> Words)
{
    /// <summary>How the name of the program begins whose memory counts, and whose version is told; empty for none.</summary>
    public string Process { get; init; } = Role switch { Role.Subject => "nativesync", Role.Rival => "rsync", _ => "" };

    public static Contender Rsync(params string[] options) => new(
        "rsync " + string.Join(' ', options), Role.Rival,
        (bench, source, destination) => [.. bench.Near, "rsync", .. options, "-e", string.Join(' ', bench.Ssh()), source, bench.Remote(destination)]);

    /// <summary>The same the other way round: the source is at the server, and the destination here.</summary>
    public static Contender RsyncPull(params string[] options) => new(
        "rsync " + string.Join(' ', options), Role.Rival,
        (bench, source, destination) => [.. bench.Near, "rsync", .. options, "-e", string.Join(' ', bench.Ssh()), bench.Remote(source), destination]);

    /// <summary>rsync with the cheaper key exchange that NativeSync chooses, to separate connecting from copying.</summary>
    public static Contender RsyncFastExchange(params string[] options) => new(
        "rsync " + string.Join(' ', options) + " (curve25519)", Role.Rival,
        (bench, source, destination) => [.. bench.Near, "rsync", .. options, "-e", string.Join(' ', bench.Ssh(fastExchange: true)), source, bench.Remote(destination)]);

    public static Contender NativeSync(params string[] options) => new(
        "nativesync " + string.Join(' ', options), Role.Subject,
        (bench, source, destination) => [.. NativeSyncWords(bench, options), source, bench.Remote(destination)]);

    public static Contender NativeSyncPull(params string[] options) => new(
        "nativesync " + string.Join(' ', options), Role.Subject,
        (bench, source, destination) => [.. NativeSyncWords(bench, options), bench.Remote(source), destination]);

    public static Contender Tar { get; } = new(
        "tar | ssh tar", Role.Floor,
        (bench, source, destination) => [.. bench.Near, "sh", "-c", $"tar -C '{source}' -cf - . | {string.Join(' ', bench.Ssh())} {bench.Login} \"mkdir -p '{destination}' && tar -C '{destination}' -xf -\""]) { Process = "tar" };

    public static Contender TarZstd { get; } = new(
        "tar | zstd -1 | ssh", Role.Floor,
        (bench, source, destination) => [.. bench.Near, "sh", "-c", $"tar -C '{source}' -cf - . | zstd -q -1 -c | {string.Join(' ', bench.Ssh())} {bench.Login} \"mkdir -p '{destination}' && zstd -q -dc | tar -C '{destination}' -xf -\""]) { Process = "tar" };

    /// <summary>The signature comes, the delta goes; of one file called <c>file</c>.</summary>
    public static Contender Rdiff { get; } = new(
        "rdiff over ssh", Role.Floor,
        (bench, source, destination) =>
        {
            string ssh = $"{string.Join(' ', bench.Ssh())} {bench.Login}";
            return [.. bench.Near, "sh", "-c", $"{ssh} \"rdiff signature '{destination}file' -\" | rdiff delta - '{source}file' - | {ssh} \"rdiff patch '{destination}file' - '{destination}.new' && mv '{destination}.new' '{destination}file'\""];
        }) { Process = "rdiff" };

    /// <summary>Contents and times only, four files at a time.</summary>
    public static Contender Rclone { get; } = new(
        "rclone over sftp", Role.Floor,
        (bench, source, destination) =>
        [
            .. bench.Near, "rclone", "copy", "--links", "--config", "/dev/null", "--sftp-host", bench.Server.Address, "--sftp-port", bench.Server.Port.ToString(CultureInfo.InvariantCulture),
            "--sftp-user", TestKit.PrivateSshd.User, "--sftp-key-file", bench.Server.ClientKeyPath, "--sftp-known-hosts-file", bench.Server.KnownHostsPath, source, ":sftp:" + destination,
        ]) { Process = "rclone" };

    /// <summary>Both replicas are compared with archives of the run before; for a first copy those of an earlier one are taken away.</summary>
    public static Contender Unison(bool isFirst) => new(
        "unison over ssh", Role.Floor,
        (bench, source, destination) =>
        {
            string here = bench["unison-here"], there = bench["unison-there"];
            return
            [
                .. bench.Near, "sh", "-c",
                (isFirst ? $"rm -rf '{here}' '{there}'; mkdir -p '{destination}'; " : "")
                + $"mkdir -p '{here}' '{there}'; UNISON='{here}' unison '{source}' 'ssh://{bench.Login}/{destination}' -batch -silent -owner -group -times -numericids -perms -1 -confirmbigdel=false -force '{source}' "
                + $"-servercmd 'env UNISON={there} unison' -sshargs '{string.Join(' ', bench.Ssh().Skip(1))}'",
            ];
        }) { Process = "unison" };

    public static Contender Login(bool fastExchange) => new(
        fastExchange ? "ssh true (curve25519)" : "ssh true", Role.Floor,
        (bench, _, _) => [.. bench.Near, .. bench.Ssh(fastExchange), bench.Login, "true"]);

    /// <summary>A local run over and over: what starting costs, and the first useful work.</summary>
    public static Contender Repeated(int times, string program) => new(
        program + " -a", program == "rsync" ? Role.Rival : Role.Subject,
        (bench, source, destination) => ["sh", "-c", $"i=0; while [ $i -lt {times} ]; do {(program == "rsync" ? "rsync" : $"'{bench.Executable}' sync")} -a '{source}' '{destination}' || exit; i=$((i + 1)); done"]);

    private static IEnumerable<string> NativeSyncWords(Bench bench, string[] options) =>
    [
        .. bench.Near, bench.Executable, "sync", .. options, "--port", bench.Server.Port.ToString(CultureInfo.InvariantCulture),
        "--identity", bench.Server.ClientKeyPath, "--known-hosts", bench.Server.KnownHostsPath,
    ];
}
