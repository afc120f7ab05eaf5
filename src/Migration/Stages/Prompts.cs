namespace NativeSync.Migration.Stages;

/// <summary>The sentences of the online-migration guide, word for word: scripts look for them.</summary>
public static class Prompts
{
    /// <summary>Scenario 1, after stage 1.</summary>
    public const string Stage1Finished = "Stage 1 is finished and please run next stage at source machine.";

    /// <summary>Scenario 1, after stage 2.</summary>
    public const string Stage2Finished = "Stage 2 is finished and please run next stage at gateway machine.";

    /// <summary>The end.</summary>
    public const string Success = "Migrate successfully.";

    /// <summary>When the instance stays in migration mode.</summary>
    public const string ExecuteClean = "Please execute '--clean' option manually.";

    /// <summary>What a stage is called.</summary>
    public static string StageTitle(int stage) => stage switch
    {
        1 => "Stage 1: initialize the remote instance.",
        2 => "Stage 2: transfer data.",
        _ => "Stage 3: release the remote instance.",
    };
}
