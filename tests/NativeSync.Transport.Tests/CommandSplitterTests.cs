using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

public sealed class CommandSplitterTests
{
    [Theory]
    [InlineData("ssh", "ssh")]
    [InlineData("ssh  -p 22 ", "ssh|-p|22")]
    [InlineData("ssh -o 'ProxyCommand nc %h %p'", "ssh|-o|ProxyCommand nc %h %p")]
    [InlineData("ssh -o \"a b\"c", "ssh|-o|a bc")]
    [InlineData("a 'it''s'", "a|it's")]
    [InlineData("a \"say \"\"hi\"\"\"", "a|say \"hi\"")]
    [InlineData("a ''", "a|")]
    [InlineData("a \"it's\"", "a|it's")]
    [InlineData("a b\\c", "a|b\\c")]
    public void WordsAreSplitAsRsyncDoes(string command, string expected) => Assert.Equal(expected.Split('|'), CommandSplitter.Split(command));

    [Theory]
    [InlineData("", 14)]
    [InlineData("   ", 14)]
    [InlineData("ssh 'open", 1)]
    public void WhatCannotBeSplitIsRefused(string command, int exitCode) => Assert.Equal(exitCode, Assert.Throws<TransportException>(() => CommandSplitter.Split(command)).ExitCode);
}
