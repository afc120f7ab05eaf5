using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Trouble with the source: kept here, and told to the receiver, which must not delete anything after it.</summary>
internal static class SenderProblems
{
    public static void Report(SyncContext context, in SyncProblem problem)
    {
        context.Problems.Add(problem);
        using var scope = context.Outbox.Enter(Records.ProblemBound(problem.Path.Length));
        var writer = new WireWriter(scope.Room);
        Records.WriteProblem(ref writer, RecordType.Problem, problem.Errno, problem.Operation, problem.Warning ? ProblemFlags.Warning : 0, problem.Path, problem.Detail);
        scope.Commit(writer.Position);
    }
}
