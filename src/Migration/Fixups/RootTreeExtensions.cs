using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>What the fix-ups ask a tree, links followed.</summary>
internal static class RootTreeExtensions
{
    /// <summary>The text of a file, one character a byte; null when there is none.</summary>
    public static string? Text(this IRootTree tree, string path)
        => tree.Resolve(path) is { } real && tree.Read(real) is { } bytes ? Encoding.Latin1.GetString(bytes) : null;

    /// <summary>Whether the path leads to a regular file.</summary>
    public static bool IsFile(this IRootTree tree, string path) => tree.Resolve(path) is { } real && tree.Kind(real) == RootEntryKind.File;

    /// <summary>Whether the path leads to a directory.</summary>
    public static bool IsDirectory(this IRootTree tree, string path) => tree.Resolve(path) is { } real && tree.Kind(real) == RootEntryKind.Directory;

    /// <summary>Whether one of the paths leads to a file: programs lie in different places.</summary>
    public static bool HasAny(this IRootTree tree, params ReadOnlySpan<string> paths)
    {
        foreach (string path in paths)
        {
            if (tree.IsFile(path))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a program is installed in one of the usual places.</summary>
    public static bool HasProgram(this IRootTree tree, string name)
        => tree.HasAny("usr/sbin/" + name, "usr/bin/" + name, "sbin/" + name, "bin/" + name);

    /// <summary>Paths of the files in a directory whose names have a given beginning and end, in byte order.</summary>
    public static List<string> Files(this IRootTree tree, string directory, string prefix = "", string suffix = "")
    {
        List<string> files = [];
        if (tree.Resolve(directory) is { } real)
        {
            foreach (string name in tree.List(real))
            {
                string path = $"{directory}/{name}";
                if (name.Length >= prefix.Length + suffix.Length && name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal) && tree.IsFile(path))
                {
                    files.Add(path);
                }
            }
        }

        return files;
    }
}
