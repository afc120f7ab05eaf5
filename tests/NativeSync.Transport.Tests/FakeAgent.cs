namespace NativeSync.Transport.Tests;

/// <summary>A stand-in for the agent: answers <c>--version</c>, and as <c>serve</c> sends the magic and then echoes.</summary>
internal static class FakeAgent
{
    public const string Script = """
        #!/bin/sh
        if [ "$1" = --version ]; then echo nativesync fake; exit 0; fi
        [ "$1" = serve ] || exit 2
        printf '\000NSYNC\r\n'
        exec cat
        """;

    /// <summary>Writes it to a file, padded so that it does not fit where there is too little room, and different each time, so that no other test's is found.</summary>
    public static AgentImage Image(string directory, int paddingBytes = 0, string script = Script)
    {
        string path = Path.Combine(directory, $"agent-{Guid.NewGuid():N}");
        // A script ends at exit or exec; what follows is never read as commands.
        File.WriteAllText(path, script + $"\n#{Guid.NewGuid()}\n" + new string('#', paddingBytes) + "\n");
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return AgentImage.FromFile(path);
    }
}
