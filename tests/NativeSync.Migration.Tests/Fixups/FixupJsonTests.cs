using System.Reflection;
using System.Text;
using System.Text.Json;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Fixups;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>What travels between the migration and the rescue system arrives whole.</summary>
public sealed class FixupJsonTests
{
    [Fact]
    public void EveryMemberOfTheFactsArrives()
    {
        FixupFacts facts = new() { SwapFiles = [new("/swap", 1L << 33)], Shared = [new("/a b", "/c"), new("/d", "/e")], FileSystems = [new() { MountPoint = "/a b", Path = "/mnt/\"x\"/", Device = "/dev/vdb1", Uuid = "u", Type = "ext4" }] };
        foreach (PropertyInfo property in typeof(FixupFacts).GetProperties().Where(p => p.Name is not (nameof(FixupFacts.FileSystems) or nameof(FixupFacts.SwapFiles) or nameof(FixupFacts.Shared))))
        {
            property.SetValue(facts, property.PropertyType == typeof(bool) ? true : property.PropertyType == typeof(string) ? "it's " + property.Name : new List<string> { property.Name, "two\nlines" });
        }

        string written = FixupRecordJson.Text(facts.Write);
        FixupFacts read = FixupFacts.Parse("facts", Encoding.UTF8.GetBytes(written));
        Assert.Equivalent(facts, read, strict: true);
        Assert.Equal(written, FixupRecordJson.Text(read.Write));
        Assert.DoesNotContain('\n', written);
        Assert.Equivalent(new FixupFacts(), FixupFacts.Parse("facts", Encoding.UTF8.GetBytes(FixupRecordJson.Text(new FixupFacts().Write))), strict: true);
    }

    [Theory]
    [InlineData("""{"FileSystem":[]}""", "facts, line 1: FileSystem: this key is not known")]
    [InlineData("""{"FileSystems":[{"Mount":"/"}]}""", "facts, line 1: FileSystems.Mount: this key is not known")]
    [InlineData("""{"Skip":"x"}""", "facts, line 1: Skip: expected a list")]
    [InlineData("[]", "facts, line 1")]
    [InlineData("", "facts")]
    public void FactsThatCannotBeMeantAreRefused(string content, string expected)
        => Assert.StartsWith(expected, Assert.Throws<ConfigException>(() => FixupFacts.Parse("facts", Encoding.UTF8.GetBytes(content))).Message, StringComparison.Ordinal);

    [Fact]
    public void ARecordArrivesAndStaysInTheState()
    {
        FixupRecord record = new()
        {
            Name = "fstab",
            Outcome = FixupOutcomes.Warned,
            Why = "why \"not\"",
            Changes = [new() { File = "/etc/fstab", Reason = "r", Lines = ["- a", "+ b\tc"] }, new() { File = "/x" }],
            Commands = [new() { Script = "a\nb", Reason = "r", Outside = true, ExitCode = 3, Output = "no\n" }, new() { Script = "c" }],
            Warnings = ["w"],
        };
        string line = FixupRecordJson.Line(record);
        Assert.DoesNotContain('\n', line);
        Assert.Equivalent(record, FixupRecordJson.Parse(line), strict: true);
        MigrationState state = JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(new MigrationState { Fixups = [record, new() { Name = "b" }] }, StateJson.Default.MigrationState), StateJson.Default.MigrationState)!;
        Assert.Equivalent(record, state.Fixups[0], strict: true);
        Assert.Equal("b", state.Fixups[1].Name);
    }

    [Fact]
    public void NoDamagedLineDoesMoreThanCountForNone()
    {
        string line = FixupRecordJson.Line(new FixupRecord { Name = "n", Outcome = "o", Changes = [new() { File = "f", Lines = ["l"] }], Commands = [new() { Script = "s", ExitCode = 1 }], Warnings = ["w"] });
        Random random = new(5);
        for (int i = 0; i < 3000; i++)
        {
            char[] damaged = line[..random.Next(line.Length + 1)].ToCharArray();
            for (int b = 0; b < 2 && damaged.Length > 0; b++)
            {
                damaged[random.Next(damaged.Length)] = "{}[]:,\"0tn \\"[random.Next(12)];
            }

            FixupRecordJson.Parse(new string(damaged));
        }
    }
}
