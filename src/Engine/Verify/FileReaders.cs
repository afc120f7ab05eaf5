using System.Threading.Channels;
using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>The threads that read and hash files. A directory is queued once for each reader that may help with it.</summary>
internal sealed class FileReaders(ISystemCalls io, int count, DigestIndex? digests)
{
    private readonly Channel<ManifestDirectory> _queue = Channel.CreateUnbounded<ManifestDirectory>(); // bounded by the walker's own limit
    private long _files;
    private long _bytes;

    /// <summary>Files and bytes hashed so far; any thread may ask.</summary>
    public (long Files, long Bytes) Progress => (Interlocked.Read(ref _files), Interlocked.Read(ref _bytes));

    public void Enqueue(ManifestDirectory directory)
    {
        int helpers = Math.Min(count, directory.FilesToRead);
        for (int i = 0; i < helpers; i++)
        {
            directory.AddWorker();
            _queue.Writer.TryWrite(directory);
        }
    }

    /// <summary>No more directories come.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    public Task RunAsync(CancellationToken ct) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => Task.Run(() => ReadAsync(ct), CancellationToken.None)));

    private async Task ReadAsync(CancellationToken ct)
    {
        ContentHasher hasher = new(io);
        try
        {
            await foreach (ManifestDirectory directory in _queue.Reader.ReadAllAsync(ct).ConfigureAwait(false))
            {
                try
                {
                    int index;
                    while ((index = directory.TakeNext()) >= 0)
                    {
                        long before = hasher.Hashed;
                        ReadFile(directory, index, hasher, ct);
                        Interlocked.Increment(ref _files);
                        Interlocked.Add(ref _bytes, hasher.Hashed - before);
                    }
                }
                finally
                {
                    directory.Done();
                }
            }
        }
        finally
        {
            Drain();
        }
    }

    /// <summary>Lets go of what nobody reads any more, so that its handles close.</summary>
    public void Drain()
    {
        while (_queue.Reader.TryRead(out ManifestDirectory? left))
        {
            left.Done();
        }
    }

    private void ReadFile(ManifestDirectory directory, int index, ContentHasher hasher, CancellationToken ct)
    {
        int fd = io.OpenAt(directory.Handle!.Fd, directory.Listing.Name(index), OpenFlags.Read | OpenFlags.NonBlocking | OpenFlags.NoAccessTime);
        if (fd == -Errno.EPERM)
        {
            fd = io.OpenAt(directory.Handle!.Fd, directory.Listing.Name(index), OpenFlags.Read | OpenFlags.NonBlocking); // not ours: O_NOATIME is refused
        }

        if (fd < 0)
        {
            Operation operation = fd == -Errno.ENOENT ? Operation.Vanished : Operation.Open;
            directory.AddFault(new ManifestFault(index, operation, -fd, Warning: operation == Operation.Vanished));
            return;
        }

        try
        {
            ReadFile(fd, directory, index, hasher, ct);
        }
        finally
        {
            io.Close(fd);
        }
    }

    private void ReadFile(int fd, ManifestDirectory directory, int index, ContentHasher hasher, CancellationToken ct)
    {
        ref readonly FileIdentity identity = ref directory.Listing.Identity(index);
        int error = io.Stat(fd, out FileStatus before);
        if (error < 0 || !before.IsRegular || before.Inode != identity.Inode)
        {
            directory.AddFault(new ManifestFault(index, Operation.Changed, error < 0 ? -error : 0, Warning: error >= 0));
            return;
        }

        UInt128 digest = default;
        bool known = digests is not null && digests.TryGet(before, out digest);
        long began = digests?.Now ?? 0;
        error = known ? 0 : hasher.Hash(fd, before.Blocks * 512 < before.Size, out digest, ct);
        if (error < 0)
        {
            directory.AddFault(new ManifestFault(index, Operation.Read, -error, Warning: false));
            return;
        }

        error = io.Stat(fd, out FileStatus after);
        if (!known && error >= 0 && after.IsSameVersion(before))
        {
            digests?.Put(before, digest, began);
        }

        ref readonly EntryMetadata listed = ref directory.Listing.Metadata(index);
        if (error < 0 || after.Changed != identity.Changed || after.Modified != listed.Modified || after.Size != listed.Size)
        {
            directory.AddFault(new ManifestFault(index, Operation.Changed, 0, Warning: true));
        }

        directory.Digests[index] = digest;
        directory.HasDigest[index] = true;
        if (directory.Links?[index] is { } file)
        {
            file.Digest = digest;
            file.HasDigest = true;
        }
    }
}
