using System.Text;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>Roots as distributions lay them out, written to their formats, and what becomes of them; NATIVESYNC_UPDATE_DOCS=1 writes the latter.</summary>
public sealed class DistributionTests
{
    public static TheoryData<string> Samples => new(Directory.EnumerateFiles(SampleRoot.Directory, "*.root").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Samples))]
    public void ARootBecomesWhatIsExpectedAndASecondRunChangesNothing(string name)
    {
        SampleRoot sample = SampleRoot.Read(name);
        (string report, FixupRecord[] records, _) = SampleRoot.Run(sample.Tree, sample.Facts);
        string file = Path.Combine(SampleRoot.Directory, name + ".expected");
        if (Environment.GetEnvironmentVariable("NATIVESYNC_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, report, Encoding.Latin1);
        }

        Assert.Equal(File.ReadAllText(file, Encoding.Latin1), report);
        Assert.DoesNotContain(records, r => r.Outcome == FixupOutcomes.Failed);
        (_, FixupRecord[] again, _) = SampleRoot.Run(sample.Tree, sample.Facts);
        Assert.Equal([], again.SelectMany(r => r.Changes).Select(c => c.File));
        Assert.Equal([], sample.Tree.Writes);
        Assert.DoesNotContain(again.SelectMany(r => r.Commands), c => !c.Script.Contains("grub", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void ADryRunShowsTheSameAndChangesNothing(string name)
    {
        SampleRoot sample = SampleRoot.Read(name);
        List<FixupRecord> planned = [];
        new FixupRunner(sample.Tree, sample.Facts, null).Run(FixupList.All, planned.Add);
        Assert.Equal([], sample.Tree.Writes);
        (_, FixupRecord[] done, _) = SampleRoot.Run(sample.Tree, sample.Facts);
        Assert.Equal(Shown(done), Shown(planned));

        static List<string> Shown(IEnumerable<FixupRecord> records) => [.. records.SelectMany(r => r.Changes.Select(c => $"{r.Name} {c.File} {string.Join('|', c.Lines)}").Concat(r.Commands.Select(c => $"{r.Name} {c.Script}")))];
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void WhatWasReplacedIsKeptAsItWas(string name)
    {
        SampleRoot before = SampleRoot.Read(name), sample = SampleRoot.Read(name);
        SampleRoot.Run(sample.Tree, sample.Facts);
        HashSet<string> created = [.. (sample.Tree.Text(FixupContext.Created) ?? "").Split('\n')];
        foreach (string path in sample.Tree.Writes.Where(p => !p.StartsWith(FixupContext.Home, StringComparison.Ordinal)))
        {
            string kept = $"{FixupContext.Backup}/{path}";
            Assert.Equal(before.Tree.Kind(path), sample.Tree.Kind(kept));
            Assert.Equal(before.Tree.Read(path), sample.Tree.Read(kept));
            Assert.Equal(before.Tree.Kind(path) == RootEntryKind.None, created.Contains("/" + path));
        }
    }
}
