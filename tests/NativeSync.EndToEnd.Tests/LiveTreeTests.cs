using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>A tree in which nothing stays where it is arrives in passes; the last one, with whoever writes stopped, makes both equal.</summary>
public sealed class LiveTreeTests(SharedServer server) : IClassFixture<SharedServer>
{
    /// <summary>Makes, renames and removes files and directories, links and changes them, each without a pause, until somebody says stop.</summary>
    private const string Writer = """
        import os, random, shutil, sys, threading
        root, base = sys.argv[1], os.path.dirname(sys.argv[1])
        random.seed(1)

        def work(number):
            r = random.Random(number); top = f'{root}/{number}'; n = 0; os.makedirs(top)
            def any_directory():
                found = [d for d, _, _ in os.walk(top)]; return found[r.randrange(len(found))]
            while not os.path.exists(base + '/stop'):
                n += 1; d = any_directory(); names = sorted(os.listdir(d)); one = f'{d}/{names[r.randrange(len(names))]}' if names else None
                kind = r.randrange(12)
                try:
                    if kind < 4 or not one:
                        with open(f'{d}/f{n}', 'wb') as f: f.write(os.urandom(r.choice((0, 10, 3000, 70000))))
                    elif kind == 4 and d.count('/') < root.count('/') + 6: os.mkdir(f'{d}/d{n}')
                    elif kind == 5: os.rename(one, f'{any_directory()}/r{n}')
                    elif kind == 6 and os.path.isfile(one): os.remove(one)
                    elif kind == 7 and os.path.isdir(one) and not os.path.islink(one): shutil.rmtree(one)
                    elif kind == 8: os.symlink(one, f'{d}/l{n}')
                    elif kind == 9 and os.path.isfile(one): os.link(one, f'{d}/h{n}')
                    elif kind == 10 and os.path.isfile(one):
                        with open(one, 'ab') as f: f.write(b'x' * r.randrange(5000))
                    elif kind == 11 and len(names) > 12: [os.remove(f'{d}/{x}') for x in names if not os.path.isdir(f'{d}/{x}')]
                except OSError: pass
                if n == 300: open(f'{base}/ready{number}', 'w').close()
                if n > 300: threading.Event().wait(0.0005)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        [t.start() for t in threads]; [t.join() for t in threads]
        open(base + '/stopped', 'w').close()
        """;

    [Theory]
    [InlineData("push", "-aH")]
    [InlineData("pull", "-aH --detect-renamed")]
    public async Task ADirectoryUnderConstantChangeIsEqualWhenTheWriterStops(string direction, string options)
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await File.WriteAllTextAsync(scratch["writer.py"], Writer);
        string root = scratch.Root;
        Directory.CreateDirectory(scratch["src"]);
        string[] words =
        [
            .. options.Split(' '), "--delete", "--until-converged=1", "--max-passes=4", "--hook-timeout=60", "--json",
            $"--before-last=touch '{root}/stop'; while [ ! -e '{root}/stopped' ]; do sleep 0.05; done",
        ];
        Task<CommandResult> writer = Command.RunAsync(["python3", scratch["writer.py"], scratch["src"]]);
        CommandResult result;
        try
        {
            await Command.ShellAsync($"while [ ! -e '{root}/ready0' ] || [ ! -e '{root}/ready1' ] || [ ! -e '{root}/ready2' ]; do sleep 0.05; done");
            result = direction == "push"
                ? await run.PushAsync(scratch["src"] + "/", scratch["dst"], words)
                : await run.PullAsync(scratch["src"] + "/", scratch["dst"], _ => Task.CompletedTask, words);
        }
        finally
        {
            await File.WriteAllTextAsync(scratch["stop"], "");
            (await writer).MustExit(0);
        }

        result.MustExit(0);
        Assert.Equal(4, RemoteRun.EventsOf(result, "pass").Count);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }
}
