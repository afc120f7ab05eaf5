using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>A remote shell whose other side is this machine, for rsync and for NativeSync alike: <c>shell HOST COMMAND…</c>.</summary>
internal static class LocalShell
{
    /// <summary>The script, made in a scratch directory when it is not there.</summary>
    public static string Path(Scratch scratch)
    {
        string path = scratch["shell"];
        if (!File.Exists(path))
        {
            File.WriteAllText(path, "#!/bin/sh\nshift\nexec sh -c \"$*\"\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return path;
    }
}
