using NativeSync.Cli.Startup;

namespace NativeSync.Cli.Tests.Commands;

public sealed class RawArgumentsTests
{
    [Fact]
    public void TheLastStringsOfTheCommandLineAreTheArguments()
    {
        byte[] commandLine = [.. "dotnet\0x.dll\0"u8, 0xff, .. "\0\0b\0"u8];
        Assert.Equal([[0xff], [], [(byte)'b']], RawArguments.Split(commandLine, 3));
    }
}
