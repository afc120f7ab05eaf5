namespace NativeSync.Migration.Stages;

/// <summary>
/// One named part of the migration. The run writes its intent before and its outcome after. A step that was begun by a run
/// which then died is told so, and must first find out what has happened.
/// </summary>
internal abstract class Step
{
    /// <summary>Name in the state file; never changed once released.</summary>
    public abstract string Name { get; }

    /// <summary>What the user sees.</summary>
    public abstract string Title { get; }

    /// <summary>Done in every run of its stage, since it prepares this process and not the destination.</summary>
    public virtual bool EveryRun => false;

    /// <summary>Of one that an earlier run finished: whether that holds.</summary>
    public virtual bool IsStillDone(RunContext context) => true;

    /// <summary>Does it.</summary>
    /// <param name="context">The run.</param>
    /// <param name="begunBefore">An earlier run wrote the intent and no outcome.</param>
    /// <param name="ct">Cancelled by the user.</param>
    /// <returns>What came out, in a few words.</returns>
    public abstract Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct);
}
