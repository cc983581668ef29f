import { expect, onTestFinished, test } from 'vitest';
import { createCloudAssistantClient } from '../../lib/providers/alibaba/client.ts';
import { alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import { alibabaSchedules } from '../../lib/providers/alibaba/schedules.ts';
import type { ScheduleSpec } from '../../lib/providers/schedules.ts';
import { createManualClock } from '../unit/providers/manual-clock.ts';
import { type LocalOptions, startLocal, until } from './alibaba-local.ts';
import { REGION } from './alibaba-sdk.ts';

const CREDENTIALS = { credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' } };

async function start(options: LocalOptions = {}) {
  const clock = createManualClock(Date.now());
  const local = await startLocal({ clock, ...options }, onTestFinished);
  const client = createCloudAssistantClient({
    ...CREDENTIALS,
    endpoint: local.server.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
  });
  onTestFinished(() => client.close());
  return { ...local, clock, client, schedules: alibabaSchedules({ client, stage: 'dev' }) };
}

function aSpec(more: Partial<ScheduleSpec> = {}): ScheduleSpec {
  return {
    name: 'logrotate',
    region: REGION,
    command: 'c-echo0001',
    instances: ['i-local001', 'i-local002'],
    parameters: { text: 'rotated' },
    timing: { recurrence: 'rate(2m)' },
    ...more,
  };
}

test('a schedule is created, shown as it is, and removed', async () => {
  const { schedules } = await start();
  const ref = await schedules.create(aSpec());
  expect(await schedules.list(REGION)).toEqual([
    { ...aSpec(), scheduleId: ref.scheduleId, settingsMark: '', isEnabled: true },
  ]);
  await schedules.remove(ref);
  expect(await schedules.list(REGION)).toEqual([]);
  await schedules.remove(ref);
});

test('its settings reach the vendor, and one with other settings takes its place', async () => {
  const { schedules, client } = await start();
  const settings = {
    timeoutSeconds: 30,
    workingDirectory: '/tmp',
    terminationMode: 'Process' as const,
    output: { bucket: 'ops-logs', prefix: 'nightly' },
    tags: { team: 'web' },
  };
  const ref = await schedules.create(aSpec({ settings }));
  const recordOf = async (InvokeId: string) => {
    const found = await client.describeInvocations({ RegionId: REGION, InvokeId, Timed: true });
    return found.kind === 'answered' ? found.answer.Invocations?.Invocation[0] : found.failure;
  };
  expect(await recordOf(ref.scheduleId)).toMatchObject({
    Timeout: 30,
    WorkingDir: '/tmp',
    TerminationMode: 'Process',
    OssOutputDelivery: 'oss://ops-logs/nightly',
    Tags: { Tag: expect.arrayContaining([{ TagKey: 'team', TagValue: 'web' }]) },
  });
  expect(await schedules.create(aSpec({ settings }))).toEqual(ref);
  await schedules.change(ref.scheduleId, aSpec({ settings: { ...settings, timeoutSeconds: 40 } }));
  const [only, ...others] = await schedules.list(REGION);
  expect([others, only?.scheduleId === ref.scheduleId]).toEqual([[], false]);
  expect(await recordOf(only?.scheduleId ?? '')).toMatchObject({ Timeout: 40 });
});

test('one instant is a schedule too', async () => {
  const { schedules } = await start();
  const at = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z/, '.000Z');
  await schedules.create(aSpec({ timing: { at } }));
  expect(await schedules.list(REGION)).toMatchObject([{ timing: { at } }]);
});

test('creating again changes what is there, and makes no second', async () => {
  const { schedules, client } = await start();
  const first = await schedules.create(aSpec());
  const same = await schedules.create(aSpec());
  const changed = await schedules.create(aSpec({ timing: { recurrence: '0 0 3 * * ? UTC' } }));
  expect([same, changed]).toEqual([first, first]);
  expect(await schedules.list(REGION)).toMatchObject([
    { scheduleId: first.scheduleId, timing: { recurrence: '0 0 3 * * ? UTC' } },
  ]);
  expect(client.requestCounts).toMatchObject({ InvokeCommand: 1, ModifyInvocationAttribute: 1 });
});

test('a lost answer to the creation makes no second', async () => {
  const { schedules, server } = await start();
  server.faults.add({ kind: 'dropAfter', action: 'InvokeCommand' });
  const ref = await schedules.create(aSpec());
  expect((await schedules.list(REGION)).map(({ scheduleId }) => scheduleId)).toEqual([ref.scheduleId]);
});

test('a creation that failed twice may be tried again, and finds what had arrived', async () => {
  const { schedules, server } = await start();
  server.faults.add({ kind: 'dropAfter', action: 'InvokeCommand', times: 2 });
  await expect(schedules.create(aSpec())).rejects.toMatchObject({
    code: expect.stringMatching(/^provider\./),
    disposition: 'retry',
  });
  const ref = await schedules.create(aSpec());
  expect((await schedules.list(REGION)).map(({ scheduleId }) => scheduleId)).toEqual([ref.scheduleId]);
});

test('removed and created again it is a new one that runs', async () => {
  const { schedules } = await start();
  const first = await schedules.create(aSpec());
  await schedules.remove(first);
  const second = await schedules.create(aSpec());
  expect(second.scheduleId).not.toBe(first.scheduleId);
  expect(await schedules.list(REGION)).toHaveLength(1);
});

test.each<{ name: string; more: Partial<ScheduleSpec>; isSame: boolean }>([
  { name: 'a value', more: { parameters: { text: 'other' } }, isSame: true },
  { name: 'another instance', more: { instances: ['i-local001', 'i-local002', 'i-local003'] }, isSame: true },
  { name: 'the time', more: { timing: { recurrence: 'rate(5m)' } }, isSame: true },
  { name: 'an instance less', more: { instances: ['i-local001'] }, isSame: false },
  { name: 'the command', more: { command: 'c-fail0001', parameters: {} }, isSame: false },
  { name: 'the user', more: { username: 'ops' }, isSame: false },
])('change of $name', async ({ more, isSame }) => {
  const { schedules } = await start();
  const ref = await schedules.create(aSpec());
  await schedules.change(ref.scheduleId, aSpec(more));
  const [only, ...others] = await schedules.list(REGION);
  expect(only).toMatchObject(aSpec(more));
  expect({ others, isSame: only?.scheduleId === ref.scheduleId }).toEqual({ others: [], isSame });
});

test('what is not ours is not shown and not touched', async () => {
  const { schedules, client } = await start();
  const other = await client.invokeCommand({
    RegionId: REGION,
    CommandId: 'c-fail0001',
    InstanceId: ['i-local001'],
    RepeatMode: 'Period',
    Frequency: 'rate(5m)',
    Tag: [{ Key: 'fleet-reflex', Value: 'prod' }],
  });
  const ref = { region: REGION, scheduleId: other.kind === 'answered' ? other.answer.InvokeId : '' };
  expect(await schedules.list(REGION)).toEqual([]);
  for (const asking of [
    () => schedules.remove(ref),
    () => schedules.change(ref.scheduleId, aSpec()),
    () => schedules.enable(ref),
  ]) {
    await expect(asking()).rejects.toMatchObject({ code: 'provider.notOurs', disposition: 'drop' });
  }
});

test('it cannot be paused, and says so', async () => {
  const { schedules } = await start();
  const ref = await schedules.create(aSpec());
  await expect(schedules.disable(ref)).rejects.toMatchObject({ code: 'provider.unsupported' });
  await schedules.enable(ref);
  await schedules.remove(ref);
  await expect(schedules.enable(ref)).rejects.toMatchObject({ code: 'provider.notFound' });
});

test.each<{ name: string; timing: ScheduleSpec['timing'] }>([
  { name: 'a crontab without seconds', timing: { recurrence: '0 0 1 * *' } },
  { name: 'a rate that is too fast', timing: { recurrence: 'rate(10s)' } },
  { name: 'an instant that is past', timing: { at: '2020-01-01T00:00:00Z' } },
  { name: 'an instant without an offset', timing: { at: '2030-01-01T00:00:00' } },
])('$name is refused before the vendor is asked', async ({ timing }) => {
  const { schedules, client } = await start();
  await expect(schedules.create(aSpec({ timing }))).rejects.toMatchObject({
    code: 'provider.invalid',
    disposition: 'drop',
  });
  expect(client.requestCounts).toEqual({});
});

test('its firings are told, one for each time, oldest first', async () => {
  const { schedules, client, clock } = await start();
  const since = new Date(Date.now() - 1000);
  const { scheduleId } = await schedules.create(aSpec());
  for (const repeats of [1, 2]) {
    await clock.advance(120_000);
    await until(
      async () => {
        const result = await client.describeInvocations({
          RegionId: REGION,
          InvokeId: scheduleId,
          Timed: true,
        });
        const rows =
          result.kind === 'answered' ? result.answer.Invocations?.Invocation[0]?.InvokeInstances : null;
        return rows?.InvokeInstance.map(({ Repeats, InvocationStatus }) => [Repeats, InvocationStatus]) ?? [];
      },
      (rows) =>
        rows.length === 2 && rows.every(([count, status]) => count === repeats && status === 'Scheduled'),
    );
  }
  const firings = await schedules.firings(REGION, [scheduleId], since);
  expect(firings).toEqual(
    [1, 2].map((repeats) => ({
      scheduleId,
      invocationId: `${scheduleId}#${repeats}`,
      at: expect.stringMatching(/Z$/),
      reason: 'Success',
    })),
  );
  expect(await schedules.firings(REGION, [scheduleId], new Date(Date.now() + 3_600_000))).toEqual([]);

  const provider = alibabaProvider({ ...CREDENTIALS, client });
  const [second] = await provider.read([{ region: REGION, invocationId: `${scheduleId}#2` }]);
  expect(second).toEqual({
    invocationId: `${scheduleId}#2`,
    kind: 'read',
    tasks: ['i-local001', 'i-local002'].map((instanceId) =>
      expect.objectContaining({
        invocationId: `${scheduleId}#2`,
        taskId: `${scheduleId}#2/${instanceId}`,
        instanceId,
        status: 'succeeded',
        started: 'yes',
        exitCode: 0,
        output: Buffer.from('rotated\n'),
      }),
    ),
  });
  // Stopping one time of many would end them all.
  expect(await provider.cancel({ region: REGION, invocationId: `${scheduleId}#2` })).toMatchObject({
    kind: 'failed',
    failure: { code: 'RecurringInvocation', isRetryable: false },
  });
  expect(await schedules.list(REGION)).toHaveLength(1);
});

test('an instant at which no instance could be reached is a firing that did not start', async () => {
  const { schedules, client, clock, engine } = await start({ deliveryTimeoutMs: 100 });
  const at = new Date(Math.ceil(clock.epochMs() / 1000) * 1000 + 60_000).toISOString();
  const { scheduleId } = await schedules.create(aSpec({ instances: ['i-local001'], timing: { at } }));
  expect(await schedules.firings(REGION, [scheduleId], new Date(0))).toEqual([]);
  engine.change('i-local001', { state: 'stopped' });
  await clock.advance(62_000);
  const firings = await until(
    () => schedules.firings(REGION, [scheduleId], new Date(0)),
    (found) => found.length > 0,
  );
  expect(firings).toMatchObject([{ invocationId: `${scheduleId}#1`, reason: 'Aborted' }]);
  const provider = alibabaProvider({ ...CREDENTIALS, client });
  const ref = { region: REGION, invocationId: `${scheduleId}#1` };
  expect(await provider.read([ref])).toMatchObject([
    { tasks: [{ status: 'undelivered', started: 'no', providerStatus: 'Aborted' }] },
  ]);
  expect(await provider.cancel(ref)).toEqual({ kind: 'requested' });
});

test('the next times of a recurrence', async () => {
  const { schedules } = await start();
  const from = new Date('2026-11-20T12:00:00Z');
  expect(schedules.nextTimes('0 0 3 ? * MON Asia/Shanghai', 2, from)).toEqual([
    new Date('2026-11-22T19:00:00Z'),
    new Date('2026-11-29T19:00:00Z'),
  ]);
  expect(schedules.nextTimes('rate(1h)', 2, from)).toEqual([
    new Date('2026-11-20T13:00:00Z'),
    new Date('2026-11-20T14:00:00Z'),
  ]);
  expect(schedules.nextTimes('0 0 3 * * ? 2020 UTC', 2, from)).toEqual([]);
  expect(() => schedules.nextTimes('hourly', 1, from)).toThrow(
    expect.objectContaining({ code: 'provider.invalid', details: { provider: 'alibaba' } }),
  );
});
