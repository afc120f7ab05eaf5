using System.Diagnostics;
using System.Net.Sockets;
using NativeSync.Engine;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;
using NativeSync.Transport;

namespace NativeSync.Cli.Rehearse;

/// <summary>A "rescue system" without SSH: the agent is a child process. For machines without sshd.</summary>
internal sealed class LocalRescueConnector : IRescueConnector
{
    public Task<IRescueSystem> ConnectAsync(RescueAddress address, RescueCredentials credentials, CancellationToken ct)
        => Task.FromResult<IRescueSystem>(new LocalRescueSystem());

    private sealed class LocalRescueSystem : IRescueSystem
    {
        public string HostKey => "";

        public string HostKeyFingerprint => "";

        public Task<IConnection> StartAgentAsync(CancellationToken ct)
            => Task.FromResult<IConnection>(ChildProcessConnection.Serve(AgentImage.Self()));

        public Task<string> AgentPathAsync(CancellationToken ct) => Task.FromResult(Environment.ProcessPath ?? "nativesync");

        public async Task<RescueCommandResult> RunAsync(string script, CancellationToken ct)
        {
            ProcessStartInfo start = new("/bin/sh", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start) ?? throw new IOException("/bin/sh did not start");
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync(ct);
            string output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return new RescueCommandResult(process.ExitCode, output, await error);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>What stands behind the simulated instance whose disks are a directory: sshd while it is in rescue mode or running, or only an open port.</summary>
internal sealed class RehearsalBacking(RescueSshd? sshd) : IInstanceBacking, IAsyncDisposable
{
    private readonly ReservedPort? _port = sshd is null ? new() : null;
    private AnsweringPort? _answering;

    /// <summary>Port of 127.0.0.1.</summary>
    public int Port => sshd?.Port ?? _port!.Number;

    public async Task<RescueEndpoint> EnterRescueAsync(string user, string password, CancellationToken ct)
    {
        if (sshd is not null)
        {
            await sshd.StartAsync(ct);
        }

        return new RescueEndpoint("127.0.0.1", Port);
    }

    public Task ExitRescueAsync(CancellationToken ct) => sshd?.StopAsync() ?? Task.CompletedTask;

    public async Task StartAsync(CancellationToken ct)
    {
        if (sshd is not null)
        {
            await sshd.StartAsync(ct);
            return;
        }

        _answering = new AnsweringPort(Port);
    }

    public Task StopAsync(CancellationToken ct) => ExitRescueAsync(ct);

    public async ValueTask DisposeAsync()
    {
        _answering?.Dispose();
        _port?.Dispose();
        if (sshd is not null)
        {
            await sshd.DisposeAsync();
        }
    }
}
