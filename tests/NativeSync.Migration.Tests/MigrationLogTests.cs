using System.Globalization;
using NativeSync.Migration.Logging;

namespace NativeSync.Migration.Tests;

/// <summary>The log that a person reads.</summary>
public sealed class MigrationLogTests
{
    [Theory]
    [InlineData(MigrationLogLevel.Error, "ERROR")]
    [InlineData(MigrationLogLevel.Info, "ERROR INFO WARN")]
    [InlineData(MigrationLogLevel.Debug, "ERROR INFO WARN DEBUG")]
    public void EachLevelHoldsThoseAboveIt(MigrationLogLevel level, string expected)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        List<string> warned = [];
        using (MigrationLog log = new(text, level, TimeProvider.System) { Warned = warned.Add })
        {
            log.Hide("TopSecret");
            log.Error("e");
            log.Info("i");
            log.Warn("w TopSecret");
            log.Debug("two\nlines");
        }

        string[] lines = text.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        string[] further = [.. lines.Where(l => l.StartsWith(' '))];
        lines = [.. lines.Except(further)];
        Assert.Equal(level == MigrationLogLevel.Debug ? ["    lines"] : [], further);
        Assert.Equal(expected.Split(' '), lines.Select(l => l.Split(' ')[2]));
        Assert.All(lines, l => Assert.True(DateTime.TryParseExact(l[..23], "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture, DateTimeStyles.None, out _), l));
        Assert.Equal(["w ***"], warned);
        Assert.DoesNotContain("TopSecret", text.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain é 文", "plain é 文")]
    [InlineData("bell\a, delete\x7f, reversed\u202e", "bell\\#007, delete\\#177, reversed\\#342\\#200\\#256")]
    [InlineData("an escaped name\\#012 stays", "an escaped name\\#012 stays")]
    [InlineData("one\r\ntwo\n2026-01-01 00:00:00.000 INFO  forged\n", "one\n    two\n    2026-01-01 00:00:00.000 INFO  forged")]
    [InlineData("over\rwritten", "over\\#015written")]
    public void WhatIsShownIsEscapedAsEverywhereAndKeepsItsLines(string message, string expected)
    {
        using MigrationLog log = new(null, MigrationLogLevel.Error, TimeProvider.System);
        Assert.Equal(expected, log.Clean(message));
    }
}
