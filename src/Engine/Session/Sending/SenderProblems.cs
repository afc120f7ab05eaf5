using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Trouble with the source: kept here, and told to the receiver, which must not delete anything after it.</summary>
internal static class SenderProblems
{
    /// <summary>A directory cannot be read, which costs nothing but a warning where it has vanished.</summary>
    /// <param name="context">Of the session.</param>
    /// <param name="path">The directory.</param>
    /// <param name="error">-errno.</param>
    public static void Unreadable(SyncContext context, byte[] path, int error) => Report(
        context, new SyncProblem(Operation.ReadDirectory, -error, path, OnSource: true, Warning: error == -Errno.ENOENT && path.Length > 0));

    public static void Report(SyncContext context, in SyncProblem problem)
    {
        context.Problems.Add(problem);
        using var scope = context.Outbox.Enter(Records.ProblemBound(problem.Path.Length));
        var writer = new WireWriter(scope.Room);
        Records.WriteProblem(ref writer, RecordType.Problem, problem.Errno, problem.Operation, problem.Warning ? ProblemFlags.Warning : 0, problem.Path, problem.Detail);
        scope.Commit(writer.Position);
    }
}
