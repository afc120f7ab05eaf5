namespace NativeSync.Transport;

/// <summary>A file that is read only as fast as its bytes may be sent.</summary>
/// <param name="path">The file.</param>
/// <param name="pace">Waits until some of so many bytes may go, and gives how many; null for no limit.</param>
internal sealed class PacedFile(string path, Func<int, CancellationToken, ValueTask<int>>? pace) : FileStream(path, FileMode.Open, FileAccess.Read)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = (int)Math.Min(buffer.Length, Length - Position);
        if (pace is not null && wanted > 0)
        {
            wanted = await pace(wanted, cancellationToken).ConfigureAwait(false);
        }

        return await base.ReadAsync(buffer[..wanted], cancellationToken).ConfigureAwait(false);
    }
}
