using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Tests.Output;

public sealed class ItemizerTests
{
    private const uint File = 0x81a4, Directory = 0x41ed, Link = 0xa1ff, Fifo = 0x11a4, Device = 0x21a4;

    private static EntryEvent Entry(OutcomeKind kind, Changes changes, uint mode, string path = "x", string? target = null) =>
        new(kind, changes, Bytes.Of(path), new EntryMetadata { Mode = mode }, target is null ? null : Bytes.Of(target), false);

    [Theory]
    [InlineData(">f+++++++++", OutcomeKind.Created, Changes.New | Changes.Content, File)]
    [InlineData("cd+++++++++", OutcomeKind.Created, Changes.New, Directory)]
    [InlineData("cL+++++++++", OutcomeKind.Created, Changes.New, Link)]
    [InlineData("cS+++++++++", OutcomeKind.Created, Changes.New, Fifo)]
    [InlineData("cD+++++++++", OutcomeKind.Created, Changes.New, Device)]
    [InlineData("hf+++++++++", OutcomeKind.Linked, Changes.New | Changes.HardLink, File)]
    [InlineData("hf         ", OutcomeKind.Linked, Changes.HardLink, File)]
    [InlineData(">f.st......", OutcomeKind.Updated, Changes.Content | Changes.Size | Changes.Time, File)]
    [InlineData(">fc........", OutcomeKind.Updated, Changes.Content | Changes.Checksum, File)]
    [InlineData(">fcst......", OutcomeKind.Updated, Changes.Content | Changes.Checksum | Changes.Size | Changes.Time, File)]
    [InlineData(".f...p.....", OutcomeKind.MetadataOnly, Changes.Permissions, File)]
    [InlineData(".f...pog.ax", OutcomeKind.MetadataOnly, Changes.Permissions | Changes.Owner | Changes.Group | Changes.Acl | Changes.Xattr, File)]
    [InlineData(".d..t......", OutcomeKind.MetadataOnly, Changes.Time, Directory)]
    [InlineData("cLc.t......", OutcomeKind.Updated, Changes.LinkTarget | Changes.Time, Link)]
    [InlineData(".L..t......", OutcomeKind.MetadataOnly, Changes.Time, Link)]
    [InlineData("cDc........", OutcomeKind.Updated, Changes.Device, Device)]
    [InlineData(".f         ", OutcomeKind.Unchanged, Changes.None, File)]
    [InlineData("*deleting  ", OutcomeKind.Deleted, Changes.None, File)]
    public void AnEntryIsItemizedAsRsyncDoes(string text, OutcomeKind kind, Changes changes, uint mode) =>
        Assert.Equal(text, Itemizer.Of(Entry(kind, changes, mode), SyncOptions.ArchiveFlags, push: false));

    [Fact]
    public void WhatGoesToAnotherMachinePointsTheOtherWay() =>
        Assert.Equal("<f+++++++++", Itemizer.Of(Entry(OutcomeKind.Created, Changes.New, File), SyncOptions.ArchiveFlags, push: true));

    [Fact]
    public void WithoutTimesWhatIsRewrittenHasACapitalT() =>
        Assert.Equal(">f.sT......", Itemizer.Of(Entry(OutcomeKind.Updated, Changes.Content | Changes.Size, File), JobFlags.Recursive, push: false));

    [Fact]
    public void WithChecksumsWhatIsRewrittenHasAC() =>
        Assert.Equal(">fcs.......", Itemizer.Of(Entry(OutcomeKind.Updated, Changes.Content | Changes.Size, File), SyncOptions.ArchiveFlags | JobFlags.Checksum, push: false));

    [Theory]
    [InlineData("dir/", OutcomeKind.Created, Directory, "dir", null)]
    [InlineData("./", OutcomeKind.MetadataOnly, Directory, "", null)]
    [InlineData("l -> a\\#012b", OutcomeKind.Created, Link, "l", "a\nb")]
    [InlineData("h => a", OutcomeKind.Linked, File, "h", "a")]
    [InlineData("deleting d/", OutcomeKind.Deleted, Directory, "d", null)]
    [InlineData("x is uptodate", OutcomeKind.Unchanged, File, "x", null)]
    [InlineData("x", OutcomeKind.MetadataOnly, File, "x", null)]
    [InlineData(null, OutcomeKind.Failed, File, "x", null)]
    public void VerboseNamesWhatRsyncNames(string? line, OutcomeKind kind, uint mode, string path, string? target) =>
        Assert.Equal(line, Text(verbosity: 2).Line(Entry(kind, Changes.Time, mode, path, target), OutFormat.Named, itemizes: false));

    [Fact]
    public void WithoutAnyOptionNothingIsSaid() =>
        Assert.Null(Text(verbosity: 0).Line(Entry(OutcomeKind.Created, Changes.New, File), null, itemizes: false));

    private static EntryText Text(int verbosity)
    {
        TransferPlan plan = new(Direction.Local, null, [Bytes.Of("s/")], Bytes.Of("d"));
        return new(new OutputArguments { Info = new InfoLevels { Verbosity = verbosity } }, SyncOptions.ArchiveFlags, new EntryValues(SyncOptions.ArchiveFlags, plan, NameStyle.Utf8, TimeProvider.System));
    }
}
