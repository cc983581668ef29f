/** The Tencent provider and its schedules against the local TAT, where commands really run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTerminalTask } from '../../lib/model/status.ts';
import { systemClock } from '../../lib/providers/clock.ts';
import type { Invocation } from '../../lib/providers/provider.ts';
import { type ScheduleSpec, settingsMark } from '../../lib/providers/schedules.ts';
import { createInvoker, describeInvokers } from '../../lib/providers/tencent/actions/invokers.ts';
import { type TencentProvider, tencentProvider } from '../../lib/providers/tencent/provider.ts';
import { tencentSchedules } from '../../lib/providers/tencent/schedules.ts';
import { createFleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer, type TatServer } from '../../local/tencent/server.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';
import { until } from './alibaba-local.ts';
import { providerContract } from './provider-contract.ts';

const REGION = 'ap-guangzhou';
const INVOKE = 'InvokeCommand';
const crowd = Array.from({ length: 130 }, (_, index) => `ins-crowd${String(index).padStart(3, '0')}`);
const FLEET = `
version: 1
instances:
  - { id: ins-local001 }
  - { id: ins-local002 }
  - { id: lhins-local001 }
  - { id: ins-stopped01, state: stopped }
  - { id: ins-offline01, agent: offline }
  - { id: ins-noagent01, agent: not-installed }
${crowd.map((id) => `  - { id: ${id} }`).join('\n')}
commands:
  - { id: cmd-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }
  - { id: cmd-hide0001, name: hide, content: 'echo {{tat-hidden:text}} | wc -c', enableParameter: true }
  - { id: cmd-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
  - { id: cmd-fail0001, name: fail, content: 'echo this command always fails >&2; exit 3' }
  - { id: cmd-flood001, name: flood, content: 'head -c 30000 /dev/zero | tr "\\\\0" x' }
`;

interface Local {
  server: TatServer;
  provider: TencentProvider;
}

async function start(
  server: Partial<Parameters<typeof startTatServer>[0]> = {},
  client: Partial<Parameters<typeof tencentProvider>[0]> = {},
): Promise<Local> {
  const engine = createFleetEngine(parseFleet(FLEET));
  const tat = await startTatServer({ engine, requestsPerSecond: 'unlimited', ...server });
  const provider = tencentProvider({
    credentials: { secretId: 'local', secretKey: 'local-secret' },
    endpoint: tat.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    ...client,
  });
  afterAll(async () => {
    await provider.close();
    await tat.stop();
    await engine.stop();
  });
  return { server: tat, provider };
}

providerContract('tencent', async () => {
  const { server, provider } = await start();
  return {
    provider,
    region: REGION,
    instances: ['ins-local001', 'ins-local002'],
    offline: 'ins-offline01',
    commands: { echo: 'cmd-echo0001', sleep: 'cmd-sleep001', fail: 'cmd-fail0001' },
    loseNextAnswer: () => server.faults.add({ kind: 'dropAfter', action: INVOKE }),
    loseNextRequest: () => server.faults.add({ kind: 'dropBefore', action: INVOKE }),
    throttleNext: () => server.faults.add({ kind: 'throttle', action: INVOKE }),
  };
});

let count = 0;
function anInvocation(more: Flat<Invocation> = {}): Invocation {
  count += 1;
  return withGiven(
    {
      token: `run-tencent-${count}`,
      target: {
        provider: 'tencent',
        region: REGION,
        command: 'cmd-echo0001',
        instances: ['ins-local001'],
        parameters: { text: `hello-${count}` },
      },
      labels: {},
    },
    more,
  );
}

describe('what is TAT’s own', () => {
  let local: Local;
  beforeAll(async () => {
    local = await start();
  });

  const since = (): Date => new Date(Date.now() - 1000);
  const sent = async (invocation: Invocation): Promise<string> => {
    const outcome = await local.provider.invoke(invocation);
    if (outcome.kind !== 'sent') throw new Error(`not sent: ${JSON.stringify(outcome)}`);
    return outcome.invocationId;
  };
  const readTasks = async (invocationId: string) => {
    const [reading] = await local.provider.read([{ region: REGION, invocationId }]);
    if (reading?.kind !== 'read') throw new Error(`not read: ${JSON.stringify(reading)}`);
    return reading.tasks;
  };
  const readEnd = (invocationId: string) =>
    until(
      () => readTasks(invocationId),
      (tasks) => tasks.length > 0 && tasks.every(({ status }) => isTerminalTask(status)),
    );

  test.each([
    [
      'an InternalError that took effect',
      { kind: 'error', code: 'InternalError', isAfter: true },
      'InternalError',
    ],
    [
      'CVM that was not reached, but it ran',
      { kind: 'error', code: 'FailedOperation.CVMError', isAfter: true },
      'FailedOperation.CVMError',
    ],
    ['an answer that is no JSON', { kind: 'garbage', body: '<html>' }, 'InvalidAnswer'],
  ] as const)('after %s the invocation is found', async (_, fault, code) => {
    const [from, invocation] = [since(), anInvocation()];
    local.server.faults.add({ ...fault, action: INVOKE });
    expect(await local.provider.invoke(invocation)).toMatchObject({ kind: 'unknown', failure: { code } });
    const found = await local.provider.find(invocation, from);
    expect(found).toHaveLength(1);
    expect(await readEnd(found[0] ?? '')).toMatchObject([{ status: 'succeeded' }]);
  });

  test('an answer that comes too late leaves the outcome open, and the invocation is found', async () => {
    const slow = await start({}, { deadlineMs: 300 });
    slow.server.faults.add({ kind: 'answerLate', action: INVOKE, ms: 1500 });
    const [from, invocation] = [since(), anInvocation()];
    expect(await slow.provider.invoke(invocation)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'Timeout' },
    });
    expect(await slow.provider.find(invocation, from)).toHaveLength(1);
  });

  test('an invocation that shows late is missing first, and is found later', async () => {
    const [from, invocation] = [since(), anInvocation()];
    local.server.faults.add({ kind: 'lateVisibility', action: INVOKE, ms: 400 });
    const invocationId = await sent(invocation);
    expect(await local.provider.read([{ region: REGION, invocationId }])).toEqual([
      { invocationId, kind: 'missing' },
    ]);
    await until(
      () => local.provider.find(invocation, from),
      (found) => found.length === 1,
    );
    expect(await readEnd(invocationId)).toMatchObject([{ status: 'succeeded' }]);
  });

  test('a hidden parameter is found though its value is not shown', async () => {
    const [from, invocation] = [
      since(),
      anInvocation({ command: 'cmd-hide0001', parameters: { text: 'secret' } }),
    ];
    const invocationId = await sent(invocation);
    expect(await local.provider.find(invocation, from)).toEqual([invocationId]);
  });

  test('two of the same are both named', async () => {
    const [from, invocation] = [since(), anInvocation({ instances: ['ins-local001', 'ins-local002'] })];
    const ids = [await sent(invocation), await sent(invocation)];
    expect((await local.provider.find(invocation, from)).sort()).toEqual(ids.sort());
  });

  test.each([
    ['ins-stopped01', 'ResourceUnavailable.InstanceStateNotRunning'],
    ['ins-offline01', 'ResourceUnavailable.AgentStatusNotOnline'],
    ['ins-noagent01', 'ResourceUnavailable.AgentNotInstalled'],
  ])('%s refuses the call: it is unavailable, nothing ran', async (instance, code) => {
    const outcome = await local.provider.invoke(anInvocation({ instances: ['ins-local001', instance] }));
    expect(outcome).toMatchObject({
      kind: 'notSent',
      failure: { code, isUnavailable: true, isRetryable: false },
    });
  });

  test('a user that is not there is rejected, and did not start', async () => {
    const tasks = await readEnd(await sent(anInvocation({ username: 'nobody-has-this-name' })));
    expect(tasks).toMatchObject([
      { status: 'rejected', providerStatus: 'START_FAILED', started: 'no', error: { code: 'InvalidUser' } },
    ]);
    expect(tasks[0]?.exitCode).toBeUndefined();
  });

  test('a command that runs too long is timed out, killed with -1', async () => {
    const slow = anInvocation({ command: 'cmd-sleep001', parameters: { seconds: '60' }, timeoutSeconds: 1 });
    expect(await readEnd(await sent(slow))).toMatchObject([
      { status: 'timed_out', started: 'yes', exitCode: -1, error: { code: 'TIMEOUT' } },
    ]);
  });

  test.each([
    ['DELIVER_FAILED', 'undelivered', 'no'],
    ['TASK_TIMEOUT', 'lost', 'maybe'],
  ] as const)('a task that ends as %s is %s', async (status, expected, started) => {
    local.server.faults.add({ kind: 'task', instanceId: 'lhins-local001', status });
    const invocationId = await sent(anInvocation({ instances: ['lhins-local001'] }));
    expect(await readEnd(invocationId)).toMatchObject([
      { status: expected, providerStatus: status, started, error: { code: status } },
    ]);
  });

  test('the first 24 KB of an output are kept, and what was cut is counted', async () => {
    const [task] = await readEnd(await sent(anInvocation({ command: 'cmd-flood001', parameters: {} })));
    expect([task?.output?.length, task?.outputDroppedBytes]).toEqual([24 * 1024, 30_000 - 24 * 1024]);
  });

  test('130 instances are one invocation, read whole, and stopped at once or in part', async () => {
    const sleep = { command: 'cmd-sleep001', parameters: { seconds: '100' }, instances: crowd };
    const invocationId = await sent(anInvocation(sleep));
    const ref = { region: REGION, invocationId };
    await until(
      () => readTasks(invocationId),
      (tasks) => tasks.length === 130 && tasks.every(({ status }) => status === 'running'),
    );
    expect(await local.provider.cancel(ref, crowd.slice(0, 120))).toEqual({ kind: 'requested' });
    const stopped = await until(
      () => readTasks(invocationId),
      (tasks) => tasks.filter(({ status }) => status === 'terminated').length === 120,
    );
    expect(stopped.filter(({ status }) => status === 'running')).toHaveLength(10);
    expect(await local.provider.cancel(ref)).toEqual({ kind: 'requested' });
    const ended = await readEnd(invocationId);
    expect(new Set(ended.map(({ instanceId, status }) => `${instanceId} ${status}`))).toEqual(
      new Set(crowd.map((id) => `${id} terminated`)),
    );
  });

  test('a read costs one request while all run, and one more for the outputs', async () => {
    const ids = await Promise.all(
      ['ins-local001', 'ins-local002', 'lhins-local001'].map((id) =>
        sent(anInvocation({ command: 'cmd-sleep001', parameters: { seconds: '30' }, instances: [id] })),
      ),
    );
    const refs = ids.map((invocationId) => ({ region: REGION, invocationId }));
    const cost = async (): Promise<Record<string, number>> => {
      const before = { ...local.provider.requestCounts };
      await local.provider.read(refs);
      const after = Object.entries(local.provider.requestCounts);
      return Object.fromEntries(
        after
          .map(([action, total]) => [action, total - (before[action] ?? 0)])
          .filter(([, spent]) => spent !== 0),
      );
    };
    expect(await cost()).toEqual({ DescribeInvocations: 1 });
    await Promise.all(refs.map((ref) => local.provider.cancel(ref)));
    await Promise.all(ids.map(readEnd));
    expect(await cost()).toEqual({ DescribeInvocations: 1, DescribeInvocationTasks: 1 });
  });

  test('a wrong clock is corrected by the answer, and the call goes through', async () => {
    const wrong = await start(
      {},
      {
        clock: { ...systemClock, epochMs: () => Date.now() - 3_600_000 },
      },
    );
    expect(await wrong.provider.invoke(anInvocation())).toMatchObject({ kind: 'sent' });
    expect(wrong.provider.requestCounts).toEqual({ [INVOKE]: 2 });
  });

  test('a wrong key is refused for good', async () => {
    const stranger = await start({}, { credentials: { secretId: 'local', secretKey: 'not-the-one' } });
    expect(await stranger.provider.invoke(anInvocation())).toMatchObject({
      kind: 'notSent',
      failure: { code: 'AuthFailure.SignatureFailure', isRetryable: false },
    });
  });

  test('60 reads at once are spread over the seconds, and none is refused', async () => {
    // Twice the client's 20: on a machine that stands still for a moment, what was sent apart arrives together.
    const strict = await start({ requestsPerSecond: 40 }, { requestsPerSecond: 20, attempts: 1 });
    const readings = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        strict.provider.read([{ region: REGION, invocationId: `inv-none${index}` }]),
      ),
    );
    expect(readings.flat().filter(({ kind }) => kind === 'failed')).toEqual([]);
  });
});

describe('schedules', () => {
  let local: Local;
  beforeAll(async () => {
    local = await start();
  });

  const aSpec = (more: Partial<ScheduleSpec> = {}): ScheduleSpec => ({
    name: 'logrotate',
    region: REGION,
    command: 'cmd-echo0001',
    instances: ['ins-local001', 'ins-local002'],
    parameters: { text: 'rotated' },
    timing: { recurrence: '0 3 * * *' },
    ...more,
  });

  test('are created, shown as they are, changed, switched off and on, and removed', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'dev' });
    const ref = await schedules.create(aSpec({ username: 'root' }));
    const shown = {
      ...aSpec({ username: 'root' }),
      scheduleId: ref.scheduleId,
      settingsMark: '',
      isEnabled: true,
    };
    expect(await schedules.list(REGION)).toEqual([shown]);
    const changed = aSpec({ parameters: { text: 'again' }, timing: { at: '2100-01-01T00:00:00.000Z' } });
    await schedules.change(ref.scheduleId, changed);
    await schedules.disable(ref);
    expect(await schedules.list(REGION)).toMatchObject([{ ...changed, isEnabled: false }]);
    await schedules.enable(ref);
    expect(await schedules.list(REGION)).toMatchObject([{ isEnabled: true }]);
    await schedules.remove(ref);
    await schedules.remove(ref);
    expect(await schedules.list(REGION)).toEqual([]);
  });

  test('carry the tags of their settings, and a mark by which a change of these is seen', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'tags' });
    const settings = { tags: { team: 'web', 'fleet-reflex': 'prod' } };
    const ref = await schedules.create(aSpec({ settings }));
    expect((await schedules.list(REGION))[0]?.settingsMark).toBe(settingsMark(settings));
    const shown = await local.provider.client.call(describeInvokers, REGION, {
      InvokerIds: [ref.scheduleId],
      Limit: 100,
    });
    // Nobody passes for us: the tag that would is left out.
    expect(shown.kind === 'answered' && shown.answer.InvokerSet[0]?.Tags).toEqual([
      { Key: 'fleet-reflex', Value: 'tags' },
      { Key: 'fleet-reflex-settings', Value: settingsMark(settings) },
      { Key: 'team', Value: 'web' },
    ]);
    await schedules.remove(ref);
  });

  test('refuse what an invoker has no field for, before the vendor is asked', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'tags' });
    const refused = schedules.create(aSpec({ settings: { timeoutSeconds: 30 } }));
    await expect(refused).rejects.toMatchObject({ code: 'provider.invalid', disposition: 'drop' });
  });

  test('whose creation was not answered are found by their name, and not made twice', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'lost' });
    local.server.faults.add({ kind: 'dropAfter', action: 'CreateInvoker' });
    await expect(schedules.create(aSpec())).rejects.toMatchObject({ disposition: 'retry' });
    const ref = await schedules.create(aSpec());
    expect(await schedules.list(REGION)).toMatchObject([{ scheduleId: ref.scheduleId, name: 'logrotate' }]);
  });

  test('of others are neither shown nor touched', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'mine' });
    const theirs = await tencentSchedules({ client: local.provider.client, stage: 'theirs' }).create(aSpec());
    const byHand = await local.provider.client.call(createInvoker, REGION, {
      Name: 'backup',
      Type: 'SCHEDULE',
      CommandId: 'cmd-fail0001',
      InstanceIds: ['ins-local001'],
      ScheduleSettings: { Policy: 'RECURRENCE', Recurrence: '0 0 1 * *' },
    });
    const foreign = byHand.kind === 'answered' ? byHand.answer.InvokerId : '';
    expect(await schedules.list(REGION)).toEqual([]);
    for (const scheduleId of [theirs.scheduleId, foreign]) {
      await expect(schedules.remove({ region: REGION, scheduleId })).rejects.toMatchObject({
        code: 'provider.notOurs',
      });
    }
  });

  test('fire at their time, and tell which invocation they started', async () => {
    const schedules = tencentSchedules({ client: local.provider.client, stage: 'firing' });
    const from = new Date();
    // The vendor takes whole seconds: the next but one is still to come when it arrives.
    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000).toISOString();
    const ref = await schedules.create(aSpec({ name: 'soon', timing: { at } }));
    const [firing] = await until(
      () => schedules.firings(REGION, [ref.scheduleId], from),
      (firings) => firings.length > 0,
    );
    expect(firing).toEqual({
      scheduleId: ref.scheduleId,
      invocationId: expect.stringMatching(/^inv-/),
      at: expect.stringMatching(/Z$/),
      reason: 'start an invocation at scheduled time.',
    });
    const invocation = anInvocation({ instances: aSpec().instances, parameters: aSpec().parameters });
    expect(await local.provider.find(invocation, from)).toEqual([]);
  });
});
