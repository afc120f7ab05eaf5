using NativeSync.Engine;

namespace NativeSync.Migration.Stages;

/// <summary>Follow the changes of the file systems over the passes of one run, each its own; a run that goes on later begins anew.</summary>
/// <param name="count">How many file systems; 0 to follow none.</param>
internal sealed class Followers(int count) : IDisposable
{
    private readonly ChangeFollower?[] _all = new ChangeFollower?[count];

    /// <summary>That of one file system, right before its pass.</summary>
    public ChangeFollower? Of(int index)
    {
        if (index >= _all.Length)
        {
            return null;
        }

        ChangeFollower follower = _all[index] ??= new ChangeFollower();
        follower.Narrow();
        return follower;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ChangeFollower? follower in _all)
        {
            follower?.Dispose();
        }
    }
}
