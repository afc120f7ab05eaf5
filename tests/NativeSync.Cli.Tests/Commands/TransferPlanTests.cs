using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Cli.Remote;

namespace NativeSync.Cli.Tests.Commands;

public sealed class TransferPlanTests
{
    [Theory]
    [InlineData("a b", "Local", null, null, "a", "b")]
    [InlineData("a c d/", "Local", null, null, "a|c", "d/")]
    [InlineData("a host:b", "Push", "host", null, "a", "b")]
    [InlineData("a me@host:b", "Push", "host", "me", "a", "b")]
    [InlineData("a host:", "Push", "host", null, "a", ".")]
    [InlineData("a host:~/x", "Push", "host", null, "a", "./x")]
    [InlineData("a host:~", "Push", "host", null, "a", ".")]
    [InlineData("a [::1]:b", "Push", "::1", null, "a", "b")]
    [InlineData("a me@[fe80::1]:/b:c", "Push", "fe80::1", "me", "a", "/b:c")]
    [InlineData("host:a b", "Pull", "host", null, "a", "b")]
    [InlineData("host:a :c host:d b", "Pull", "host", null, "a|c|d", "b")]
    [InlineData("./a:b c", "Local", null, null, "./a:b", "c")]
    [InlineData("/x/a:b c:d", "Push", "c", null, "/x/a:b", "d")]
    public void OperandsAreReadAsRsyncReadsThem(string operands, string direction, string? host, string? user, string sources, string destination)
    {
        TransferPlan plan = TransferPlan.Parse(Bytes.Of(operands.Split(' ')));
        Assert.Equal(direction, plan.Direction.ToString());
        Assert.Equal(host, plan.Remote?.Host);
        Assert.Equal(user, plan.Remote?.User);
        Assert.Equal(sources, string.Join('|', plan.Sources.Select(Encoding.UTF8.GetString)));
        Assert.Equal(destination, Encoding.UTF8.GetString(plan.Destination));
    }

    [Theory]
    [InlineData(1, "a:b c:d", "cannot both be remote")]
    [InlineData(1, "a b:c d", "unexpected remote argument: b:c")]
    [InlineData(1, "a:b c d", "unexpected local argument: c")]
    [InlineData(1, "a:b c:d e", "same machine")]
    [InlineData(1, ":a b", "names no host")]
    [InlineData(4, "rsync://h/m a", "rsync daemons are not supported")]
    [InlineData(4, "a h::m", "rsync daemons are not supported")]
    [InlineData(4, "a me@h::m/x", "rsync daemons are not supported")]
    public void OperandsThatMakeNoSenseAreRefused(int exitCode, string operands, string message)
    {
        UsageException e = Assert.Throws<UsageException>(() => TransferPlan.Parse(Bytes.Of(operands.Split(' '))));
        Assert.Equal(exitCode, e.ExitCode);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutOperandsTheHelpIsNamed() =>
        Assert.Contains("--help", Assert.Throws<UsageException>(() => TransferPlan.Parse([])).Message, StringComparison.Ordinal);
}
