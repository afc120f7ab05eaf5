using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace NativeSync.Migration.Fixups;

/// <summary>The processes that commands in a root have left behind in it. A daemon leaves its group, its session and its parent, but not its root.</summary>
internal sealed class LeftProcesses
{
    /// <summary>In the environment of every command: what a run that was killed has left is known by it.</summary>
    public const string Mark = "NATIVESYNC_FIXUP";

    private readonly string _root;
    private readonly HashSet<int> _others;

    private LeftProcesses(string root)
    {
        _root = root;
        _others = [.. Inside()];
        _others.RemoveWhere(IsOurs);
    }

    /// <summary>Who is in the root already, a person in another shell perhaps, is let alone.</summary>
    /// <param name="told">What ends with the root's path as /proc has it, without links.</param>
    public static LeftProcesses After(string told) => new(told[(told.LastIndexOf('\n') + 1)..].TrimEnd('/'));

    /// <summary>Ends all others.</summary>
    public void End()
    {
        foreach (int id in Inside())
        {
            if (_others.Contains(id))
            {
                continue;
            }

            try
            {
                using Process process = Process.GetProcessById(id);
                process.Kill();
                process.WaitForExit(TimeSpan.FromSeconds(1));
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
            {
                // It has just ended.
            }
        }
    }

    private IEnumerable<int> Inside()
    {
        if (_root.Length == 0)
        {
            yield break;
        }

        foreach (string place in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(place.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && IsInside(RootOf(place)))
            {
                yield return id;
            }
        }
    }

    /// <summary>A daemon may have gone deeper by itself.</summary>
    private bool IsInside(string? root)
        => root is not null && root.StartsWith(_root, StringComparison.Ordinal) && (root.Length == _root.Length || root[_root.Length] == '/');

    private static bool IsOurs(int id)
    {
        try
        {
            return File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/environ")).AsSpan().IndexOf("NATIVESYNC_FIXUP="u8) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string? RootOf(string process)
    {
        try
        {
            return new FileInfo(process + "/root").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process that has ended, or is none of ours.
            return null;
        }
    }
}
