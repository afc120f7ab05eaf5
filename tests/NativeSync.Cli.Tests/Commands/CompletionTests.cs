using System.Diagnostics;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>Each shell itself loads what <c>nativesync completion</c> prints for it, and offers the options of the table.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("bash", "source ./c; COMP_WORDS=(nativesync sync --exc); COMP_CWORD=2; _nativesync; printf '%s\\n' \"${COMPREPLY[@]}\"; COMP_WORDS=(nativesync ver); COMP_CWORD=1; _nativesync; printf '%s\\n' \"${COMPREPLY[@]}\"")]
    [InlineData("zsh", "setopt no_rcs; compadd() { print -l -- $@ }; _arguments() { for a; do [[ $a == '*--exc'* ]] && print -- ${${a#\\*}%%\\[*}; done }; words=(nativesync ver); CURRENT=2; . ./c; words=(nativesync sync --exc); CURRENT=3; . ./c")]
    [InlineData("fish", "source ./c; complete -C 'nativesync sync --exc' | string split -f1 \\t; complete -C 'nativesync ver' | string split -f1 \\t")]
    public async Task TheShellOffersTheOptionsOfTheTable(string shell, string script)
    {
        using TemporaryDirectory directory = new();
        (int code, string text, _) = await NativeSyncRun.RunAsync("completion", shell);
        Assert.Equal(0, code);
        await File.WriteAllTextAsync($"{directory.Path}/c", text);
        using Process process = Process.Start(new ProcessStartInfo(shell, ["-c", script]) { WorkingDirectory = directory.Path, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["HOME"] = directory.Path } })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string[] offered = [.. (await process.StandardOutput.ReadToEndAsync()).Split('\n').Select(static line => line.TrimEnd('='))];
        await process.WaitForExitAsync();
        Assert.True(offered.Contains("--exclude") && offered.Contains("--exclude-from") && offered.Contains("verify") && !offered.Contains("--include"), string.Join('\n', offered) + await errors);
        Assert.Equal("", await errors);
        Assert.All(OptionTable.All.Where(static option => !option.Hidden && option.Relation != Relation.Lacks && option.Long.Length > 0), option => Assert.Contains(option.Long, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnotherShellIsRefused() => Assert.Equal(1, (await NativeSyncRun.RunAsync("completion", "ksh")).ExitCode);
}
