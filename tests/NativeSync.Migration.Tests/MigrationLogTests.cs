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
        Assert.Equal(expected.Split(' '), lines.Select(l => l.Split(' ')[2]));
        Assert.All(lines, l => Assert.True(DateTime.TryParseExact(l[..23], "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture, DateTimeStyles.None, out _), l));
        Assert.Equal(["w ***"], warned);
        Assert.DoesNotContain("TopSecret", text.ToString(), StringComparison.Ordinal);
    }
}
