using NativeSync.Engine;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Stages;

/// <summary>
/// The bandwidth limit of the moment: what client.json said in the beginning, and what it says since the user has changed it, while the passes run.
/// </summary>
/// <remarks>Asked by one timer at a time.</remarks>
internal sealed class BandwidthWatch(string file, BandwidthPlan plan, TimeProvider time, Action<string> tell)
{
    private BandwidthPlan _plan = plan;

    /// <summary>At first none: the file may have changed between the reading of the plan and the first question, hours later.</summary>
    private DateTime _seen;

    /// <summary>Bytes a second, 0 for none. A file that is gone, or makes no sense while somebody writes it, changes nothing.</summary>
    public long Now()
    {
        DateTime local = time.GetLocalNow().DateTime;
        try
        {
            DateTime written = File.GetLastWriteTimeUtc(file);
            if (written != _seen)
            {
                BandwidthPlan plan = ClientSettings.Parse(File.ReadAllBytes(file), []).Bandwidth;
                _seen = written;
                if (plan.At(local) != _plan.At(local))
                {
                    tell($"{ClientSettings.FileName} has changed: Client.Rsync.BandwidthLimit is {plan.At(local) / 1024} KBytes a second now (0: none)");
                }

                _plan = plan;
            }
        }
        catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
        {
            // Looked at again the next time.
        }

        return _plan.At(local);
    }
}
