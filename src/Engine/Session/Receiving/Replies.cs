using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>The short records by which a receiver answers. docs/protocol.md, "Records of the receiver".</summary>
internal static class Replies
{
    public static void Answer(this RecordOutbox outbox, int directory, Verdict verdict)
    {
        using var scope = outbox.Enter(Records.AnswerBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteAnswer(ref writer, directory, verdict);
        scope.Commit(writer.Position);
    }

    public static void Want(this RecordOutbox outbox, int directory, int index)
    {
        using var scope = outbox.Enter(Records.WantBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteWant(ref writer, directory, index);
        scope.Commit(writer.Position);
    }

    public static void Settled(this RecordOutbox outbox, int directory)
    {
        using var scope = outbox.Enter(Records.SettledBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteSettled(ref writer, directory);
        scope.Commit(writer.Position);
    }
}
