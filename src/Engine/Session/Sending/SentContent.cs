namespace NativeSync.Engine.Session.Sending;

/// <summary>Remembers what was sent of a file until the receiver says what became of it, when the observer wants to know.</summary>
internal static class SentContent
{
    public static void Remember(SyncContext context, in SenderWork work, long bytes, UInt128 digest)
    {
        if (context.Observer is null || !context.Options.ReportContent)
        {
            return;
        }

        lock (work.Directory)
        {
            (work.Directory.Sent ??= [])[work.Index] = (bytes, digest);
        }
    }

    public static (long Bytes, UInt128 Digest)? Of(SenderDirectory directory, int index)
    {
        lock (directory)
        {
            return directory.Sent is { } sent && sent.TryGetValue(index, out var found) ? found : null;
        }
    }
}
