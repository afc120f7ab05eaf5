using NativeSync.Migration.Api;

namespace NativeSync.Migration.Tests;

/// <summary>Which ports the rules of security groups let through.</summary>
public sealed class SecurityGroupTests
{
    [Fact]
    public void NothingBoundBarsNothing() => Assert.Equal(PortVerdict.Open, SecurityGroupCheck.Tcp([], 22));

    [Theory]
    [InlineData("TCP", "22", PortVerdict.Open)]
    [InlineData("TCP", "20-30", PortVerdict.Open)]
    [InlineData("ALL", "all", PortVerdict.Open)]
    [InlineData("tcp", "80, 22", PortVerdict.Open)]
    [InlineData("UDP", "22", PortVerdict.Closed)]
    [InlineData("TCP", "2222", PortVerdict.Closed)]
    public void PortsAreNumbersRangesAndLists(string protocol, string ports, PortVerdict expected)
        => Assert.Equal(expected, SecurityGroupCheck.Tcp([Group(Rule(0, protocol, ports, "0.0.0.0/0", "ACCEPT"))], 22));

    [Fact]
    public void TheFirstMatchWins()
    {
        SecurityGroupPolicySet group = Group(Rule(1, "TCP", "all", "0.0.0.0/0", "ACCEPT"), Rule(0, "TCP", "22", "0.0.0.0/0", "DROP"));
        Assert.Equal(PortVerdict.Closed, SecurityGroupCheck.Tcp([group], 22));
        Assert.Equal(PortVerdict.Open, SecurityGroupCheck.Tcp([group], 80));
    }

    [Fact]
    public void ARuleForSomeIsNoRuleForAll()
        => Assert.Equal(PortVerdict.OpenForSome, SecurityGroupCheck.Tcp([Group(Rule(0, "TCP", "22", "10.0.0.0/8", "ACCEPT"))], 22));

    [Theory]
    [InlineData("10.0.0.0/8", "ACCEPT", "10.1.2.3", PortVerdict.Open)]
    [InlineData("10.1.2.3", "ACCEPT", "10.1.2.3", PortVerdict.Open)]
    [InlineData("10.0.0.0/8", "ACCEPT", "192.168.0.1", PortVerdict.OpenForSome)] // Perhaps behind NAT.
    [InlineData("nonsense", "ACCEPT", "192.168.0.1", PortVerdict.OpenForSome)]
    [InlineData("10.0.0.0/8", "DROP", "10.1.2.3", PortVerdict.OpenForSome)]
    [InlineData("10.0.0.0/8", "DROP", "192.168.0.1", PortVerdict.Open)]
    public void TheOwnAddressDecidesWhereItIsNamed(string block, string action, string from, PortVerdict expected)
    {
        List<SecurityGroupPolicy> rules = [Rule(0, "TCP", "22", block, action)];
        if (action == "DROP")
        {
            rules.Add(Rule(1, "ALL", "all", "0.0.0.0/0", "ACCEPT"));
        }

        Assert.Equal(expected, SecurityGroupCheck.Tcp([Group([.. rules])], 22, System.Net.IPAddress.Parse(from)));
    }

    [Fact]
    public void TemplatesCannotBeDecidedHere()
    {
        SecurityGroupPolicy rule = Rule(0, "", "", "0.0.0.0/0", "ACCEPT");
        rule.ServiceTemplate = new ServiceTemplate { ServiceId = "ppm-1" };
        Assert.Equal(PortVerdict.Unknown, SecurityGroupCheck.Tcp([Group(rule)], 22));
    }

    private static SecurityGroupPolicySet Group(params SecurityGroupPolicy[] rules) => new() { Ingress = [.. rules] };

    private static SecurityGroupPolicy Rule(int index, string protocol, string ports, string block, string action)
        => new() { PolicyIndex = index, Protocol = protocol, Port = ports, CidrBlock = block, Action = action };
}
