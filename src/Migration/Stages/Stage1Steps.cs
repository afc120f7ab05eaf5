using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Finds the instance and decides which disk takes what.</summary>
internal sealed class FindInstanceStep : Step
{
    public override string Name => "find-instance";

    public override string Title => "Find the destination instance";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        Instance instance = await context.DescribeAsync(ct).ConfigureAwait(false);
        Checks.Demand(context, Preflight.Instance(instance, context.User, context.Client));
        context.State.StateBefore = instance.InstanceState;
        context.State.RequestBefore = instance.LatestOperationRequestId;
        context.State.Address = Preflight.AddressOf(instance, context.Client);
        context.State.Disks = Disks(instance, context.User);
        return $"{instance.InstanceId} ({instance.OsName}, {instance.InstanceState}) at {context.State.Address}";
    }

    /// <summary>The disk of each index: the n-th data disk is the n-th that DescribeInstances lists.</summary>
    internal static List<DiskAssignment> Disks(Instance instance, UserSettings user)
    {
        List<DiskAssignment> disks = [new() { Index = 0, DiskId = instance.SystemDisk?.DiskId ?? "", SizeGiB = instance.SystemDisk?.DiskSize ?? 0 }];
        foreach (DataDisk disk in user.DataDisks)
        {
            if (instance.DataDisks is { } list && disk.Index <= list.Count)
            {
                disks.Add(new() { Index = disk.Index, DiskId = list[disk.Index - 1].DiskId ?? "", SizeGiB = list[disk.Index - 1].DiskSize ?? 0 });
            }
        }

        return disks;
    }
}

/// <summary>Looks whether the data port is open.</summary>
internal sealed class CheckPortsStep : Step
{
    public override string Name => "check-ports";

    public override string Title => "Check the security groups";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        Instance instance = await context.DescribeAsync(ct).ConfigureAwait(false);
        List<SecurityGroupPolicySet> groups = await Checks.GroupsAsync(context, instance, ct).ConfigureAwait(false);
        Checks.Demand(context, Preflight.Ports(groups, context.Client, context.Services.AddressTowards(instance, context.Client)));
        return groups.Count == 0 ? "none bound" : $"port {context.Client.SshPort} is not barred";
    }
}

/// <summary>Looks at this machine; in scenario 1 stage 1 runs on the gateway, and the source is looked at in stage 2.</summary>
internal sealed class CheckSourceStep : Step
{
    public override string Name => "check-source";

    public override string Title => "Check this server";

    public override Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (context.Client.IgnoreCheck)
        {
            return Task.FromResult("skipped, as Client.Extra.IgnoreCheck asks");
        }

        SourceFacts facts = context.Services.Source.Facts(context.Client.SourceRoot);
        context.State.HasTatAgent = facts.HasTatAgent;
        List<CheckLine> lines = SourceCheck.Lines(context.Configuration, context.Services, context.Tool.Path, context.State.Disks, facts.Kernels.Count > 0 || context.Client.SourceRoot == "/" ? facts : null);
        lines.RemoveAll(l => l.Subject == "file systems"); // Said when the disks are prepared.
        Checks.Demand(context, lines);
        return Task.FromResult("nothing stands in the way");
    }
}

/// <summary>Asks the API to boot the rescue system, with a password made here and kept in the state before it is used.</summary>
internal sealed class EnterRescueStep : Step
{
    public override string Name => "enter-migration-mode";

    public override string Title => "Bring the instance into migration mode";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        // A password of an earlier run may be the one that the instance has been given: it is kept.
        bool mayHaveBeenCalled = begunBefore && context.State.Rescue is not null;
        if (!mayHaveBeenCalled)
        {
            await InstanceAction.RememberRequestAsync(context, ct).ConfigureAwait(false);
            context.State.Rescue = new RescueAccess { User = context.Client.SshUser, Password = RescuePassword.Generate() };
            context.Log.Hide(context.State.Rescue.Password);
            context.Save();
        }

        RescueAccess access = context.State.Rescue!;
        return await InstanceAction.OnceAsync(
            context, "EnterRescueMode", [InstanceStates.EnterRescueMode, InstanceStates.RescueMode], mayHaveBeenCalled,
            () => context.Cvm.EnterRescueModeAsync(context.User.InstanceId, access.User, access.Password, ct), ct).ConfigureAwait(false);
    }
}

/// <summary>Waits for the rescue system.</summary>
internal sealed class WaitRescueStep : Step
{
    public override string Name => "wait-migration-mode";

    public override string Title => "Wait for migration mode";

    public override Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
        => InstanceWait.ForAsync(context, Title, "EnterRescueMode", "enter-migration-mode", InstanceStates.RescueMode, InstanceStates.EnterRescueMode, TimeSpan.FromMinutes(3), ct);
}

/// <summary>What several steps do with check lines.</summary>
internal static class Checks
{
    /// <summary>Shows the warnings, and ends the run at failures.</summary>
    public static void Demand(RunContext context, List<CheckLine> lines)
    {
        foreach (CheckLine line in lines)
        {
            if (line.Verdict == CheckVerdict.Warn)
            {
                context.Observer.Warn(line.ToString());
            }
            else
            {
                context.Log.Info($"{line.Verdict}: {line}");
            }
        }

        List<CheckLine> failed = lines.FindAll(l => l.Verdict == CheckVerdict.Fail);
        if (failed.Count > 0)
        {
            throw new MigrationException(string.Join('\n', failed), "");
        }
    }

    /// <summary>The rules of the groups that are bound to an instance.</summary>
    public static async Task<List<SecurityGroupPolicySet>> GroupsAsync(RunContext context, Instance instance, CancellationToken ct)
    {
        List<SecurityGroupPolicySet> groups = [];
        foreach (string id in instance.SecurityGroupIds ?? [])
        {
            groups.Add(await context.Vpc.DescribeSecurityGroupPoliciesAsync(id, ct).ConfigureAwait(false));
        }

        return groups;
    }
}
