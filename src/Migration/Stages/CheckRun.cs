using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>--check: looks at everything that can be known from here, and changes nothing.</summary>
public static class CheckRun
{
    /// <summary>All lines, in the order they were found.</summary>
    public static async Task<IReadOnlyList<CheckLine>> RunAsync(ToolDirectory tool, MigrationConfiguration configuration, MigrationServices services, CancellationToken ct)
    {
        (UserSettings user, ClientSettings client) = (configuration.User, configuration.Client);
        services.Log.Hide(user.SecretKey);
        List<CheckLine> lines = [new(CheckVerdict.Ok, "configuration", $"{UserSettings.FileName}, {ClientSettings.FileName} and {ExcludesFile.FileName} are in order")];
        lines.AddRange(configuration.Warnings.Select(w => new CheckLine(CheckVerdict.Warn, "configuration", w.ToString())));
        try
        {
            int rules = services.ReadExcludes(configuration.Excludes).Count;
            lines.Add(new(CheckVerdict.Ok, ExcludesFile.FileName, $"{rules} rules"));
        }
        catch (Exception e) when (e is ConfigException or FormatException or MigrationException)
        {
            lines.Add(new(CheckVerdict.Fail, ExcludesFile.FileName, e.Message));
        }

        List<DiskAssignment> disks = [];
        bool isGateway = false;
        Instance? instance = null;
        try
        {
            using TencentApiClient api = services.OpenApi(configuration, tool);
            instance = await new CvmClient(api).DescribeInstanceAsync(user.InstanceId, ct).ConfigureAwait(false);
            lines.Add(new(CheckVerdict.Ok, "API", $"answers, and accepts the key from {api.CredentialOrigin}"));
            AddClock(lines, api.ClockSkew);
            isGateway = client.Mode == NetworkMode.Gateway;
            if (instance is null)
            {
                lines.Add(new(CheckVerdict.Fail, user.InstanceId, $"not found in {user.Region}", "check InstanceId and Region in user.json"));
            }
            else
            {
                lines.AddRange(Preflight.Instance(instance, user, client));
                disks = FindInstanceStep.Disks(instance, user);
                List<SecurityGroupPolicySet> groups = [];
                foreach (string id in instance.SecurityGroupIds ?? [])
                {
                    groups.Add(await new VpcClient(api).DescribeSecurityGroupPoliciesAsync(id, ct).ConfigureAwait(false));
                }

                lines.AddRange(Preflight.Ports(groups, client, services.AddressTowards(instance, client)));
                if (!isGateway && instance.InstanceState == InstanceStates.Running && Preflight.AddressOf(instance, client) is { } host)
                {
                    await AddWayAsync(lines, services, new RescueAddress(host, client.SshPort), ct).ConfigureAwait(false);
                }
            }
        }
        catch (CloudException e) when (client.Mode == NetworkMode.Gateway && e.Code is CloudErrors.Network or CloudErrors.Timeout)
        {
            lines.Add(new(CheckVerdict.Warn, "API", "not within reach, so this is taken for the source of scenario 1", "run --check on the gateway too"));
        }
        catch (Exception e) when (e is CloudException or ConfigException)
        {
            lines.Add(new(CheckVerdict.Fail, "API", e.Message));
        }

        if (isGateway)
        {
            lines.Add(new(CheckVerdict.Warn, "this server", "taken for the gateway of scenario 1, since the API answers: what the source needs is not looked at", "run --check on the source too"));
        }
        else
        {
            bool system = client.SourceRoot == "/" || services.Source.IsDirectory(client.SourceRoot + "/boot");
            SourceFacts? facts = system ? services.Source.Facts(client.SourceRoot) : null;
            lines.AddRange(SourceCheck.Lines(configuration, services, tool.Path, disks, facts));
            AddDistribution(lines, facts?.Distribution, instance?.OsName);
        }

        foreach (CheckLine line in lines)
        {
            services.Log.Info($"check: {line.Verdict}: {line}");
        }

        return lines;
    }

    /// <summary>Security groups are not all that may lie in between. What answers now is the instance's own system, so silence proves nothing.</summary>
    private static async Task AddWayAsync(List<CheckLine> lines, MigrationServices services, RescueAddress address, CancellationToken ct)
    {
        const string subject = "way to the instance";
        bool answers;
        try
        {
            answers = await services.Reachability.AnswersAsync(address.Host, address.Port, TimeSpan.FromSeconds(5), ct).ConfigureAwait(false);
        }
        catch (TransportException e)
        {
            lines.Add(new(CheckVerdict.Fail, subject, e.Message, SshWay.Advice));
            return;
        }

        lines.Add(answers
            ? new(CheckVerdict.Ok, subject, $"{address} answers")
            : new(CheckVerdict.Warn, subject, $"{address} does not answer from here, though the instance runs", "make sure that no firewall or network ACL in between closes that port, unless the instance's own system does not listen there"));
    }

    /// <summary>The guide recommends the same on both sides: the console and what is made of the disks later go by the image.</summary>
    private static void AddDistribution(List<CheckLine> lines, string? source, string? destination)
    {
        if (source is null || string.IsNullOrEmpty(destination))
        {
            return;
        }

        // "SLES" calls itself by its initials, and the console by its name.
        string word = source.StartsWith("SLE", StringComparison.Ordinal) ? "SUSE" : source.Split(' ')[0];
        lines.Add(destination.Contains(word, StringComparison.OrdinalIgnoreCase)
            ? new(CheckVerdict.Ok, "operating system", $"{source}, as the destination ({destination})")
            : new(CheckVerdict.Warn, "operating system", $"{source}, and the destination is shown as {destination}, also afterwards", $"reinstall the destination with {source} before the migration, if that matters"));
    }

    private static void AddClock(List<CheckLine> lines, TimeSpan? skew)
    {
        if (skew is { } off)
        {
            lines.Add(off.Duration() < TimeSpan.FromMinutes(1)
                ? new(CheckVerdict.Ok, "clock", "agrees with the API's")
                : new(off.Duration() < TimeSpan.FromMinutes(5) ? CheckVerdict.Warn : CheckVerdict.Fail, "clock", $"off by {(int)off.Duration().TotalMinutes} min {off.Duration().Seconds} s", "set it, for example by chronyd -q"));
        }
    }
}
