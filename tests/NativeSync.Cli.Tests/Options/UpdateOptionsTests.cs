using System.Globalization;
using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Tests.Options;

/// <summary>The options about updating: what they come to, and which contradict each other, as rsync 3.5.0 has it.</summary>
public sealed class UpdateOptionsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 16, 30, 0, TimeZoneInfo.Local.GetUtcOffset(new DateTime(2026, 11, 25, 16, 30, 0)));

    [Theory]
    [InlineData("-a", false, true)]
    [InlineData("-a --no-resume", false, false)]
    [InlineData("-a --no-resume --resume", false, true)]
    [InlineData("-a", true, false)]
    [InlineData("-a --resume", true, true)]
    public void WhatBreaksOffIsKeptUnlessThisIsRsync(string options, bool asRsync, bool kept)
    {
        byte[][] words = [.. options.Split(' ').Append("a").Append("b").Select(Encoding.UTF8.GetBytes)];
        Assert.Equal(kept, SyncArgumentsBuilder.Parse(words, asRsync: asRsync).Options.ResumeFrom > 0);
    }

    [Theory]
    [InlineData("--inplace --partial-dir=x", 1, "--inplace cannot be used with --partial-dir")]
    [InlineData("--inplace --partial-dir=.", 1, "--partial-dir")]
    [InlineData("--inplace --delay-updates", 1, "--inplace cannot be used with --delay-updates")]
    [InlineData("--append -W", 1, "--append cannot be used with --whole-file")]
    [InlineData("--append --cc=none", 1, "--whole-file")]
    [InlineData("--append-verify --partial-dir=x", 1, "--append cannot be used with --partial-dir")]
    [InlineData("--append --delay-updates", 1, "--append cannot be used with --delay-updates")]
    [InlineData("--compare-dest=/a --link-dest=/b", 1, "--link-dest option conflicts with --compare-dest")]
    [InlineData("--copy-dest=/a --compare-dest=/b", 1, "--compare-dest option conflicts with --copy-dest")]
    [InlineData("--delete-before --delete-after", 1, "cannot be combined")]
    [InlineData("--delete-before --del", 1, "cannot be combined")]
    [InlineData("--delete-after --delete-delay", 1, "cannot be combined")]
    [InlineData("-b --suffix=a/b", 1, "--suffix cannot contain slashes")]
    [InlineData("--suffix=", 1, "--suffix cannot be empty without a --backup-dir")]
    [InlineData("--backup-dir=.", 1, "--suffix cannot be empty when --backup-dir is the same as the destination")]
    [InlineData("--stop-after=0", 1, "invalid --stop-after value: 0")]
    [InlineData("--stop-at=foo", 1, "invalid --stop-at format: foo")]
    [InlineData("--stop-at=24:00", 1, "invalid --stop-at format")]
    [InlineData("--stop-at=2020-01-01", 1, "--stop-at time is not in the future")]
    [InlineData("--cc=foo", 4, "unknown checksum name: foo")]
    [InlineData("--cc=md5", 4, "md5")]
    [InlineData("--cc=xxh3,none -c", 4, "--checksum-choice=none")]
    [InlineData("--partial-dir=a/../b", 4, "--partial-dir=a/../b")]
    [InlineData("--partial-dir=..", 4, "give an absolute path")]
    [InlineData("--max-alloc=100", 1, "too small")]
    [InlineData("--max-passes=3", 1, "(give it, too)")]
    [InlineData("--no-follow-changes", 1, "(give it, too)")]
    [InlineData("--until-converged=1M --hook-timeout=3", 1, "--hook-timeout needs a command")]
    [InlineData("--until-converged=", 1, "--until-converged= is invalid")]
    [InlineData("--write-batch=f --detect-renamed", 1, "a batch is one record")]
    [InlineData("--write-batch=f --lanes=4", 1, "a batch is one record")]
    [InlineData("--read-batch=f --resume", 1, "a batch is one record")]
    [InlineData("--until-converged=much", 1, "--until-converged=much is invalid")]
    [InlineData("--until-converged=1M -n", 1, "--dry-run")]
    [InlineData("--until-converged=1M --max-passes=0", 1, "out of range")]
    [InlineData("--reconnect=9 --files-from=-", 1, "standard input can be read once only")]
    public void WhatRsyncRefusesIsRefused(string options, int exitCode, string message)
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse("-r " + options));
        Assert.Equal(exitCode, e.ExitCode);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--delete", DeleteTiming.During)]
    [InlineData("--del", DeleteTiming.During)]
    [InlineData("--delete-before", DeleteTiming.Before)]
    [InlineData("--delete-delay --delete-during", DeleteTiming.Delay)]
    [InlineData("--delete --delete-after", DeleteTiming.After)]
    public void EachTimeOfDeletionIsAsked(string options, DeleteTiming timing)
    {
        SyncOptions parsed = Parse("-r " + options).Options;
        Assert.Equal(timing, parsed.DeleteTiming);
        Assert.True(parsed.Has(JobFlags.Delete));
    }

    [Theory]
    [InlineData("-b --delete", "-r *~")]
    [InlineData("-b --delete --suffix=.k", "-r *.k")]
    [InlineData("-b --delete-excluded", "")]
    [InlineData("-b --backup-dir=k --delete", "")]
    [InlineData("-b", "")]
    [InlineData("--partial-dir=.p/", "-p .p/")]
    [InlineData("--partial-dir=/p", "")]
    [InlineData("--partial-dir=.a/b", "-p .a/b/")]
    [InlineData("--partial-dir=./.a//./b/", "-p .a/b/")]
    [InlineData("--partial-dir=./.", "")]
    [InlineData("--delay-updates", "-p .~tmp~/")]
    [InlineData("--delay-updates --partial-dir=.p --exclude=x", "- x|-p .p/")]
    public void TheImpliedRulesComeLast(string options, string rules) =>
        Assert.Equal(rules, string.Join('|', Parse("-r " + options).Options.Rules.Select(Encoding.UTF8.GetString)));

    [Fact]
    public void BackupsBesideTheirFilesLeaveOutTheTimesOfDirectories()
    {
        Assert.True(Parse("-a -b").Has(JobFlags.OmitDirectoryTimes | JobFlags.Backup));
        Assert.False(Parse("-a --backup-dir=k").Has(JobFlags.OmitDirectoryTimes));
        Assert.True(Parse("-a --backup-dir=k").Has(JobFlags.Backup));
        Assert.False(Parse("-a -b --no-backup").Has(JobFlags.Backup));
    }

    [Fact]
    public void TwentyOtherHierarchiesAreTheMost()
    {
        string twenty = string.Join(' ', Enumerable.Range(0, 20).Select(i => $"--link-dest=/d{i.ToString(CultureInfo.InvariantCulture)}"));
        Assert.Equal(20, Parse("-a " + twenty).Options.AlternateDirectories.Count);
        Assert.Equal(AlternateUse.Link, Parse("-a " + twenty).Options.AlternateUse);
        Assert.Contains("at most 20", Assert.Throws<UsageException>(() => Parse($"-a {twenty} --link-dest=/x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NanosecondsCountUnlessRunAsRsync()
    {
        Assert.False(Parse("-a").Has(JobFlags.WholeSeconds));
        Assert.True(Parse("-a", asRsync: true).Has(JobFlags.WholeSeconds));
        Assert.False(Parse("-a --modify-window=-1", asRsync: true).Has(JobFlags.WholeSeconds));
        Assert.Equal(2, Parse("-a -@2", asRsync: true).Options.ModifyWindow);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("0")]
    public void ANegativeDeletionLimitIsNone(string limit) => Assert.Equal(0, Parse("-r --delete --max-delete=" + limit).Options.MaxDelete);

    [Fact]
    public void AFileThatCannotBeCheckedGoesWhole() => Assert.True(Parse("-a --cc=none").Has(JobFlags.WholeFile));

    [Theory]
    [InlineData("17:00", "2026-11-25 17:00")]
    [InlineData("14:00", "2026-11-26 14:00")]
    [InlineData(":59", "2026-11-25 16:59")]
    [InlineData(":10", "2026-11-25 17:10")]
    [InlineData("1-30", "2027-01-30 00:00")]
    [InlineData("12/24", "2026-12-24 00:00")]
    [InlineData("1", "2026-12-01 00:00")]
    [InlineData("31", "2026-12-31 00:00")]
    [InlineData("25T23:15", "2026-11-25 23:15")]
    [InlineData("27-02-03T04:05", "2027-02-03 04:05")]
    [InlineData("2030-12-31T23:59", "2030-12-31 23:59")]
    public void TheNextSuchTimeIsMeant(string text, string time) =>
        Assert.Equal(time, StopTime.At(text, Now).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture));

    private static SyncArguments Parse(string options, bool asRsync = false) =>
        SyncArgumentsBuilder.Parse([.. $"{options} src dst".Split(' ').Select(Encoding.UTF8.GetBytes)], asRsync: asRsync);
}
