namespace NativeSync.Architecture.Tests;

/// <summary>Dependencies point one way: Protocol ← Engine ← {Transport, Migration} ← Cli.</summary>
public sealed class DependencyTests
{
    private const string Prefix = "NativeSync.";

    /// <summary>For each assembly, all of ours that it may refer to.</summary>
    public static TheoryData<string, string[]> Allowed => new()
    {
        { "NativeSync.Protocol", [] },
        { "NativeSync.Engine", ["NativeSync.Protocol"] },
        { "NativeSync.Transport", ["NativeSync.Engine", "NativeSync.Protocol"] },
        { "NativeSync.Migration", ["NativeSync.Engine", "NativeSync.Protocol"] },
        { "nativesync", ["NativeSync.Engine", "NativeSync.Migration", "NativeSync.Protocol", "NativeSync.Transport"] },
    };

    public static TheoryData<string> Assemblies => new(Allowed.Select(row => (string)row[0]));

    [Theory]
    [MemberData(nameof(Allowed))]
    public void AnAssemblyRefersToWhatLiesBelowItAndNothingElseOfOurs(string assembly, string[] allowed)
    {
        string[] ours = [.. AssemblyReferences.Of(assembly).Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))];
        Assert.Empty(ours.Except(allowed));
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void OnlyTransportRefersToSshNet(string assembly)
    {
        if (assembly != "NativeSync.Transport")
        {
            Assert.DoesNotContain("Renci.SshNet", AssemblyReferences.Of(assembly));
        }
    }

    [Fact]
    public void ProtocolRefersToTheBaseClassLibraryAlone()
    {
        Assert.All(AssemblyReferences.Of("NativeSync.Protocol"), name => Assert.True(AssemblyReferences.IsBaseClassLibrary(name), name));
    }

    [Theory]
    [InlineData("NativeSync.Protocol")]
    [InlineData("NativeSync.Engine")]
    [InlineData("NativeSync.Transport")]
    [InlineData("NativeSync.Migration")]
    public void ALibraryHasNoConsole(string assembly)
    {
        Assert.DoesNotContain("System.Console", AssemblyReferences.Of(assembly));
    }

    [Theory]
    [InlineData("NativeSync.Protocol")]
    [InlineData("NativeSync.Engine")]
    [InlineData("NativeSync.Transport")]
    [InlineData("NativeSync.Migration")]
    public void InternalsAreOpenToTestsBenchmarksAndTheCompositionRootAlone(string assembly)
    {
        string[] friends = [assembly + ".Tests", "NativeSync.TestKit", "NativeSync.Bench", "nativesync", .. OwnFriends(assembly)];
        Assert.Equal(friends.Order(), AssemblyReferences.FriendsOf(assembly).Order());

        // The tests of the command line put a double in the place of the engine's rule files.
        static string[] OwnFriends(string assembly) => assembly == "NativeSync.Engine" ? ["NativeSync.Cli.Tests"] : [];
    }
}
