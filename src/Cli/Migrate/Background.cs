using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using NativeSync.Migration.Configuration;

namespace NativeSync.Cli.Migrate;

/// <summary>Client.Extra.Daemon: the run goes on in a process of its own that no terminal can end.</summary>
internal static partial class Background
{
    /// <summary>Set in the environment of the process that is in the background already.</summary>
    public const string Mark = "NATIVESYNC_IN_BACKGROUND";

    /// <summary>File of the tool's directory that takes what would be shown.</summary>
    public const string ConsoleFile = "console";

    /// <summary>Leaves the terminal of the shell that started the tool.</summary>
    public static void Detach() => _ = SetSid();

    /// <summary>Starts the same command again in the background.</summary>
    /// <returns>The line to show.</returns>
    /// <exception cref="IOException">It did not start.</exception>
    public static string Start(ToolDirectory tool, string[] args)
    {
        // The file is made readable by its owner only, and standard input is nothing that a terminal could close.
        const string script = """(umask 077; : >>"$1") || exit 1; out=$1; shift; "$@" </dev/null >>"$out" 2>&1 & echo $!""";
        string file = tool.File(ConsoleFile);
        ProcessStartInfo start = new("/bin/sh", ["-c", script, "sh", file, Environment.ProcessPath ?? "nativesync", .. args]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Mark] = "1";
        using Process shell = Process.Start(start) ?? throw new IOException("/bin/sh did not start");
        string answer = shell.StandardOutput.ReadToEnd().Trim();
        shell.WaitForExit();
        return shell.ExitCode == 0 && int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? $"Running in the background as process {id}; what it shows goes to {file}."
            : throw new IOException($"{file} cannot be written");
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSid();
}
