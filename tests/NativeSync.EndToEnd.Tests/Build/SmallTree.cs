using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>A tree that is small but takes every path through the file system layer: types, links, holes, owners, times.</summary>
internal static class SmallTree
{
    /// <summary>Makes the tree.</summary>
    public static Task MakeAsync(string path) => Command.ShellAsync($"""
        mkdir -p '{path}/a/b/empty' && cd '{path}'
        printf hello > a/hello
        : > a/nothing
        head -c 3000000 /dev/urandom > a/b/large
        truncate -s 50000000 a/holes; printf end >> a/holes
        ln -s ../nowhere a/link
        ln a/hello a/b/same
        mkfifo a/fifo
        mknod a/device c 1 3
        chown 1234:5678 a/nothing; chmod 4755 a/nothing; chmod 0 a/b/empty
        i=0; while [ $i -lt 300 ]; do echo $i > "a/b/file-$i"; i=$((i+1)); done
        touch -h -d '1965-03-02 01:02:03.123456789' a/link a/hello a/b
        """);

    /// <summary>Changes a part of it, as a second run would find it.</summary>
    public static Task ChangeAsync(string path) => Command.ShellAsync($"""
        cd '{path}'
        printf changed | dd of=a/b/large bs=1 seek=1000000 conv=notrunc status=none
        rm a/b/file-7; echo new > a/new; chmod 600 a/b/file-8
        """);

    /// <summary>rsync is the judge: it must find nothing to do.</summary>
    public static async Task MustBeEqualAsync(string expected, string actual)
    {
        CommandResult judge = (await Command.RunAsync(["rsync", "-naHci", "--delete", expected + "/", actual + "/"])).MustExit(0);
        Assert.Equal("", judge.Output);
    }
}
