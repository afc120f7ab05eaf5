namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>A stand-in for ssh that ignores the host and runs the remote command on this machine, inside something.</summary>
internal static class RemoteShell
{
    /// <summary>Options of <c>sync</c> for a remote end that is started as <c>WRAPPER PROGRAM serve</c>.</summary>
    /// <param name="script">Where to write the stand-in.</param>
    /// <param name="wrapper">Words in front of the remote command, e.g. <c>chroot /directory</c>; they go through a shell.</param>
    /// <param name="program">Path of the executable as seen from inside the wrapper.</param>
    public static string[] Into(string script, string wrapper, string program)
    {
        // Called as: SCRIPT [-l USER] HOST COMMAND…; like ssh it joins the words of COMMAND and lets a shell split them.
        File.WriteAllText(script, $"#!/bin/sh\n[ \"$1\" = -l ] && shift 2\nshift\neval \"exec {wrapper} $*\"\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return ["-e", script, "--rsync-path=" + program];
    }
}
