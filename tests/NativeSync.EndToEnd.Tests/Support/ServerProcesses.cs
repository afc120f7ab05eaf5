namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>The processes of a private server.</summary>
internal static class ServerProcesses
{
    /// <summary>Waits until the server has two connections, and gives the process of the later one.</summary>
    public static async Task<int> SecondConnectionAsync(int server, Task sync)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await poll.WaitForNextTickAsync())
        {
            // Each connection whose user is logged in has its own child, which has started commands. The kernel names children in the order of their birth.
            int[] connections = [.. Children(server).Where(child => Children(child).Any(inner => Children(inner).Length > 0) || Children(child).Any(inner => CommandLine(inner).Contains("serve", StringComparison.Ordinal)))];
            if (connections.Length >= 2)
            {
                return connections[^1];
            }

            Assert.False(sync.IsCompleted, "there never was a second connection");
        }

        throw new InvalidOperationException();
    }

    private static int[] Children(int process)
    {
        try
        {
            return [.. File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string CommandLine(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
