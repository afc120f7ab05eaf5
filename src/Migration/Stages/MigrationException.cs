namespace NativeSync.Migration.Stages;

/// <summary>The migration cannot go on. The message is what and where, the advice what to do.</summary>
public sealed class MigrationException : Exception
{
    /// <summary>Creates it.</summary>
    public MigrationException(string message, string advice, Exception? inner = null)
        : base(advice.Length == 0 ? message : $"{message}: {advice}", inner)
    {
        Advice = advice;
    }

    /// <summary>What to do.</summary>
    public string Advice { get; }
}
