using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using NativeSync.Fuzz;

namespace NativeSync.Protocol.Tests;

/// <summary>Every member of every enumeration has its row on docs/protocol.md, and every row its member.</summary>
public sealed partial class PageTablesTests
{
    public static TheoryData<string> Enumerations => [.. Names];

    private static IEnumerable<string> Names => typeof(FrameType).Assembly.GetExportedTypes()
        .Where(t => t.IsEnum && t != typeof(RecordSide)) // who may send is said in words
        .Select(t => t.Name);

    [Theory]
    [MemberData(nameof(Enumerations))]
    public void PageAndEnumerationAgree(string name)
    {
        Type type = typeof(FrameType).Assembly.GetExportedTypes().Single(t => t.Name == name);
        bool flags = type.IsDefined(typeof(FlagsAttribute));
        IEnumerable<string> code = Enum.GetValuesAsUnderlyingType(type).Cast<object>()
            .Select(v => Convert.ToUInt64(v, CultureInfo.InvariantCulture))
            .Where(v => !flags || v != 0)
            .Select(v => $"0x{v:x2} {Enum.GetName(type, Enum.ToObject(type, v))}");
        Assert.Equal(code.Order(), Rows(name).Order());
    }

    [Fact]
    public void EveryTableOfValuesIsAboutAnEnumerationOrTheStatistics() =>
        Assert.Empty(ProtocolPage.Rows.Select(r => r.Section).Distinct().Except([.. Names, nameof(Statistics)]));

    [Fact]
    public void PageAndStatisticsAgree()
    {
        IEnumerable<string> code = Enumerable.Range(0, Statistics.Count).Select(i => $"0x{i:x2} {Statistics.NameOf(i)}");
        Assert.Equal(code, Rows(nameof(Statistics)));
        Assert.Null(Statistics.NameOf(Statistics.Count));
    }

    [Fact]
    public void TheNthStatisticIsTheFieldOfThatName()
    {
        for (int i = 0; i < Statistics.Count; i++)
        {
            var statistics = new Statistics();
            statistics.Slot(i) = 42;
            FieldInfo field = Assert.Single(typeof(Statistics).GetFields(BindingFlags.Public | BindingFlags.Instance), f => (long)f.GetValue(statistics)! == 42);
            Assert.Equal(Statistics.NameOf(i), field.Name);
        }
    }

    [Fact]
    public void PageAndLimitsAgree()
    {
        IEnumerable<string> code = typeof(ProtocolLimits).GetFields().Select(f => $"{f.Name} {f.GetRawConstantValue()}");
        IEnumerable<string> page = LimitRow().Matches(ProtocolPage.Text).Select(m => $"{m.Groups[1].Value} {m.Groups[2].Value}");
        Assert.Equal(code, page);
    }

    private static IEnumerable<string> Rows(string section) =>
        ProtocolPage.Rows.Where(r => r.Section == section).Select(r => $"0x{r.Value:x2} {r.Name}");

    [GeneratedRegex("^\\| (M(?:ax|in)\\w+|SecretLength) \\| (\\d+) \\|", RegexOptions.Multiline)]
    private static partial Regex LimitRow();
}
