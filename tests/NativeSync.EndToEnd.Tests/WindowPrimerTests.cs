using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>What goes over a long line for nothing while logging in, so that TCP's window is open when sending begins. The tree has one small file.</summary>
public sealed class WindowPrimerTests
{
    /// <summary>A login, the session's frames and their packets: more is for nothing.</summary>
    private const int Needed = 40 << 10;

    private static readonly LineShape Long = new(100_000_000, TimeSpan.FromMilliseconds(100));

    /// <summary>A round trip of 20 Mbit/s is 250 KB. Ten packets, doubled at each of three round trips, would be 210 KB.</summary>
    [Fact]
    public Task WhoSendsOverALongLineOpensTheWindowByNoMoreThanARoundTripOf20Mbit() => OpensAsync();

    /// <summary>Messages of other lengths, with codes of their own.</summary>
    [Theory]
    [InlineData("Ciphers aes128-ctr", "MACs hmac-sha2-512-etm@openssh.com")]
    [InlineData("Ciphers aes256-cbc", "MACs hmac-sha2-256")]
    [InlineData("Ciphers chacha20-poly1305@openssh.com", "RekeyLimit 64K")]
    public Task WhateverTheServerEnciphersWithItIsDoneInTheSameWay(params string[] server) => OpensAsync(server);

    [Theory]
    [InlineData("--bwlimit=1000")]
    [InlineData("--dry-run")]
    public async Task WhoHasALimitOrNothingToSendSpendsNothing(string option) => Assert.InRange(await SentAsync(Long, [option]), 1, Needed);

    [Fact]
    public async Task WhoFetchesSpendsNothing() => Assert.InRange(await SentAsync(Long, push: false), 1, Needed);

    [Fact]
    public async Task OnAShortLineNothingIsSpent() => Assert.InRange(await SentAsync(Long with { RoundTrip = TimeSpan.FromMilliseconds(20) }), 1, Needed);

    /// <summary>256 kbit/s: a window of ten packets is half a second of the line, and waits in its queue.</summary>
    [Fact]
    public async Task AThinLineIsNotFilled() => Assert.InRange(await SentAsync(new LineShape(256_000, TimeSpan.FromMilliseconds(100)) { Queue = TimeSpan.FromSeconds(2) }), 1, 24 * 1500 + Needed);

    /// <summary>Where this machine holds the line up for a moment it looks full, and is left alone: one of three times it does not.</summary>
    private static async Task OpensAsync(params string[] server)
    {
        long sent = 0;
        for (int attempt = 0; attempt < 3 && sent < 100_000; attempt++)
        {
            sent = await SentAsync(Long, server: server);
            Assert.InRange(sent, 1, 250_000 * 1.1 + Needed);
        }

        Assert.True(sent >= 100_000, $"{sent} bytes at best");
    }

    /// <summary>Bytes that arrive at the far end in a run which sends or fetches one small file.</summary>
    private static async Task<long> SentAsync(LineShape shape, string[]? options = null, bool push = true, string[]? server = null)
    {
        await using LongLine line = await LongLine.OpenAsync(shape);
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { Line = line, OverrideLines = server ?? [] });
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["src"]);
        await File.WriteAllTextAsync(Path.Combine(scratch["src"], "file"), "small");
        string there = $"{PrivateSshd.User}@{sshd.Address}:";
        (string from, string to) = (scratch["src"] + "/", scratch["dst"] + "/");
        CommandResult sync = await Command.RunAsync([.. line.Near, Tool.Path, "sync", .. Tool.OptionsFor(sshd), "--rsync-path", Tool.Path, "-a", .. options ?? [],
            push ? from : there + from, push ? there + to : to]);
        Assert.True(sync.ExitCode == 0, sync.ToString());
        Assert.Equal(options is not ["--dry-run"], File.Exists(Path.Combine(scratch["dst"], "file")));
        return line.Bytes.There;
    }
}
