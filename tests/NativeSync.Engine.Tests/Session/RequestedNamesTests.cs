using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A pull takes what it asked for, and nothing else (as rsync since CVE-2022-29154).</summary>
public sealed class RequestedNamesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ns-asked-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("notes.txt", ".ssh", false)]
    [InlineData("notes.txt", "notes.txt", true)]
    [InlineData("/srv/data", "data/a/b", true)]
    [InlineData("/srv/data", "dat", false)]
    [InlineData("/srv/data", "data2", false)]
    [InlineData("/srv/data/", ".bashrc", true)]
    [InlineData(".", "anything", true)]
    [InlineData("/srv/*.txt", "a.txt", true)]
    [InlineData("/srv/*.txt", ".profile", false)]
    [InlineData("/srv/*/", "anything", true)]
    [InlineData("/srv/*", "any", true)]
    [InlineData("/srv/*", ".ssh", false)]
    [InlineData("/srv/.*", ".ssh", true)]
    [InlineData("/srv/[ab]", "b/deep", true)]
    [InlineData("/srv/[ab]", "c", false)]
    [InlineData("/srv/[ab]", "[ab]", true)]
    [InlineData("/srv/a\\*", "a*", true)]
    [InlineData("/srv/a\\*", "ab", false)]
    [InlineData("one two", "two", false)]
    public void AName(string source, string path, bool comes) => Holds([source], SourceOptions.Wildcards, path, comes);

    [Theory]
    [InlineData("/srv/data/a", "srv/", true)]
    [InlineData("/srv/data/a", "srv", false)]
    [InlineData("/srv/data/a", "srv/data/a/b", true)]
    [InlineData("/srv/data/a", "srv/other", false)]
    [InlineData("/srv/./data/a", "data/a", true)]
    [InlineData("/srv/./data/a", "data/b", false)]
    [InlineData("/srv/d*/a", "srv/dog/a", true)]
    [InlineData("/srv/d*/a", "srv/dog/b", false)]
    [InlineData("/srv/d*/a", "srv/cat", false)]
    public void AKeptPath(string source, string path, bool comes) => Holds([source], SourceOptions.Wildcards | SourceOptions.Relative, path, comes);

    [Fact]
    public void ManySourcesAreEachAskedFor()
    {
        foreach (var (path, comes) in new[] { ("a", true), ("b/c", true), ("c", false) })
        {
            Holds(["/x/a", "/y/b"], default, path, comes);
        }
    }

    /// <summary>A name with an escaped wildcard and a pattern of the same text are two things.</summary>
    [Fact]
    public void ANameAndAPatternOfTheSameTextAreBothAskedFor()
    {
        Holds(["/s/x\\*", "/s/x*"], SourceOptions.Wildcards, "xa", comes: true);
        Holds(["/s/x*", "/s/x\\*"], SourceOptions.Wildcards, "x*", comes: true);
    }

    /// <summary>The rules hide a directory, and something in it is named.</summary>
    [Fact]
    public void WhatIsOnTheWayToANameIsPassed()
    {
        var names = new RequestedNames(["/x/./cache/a"u8.ToArray()], null, SourceOptions.Relative, FilterList.Parse(["- cache"u8.ToArray()]));
        names.Check("cache"u8, isDirectory: true);
        names.Check("cache/a"u8, isDirectory: false);
    }

    [Fact]
    public void AListIsTakenWordForWord()
    {
        var names = new RequestedNames(["/srv"u8.ToArray()], ["a*"u8.ToArray(), "b/c"u8.ToArray()], SourceOptions.Relative | SourceOptions.Wildcards, FilterList.Empty);
        names.Check("a*"u8, isDirectory: false);
        names.Check("b"u8, isDirectory: true);
        names.Check("b/c"u8, isDirectory: false);
        Assert.Throws<ProtocolException>(() => names.Check("ab"u8, isDirectory: false));
        Assert.Throws<ProtocolException>(() => names.Check("b/d"u8, isDirectory: false));
    }

    [Fact]
    public void WhatTheRulesExcludeMayNotComeUnlessItWasNamed()
    {
        var names = new RequestedNames(["/home/"u8.ToArray(), "/etc/cache"u8.ToArray()], null, default, FilterList.Parse(["- .ssh/"u8.ToArray(), "- cache"u8.ToArray()]));
        names.Check("notes"u8, isDirectory: false);
        names.Check(".ssh"u8, isDirectory: false);
        Assert.Throws<ProtocolException>(() => names.Check("cache"u8, isDirectory: true));
        var refused = Assert.Throws<ProtocolException>(() => names.Check("user/.ssh"u8, isDirectory: true));
        Assert.Contains("\"user/.ssh\" comes, which the filter rules exclude", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ProtocolException>(() => names.Check("user/cache"u8, isDirectory: false));
    }

    /// <summary>A sender of our own protocol that answers a request for one name with another.</summary>
    /// <summary>The answer to the job takes away <c>--safe-links</c>, or adds that sources are removed or the destination is emptied.</summary>
    [Fact]
    public void APeerDoesNotChangeWhatTheJobIs()
    {
        const JobFlags Asked = SyncOptions.ArchiveFlags | JobFlags.SafeLinks;
        const JobFlags Answered = (SyncOptions.ArchiveFlags & ~JobFlags.Owner) | JobFlags.Delete | JobFlags.RemoveSourceFiles | JobFlags.SuperUser;
        Assert.Equal(Asked, JobTranslation.Agreed(JobKind.Pull, Asked, Answered));
        Assert.Equal((Asked & ~JobFlags.Owner) | JobFlags.SuperUser, JobTranslation.Agreed(JobKind.Push, Asked, Answered));
    }

    [Fact]
    public async Task APullDeletesNothingThatItWasNotToldToByItsCaller()
    {
        string destination = Directory.CreateDirectory(Path.Combine(_root, "destination")).FullName;
        File.WriteAllText(Path.Combine(destination, "precious"), "old");
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, EntriesFlags.Last, "asked").Whole(0, 0).Close(0).EndOfTree();
        Assert.Equal(0, (await PullAsync("/far/", destination, script)).ExitCode);
        Assert.True(File.Exists(Path.Combine(destination, "precious")));
    }

    /// <summary>It says that all of the destination comes, or what the destination itself is to be: then --delete would empty it, or anybody could write there.</summary>
    [Theory]
    [InlineData("/far/asked", true, false, false)]
    [InlineData("/far/asked", false, false, true)]
    [InlineData("/far/asked", true, true, true)]
    [InlineData("/far/", false, true, false)]
    public async Task ASenderMayNotSpeakOfTheWholeDestination(string source, bool selected, bool attributes, bool refused)
    {
        string destination = Directory.CreateDirectory(Path.Combine(_root, "destination")).FullName;
        File.WriteAllText(Path.Combine(destination, "precious"), "old");
        RecordScript script = (attributes ? RootWithAttributes() : new RecordScript().Root()).Probe(0, 0, "")
            .Entries(0, 0, EntriesFlags.Last | (selected ? EntriesFlags.Selected : 0), "asked").Whole(0, 0).Close(0).EndOfTree();
        Task<SyncReport> run = PullAsync(source, destination, script, JobFlags.Delete);
        if (refused)
        {
            Assert.Equal(ProtocolError.BadName, (await Assert.ThrowsAsync<ProtocolException>(() => run)).Kind);
            Assert.True(File.Exists(Path.Combine(destination, "precious")));
        }
        else
        {
            Assert.Equal(0, (await run).ExitCode);
            Assert.Equal(selected, File.Exists(Path.Combine(destination, "precious")));
        }
    }

    [Theory]
    [InlineData("/far/asked", "asked", true)]
    [InlineData("/far/asked", "planted", false)]
    [InlineData("/far/", "planted", true)]
    [InlineData("/far/", "excluded", false)]
    public async Task ASenderThatBringsSomethingElseIsCutOff(string source, string name, bool comes)
    {
        string destination = Path.Combine(_root, "destination");
        RecordScript script = new RecordScript().Root().Probe(0, 0, "").Entries(0, 0, EntriesFlags.Last | EntriesFlags.Selected, name).Whole(0, 0).Close(0).EndOfTree();
        Task<SyncReport> run = PullAsync(source, destination, script);
        if (comes)
        {
            Assert.Equal(0, (await run).ExitCode);
        }
        else
        {
            Assert.Equal(ProtocolError.BadName, (await Assert.ThrowsAsync<ProtocolException>(() => run)).Kind);
        }

        Assert.Equal(comes, File.Exists(Path.Combine(destination, name)));
    }

    private static async Task<SyncReport> PullAsync(string source, string destination, RecordScript script, JobFlags more = 0)
    {
        SyncRequest request = new()
        {
            Sources = [Encoding.UTF8.GetBytes(source)],
            Destination = Encoding.UTF8.GetBytes(destination + "/"),
            Options = new SyncOptions { Flags = SyncOptions.ArchiveFlags | more, Rules = ["- excluded"u8.ToArray()] },
        };
        await using var connection = new InProcessConnection((lane, token) => SendAsync(lane, script, token));
        return await Synchronizer.RunAsync(connection, JobKind.Pull, request, null, SyncEnvironment.Default, CancellationToken.None);
    }

    private static async Task SendAsync(ILane lane, RecordScript script, CancellationToken token)
    {
        var answer = new ArrayBufferWriter<byte>();
        answer.Write(Handshake.AgentGreeting(1 << 24));
        new ReadyFrame { Flags = SyncOptions.ArchiveFlags | JobFlags.Delete, Code = 0, Text = [] }.Write(answer);
        await lane.Output.WriteAsync(answer.WrittenMemory, token);
        await lane.Output.WriteAsync(script.ToFrame(), token);
        var goodbye = new ArrayBufferWriter<byte>();
        default(GoodbyeFrame).Write(goodbye);
        await lane.Output.WriteAsync(goodbye.WrittenMemory, token);
        while (true)
        {
            ReadResult read = await lane.Input.ReadAsync(token);
            lane.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static RecordScript RootWithAttributes() => new RecordScript().Add((ref WireWriter w) =>
        Records.WriteRoot(ref w, RootFlags.Attributes, new Entry { Metadata = new EntryMetadata { Mode = 0x41ff, Modified = new Timestamp(1_600_000_000, 0) } }));

    private static void Holds(string[] sources, SourceOptions options, string path, bool comes)
    {
        var names = new RequestedNames([.. sources.Select(Encoding.UTF8.GetBytes)], null, options, FilterList.Empty);
        byte[] bytes = Encoding.UTF8.GetBytes(path.TrimEnd('/'));
        if (comes)
        {
            names.Check(bytes, isDirectory: path.EndsWith('/'));
        }
        else
        {
            Assert.Throws<ProtocolException>(() => names.Check(bytes, isDirectory: path.EndsWith('/')));
        }
    }
}
