using System.Globalization;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Simulator;

namespace NativeSync.Migration.Tests;

/// <summary>A migration may take longer than temporary credentials live: 24 hours, by a clock that the test turns.</summary>
public sealed class CredentialsOfADayTests
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task ADayOfCallsIsSignedByCredentialsThatAreFetchedBeforeTheyExpire()
    {
        await using CloudSimulator simulator = new(
            new SimulatorOptions { SecretId = "AKIDexample", SecretKey = Harness.SecretKey, Role = "migration-role", Time = _clock }, Harness.NewInstance());
        using MigrationLog log = new(null, MigrationLogLevel.Error, _clock);
        using TencentApiClient api = new(
            new CredentialProvider(new Uri(simulator.Endpoint), _clock, _ => { }), Harness.Region, new ClientSettings { ApiEndpoint = simulator.Endpoint }, "/", _clock, log);
        CvmClient cvm = new(api);
        int calls = 0;
        for (TimeSpan passed = TimeSpan.Zero; passed < Day; passed += TimeSpan.FromMinutes(3))
        {
            Assert.Equal(InstanceStates.Running, await cvm.DescribeStateAsync(Harness.InstanceId, CancellationToken.None));
            calls++;
            _clock.Advance(TimeSpan.FromMinutes(3));
        }

        // They live for an hour. None was refused, and none was fetched without need.
        Assert.Equal(calls, simulator.Calls["DescribeInstancesStatus"]);
        Assert.InRange(simulator.RoleCredentialsIssued, 24, 27);
    }

    [Fact]
    public async Task AMetadataServiceThatIsAwayForAMomentMattersOnlyWhenTheCredentialsAreOver()
    {
        bool isAway = false;
        int issued = 0;
        await using LoopbackHttpServer metadata = new(
            (request, _) => Task.FromResult(isAway
                ? new HttpResponseData(503, "text/plain", [])
                : new HttpResponseData(200, "text/plain", Encoding.UTF8.GetBytes(request.Target.EndsWith('/') ? "migration-role" : Answer(++issued)))),
            _clock);
        CredentialProvider provider = new(new Uri($"http://127.0.0.1:{metadata.Port}"), _clock, _ => { });
        Assert.Equal("token1", (await provider.GetAsync(renew: false, CancellationToken.None)).Token);
        isAway = true;
        for (int minutes = 0; minutes < 120; minutes++)
        {
            Assert.Equal("token1", (await provider.GetAsync(renew: false, CancellationToken.None)).Token);
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        await Assert.ThrowsAsync<ConfigException>(async () => await provider.GetAsync(renew: false, CancellationToken.None));
        isAway = false;
        Assert.Equal("token2", (await provider.GetAsync(renew: false, CancellationToken.None)).Token);
        isAway = true;
        await Assert.ThrowsAsync<ConfigException>(async () => await provider.GetAsync(renew: true, CancellationToken.None));
    }

    private string Answer(int number) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"TmpSecretId":"id","TmpSecretKey":"key","Token":"token{{number}}","ExpiredTime":{{(_clock.GetUtcNow() + TimeSpan.FromHours(2)).ToUnixTimeSeconds()}},"Code":"Success"}""");
}
