// Drives a simulator with the official SDKs and prints what their typed models saw, as one line of JSON.
//   node judge.js PORT migrate|bodies|wrong-key
'use strict';
const http = require('http');
const dns = require('dns');
const port = Number(process.argv[2]);
const what = process.argv[3];
const key = what === 'wrong-key' ? 'not the key' : 'TopSecretKeyOfTheAccount';
const region = 'ap-guangzhou';
const id = 'ins-1a2b3c4d';
const password = 'Password-of-the-judge1';

// Every name is this machine: neither SDK may reach the real cloud.
dns.lookup = (host, options, done) => {
  const callback = typeof options === 'function' ? options : done;
  return options && options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
};

const mainland = require('tencentcloud-sdk-nodejs-cvm').cvm.v20170312.Client;
const cvm = new mainland({
  credential: { secretId: 'AKIDexample', secretKey: key },
  region,
  profile: { httpProfile: { endpoint: `cvm.tencentcloudapi.com:${port}`, protocol: 'http://', agent: new http.Agent({ lookup: dns.lookup }) } },
});

const intl = require('tencentcloud-sdk-nodejs-intl-en');
const { Credential, ClientProfile, HttpProfile } = intl.common;
function international(service, version) {
  const profile = new HttpProfile();
  profile.endpoint = `${service}.tencentcloudapi.com:${port}`;
  profile.protocol = 'http://';
  const client = new ClientProfile();
  client.httpProfile = profile;
  client.signMethod = 'TC3-HMAC-SHA256';
  const { Client, Models } = intl[service][version];
  const it = new Client(new Credential('AKIDexample', key), region, client);
  return (action, parameters) => new Promise((resolve, reject) => {
    const request = new Models[`${action}Request`]();
    request.from_json_string(JSON.stringify(parameters));
    it[action](request, (error, response) => error ? reject(error) : resolve(JSON.parse(response.to_json_string())));
  });
}

const vpc = international('vpc', 'v20170312');
const cbs = international('cbs', 'v20170312');
const tat = international('tat', 'v20201028');
const cvmIntl = international('cvm', 'v20170312');

async function until(state) {
  const seen = [];
  for (let look = 0; look < 50; look++) {
    const answer = await cvm.DescribeInstances({ InstanceIds: [id] });
    const instance = answer.InstanceSet[0];
    if (seen[seen.length - 1] !== instance.InstanceState) seen.push(instance.InstanceState);
    if (instance.InstanceState === state && instance.LatestOperationState !== 'OPERATING') return { seen, instance };
  }
  throw new Error(`never ${state}: ${seen}`);
}

async function migrate() {
  const before = (await cvmIntl('DescribeInstances', { InstanceIds: [id] })).InstanceSet[0];
  const groups = [];
  for (const group of before.SecurityGroupIds) groups.push((await vpc('DescribeSecurityGroupPolicies', { SecurityGroupId: group })).SecurityGroupPolicySet);
  const disks = (await cbs('DescribeDisks', { DiskIds: [before.SystemDisk.DiskId, ...before.DataDisks.map(d => d.DiskId)] })).DiskSet;
  const enter = await cvm.EnterRescueMode({ InstanceId: id, Password: password, Username: 'root', StopType: 'SOFT_FIRST' });
  const rescue = await until('RESCUE_MODE');
  const twice = await cvm.EnterRescueMode({ InstanceId: id, Password: password }).then(() => 'accepted', e => e.code);
  await cvmIntl('ExitRescueMode', { InstanceId: id });
  const stopped = await until('STOPPED');
  await cvm.StartInstances({ InstanceIds: [id] });
  const running = await until('RUNNING');
  const statuses = await cvmIntl('DescribeInstancesStatus', { InstanceIds: [id] });
  const agent = await tat('DescribeAutomationAgentStatus', { InstanceIds: [id] });
  const run = await tat('RunCommand', { Content: Buffer.from('true').toString('base64'), InstanceIds: [id], CommandType: 'SHELL', Timeout: 60 });
  const tasks = await tat('DescribeInvocationTasks', { Filters: [{ Name: 'invocation-id', Values: [run.InvocationId] }], HideOutput: false });
  return {
    before, groups, disks, enterRequest: enter.RequestId, rescue, twice, stopped, running,
    status: statuses.InstanceStatusSet[0].InstanceState,
    agent: agent.AutomationAgentSet[0].AgentStatus,
    task: { status: tasks.InvocationTaskSet[0].TaskStatus, code: tasks.InvocationTaskSet[0].TaskResult.ExitCode, output: Buffer.from(tasks.InvocationTaskSet[0].TaskResult.Output, 'base64').toString() },
  };
}

// The same calls that NativeSync's client makes, in an order that each state refuses or allows: only the bodies count.
async function bodies() {
  const calls = [
    [cvm, 'DescribeInstances', { InstanceIds: [id] }],
    [cvm, 'DescribeInstancesStatus', { InstanceIds: [id] }],
    [cvm, 'EnterRescueMode', { InstanceId: id, Password: password, Username: 'root', StopType: 'SOFT_FIRST' }],
    [cvm, 'ExitRescueMode', { InstanceId: id }],
    [cvm, 'StartInstances', { InstanceIds: [id] }],
    [cvm, 'StopInstances', { InstanceIds: [id], StopType: 'SOFT_FIRST' }],
    [vpc, 'DescribeSecurityGroupPolicies', { SecurityGroupId: 'sg-sim00000' }],
    [cbs, 'DescribeDisks', { DiskIds: ['disk-sim00000'] }],
    [tat, 'DescribeAutomationAgentStatus', { InstanceIds: [id] }],
    [tat, 'RunCommand', { Content: Buffer.from('uname -r').toString('base64'), InstanceIds: [id], CommandType: 'SHELL', Timeout: 60 }],
    [tat, 'DescribeInvocationTasks', { Filters: [{ Name: 'invocation-id', Values: ['inv-00000000'] }], HideOutput: false }],
  ];
  const outcome = {};
  for (const [client, action, parameters] of calls) {
    outcome[action] = await (typeof client === 'function' ? client(action, parameters) : client[action](parameters)).then(() => 'accepted', e => e.code);
  }
  return outcome;
}

async function wrongKey() {
  const mainlandError = await cvm.DescribeInstances({}).then(() => ({}), e => ({ code: e.code, requestId: e.requestId }));
  const intlError = await cvmIntl('DescribeInstances', {}).then(() => ({}), e => ({ code: e.code }));
  return { mainland: mainlandError, intl: intlError };
}

({ migrate, bodies, 'wrong-key': wrongKey }[what])().then(
  result => console.log(JSON.stringify(result)),
  error => { console.error(error); process.exit(1); });
