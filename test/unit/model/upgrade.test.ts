/** What the version before wrote is read: messages that wait on the queue, runs and schedules in the table. */
import { describe, expect, it } from 'vitest';
import { LiveSchedule } from '../../../lib/model/live-schedule.ts';
import { Run } from '../../../lib/model/run.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import { upgradeRun, upgradeRunRequest } from '../../../lib/model/upgrade.ts';

const COMMON = {
  runId: `run-${'a'.repeat(26)}`,
  rule: 'restart',
  trigger: { source: 'alertmanager', type: 'alert.firing', id: 'e-1' },
  notify: [{ name: 'completions', sqs: 'completions' }],
  requestedAt: '2026-11-20T10:00:00.000Z',
};
const WHERE = { provider: 'tencent', region: 'ap-guangzhou', command: 'cmd-1' } as const;
const BASE = {
  ...WHERE,
  instances: ['ins-1', 'ins-2'],
  parameters: { token: 'zqjzqj', service: 'web' },
  secretParameters: ['token'],
  username: 'deploy',
};
const SETTINGS = {
  timeoutSeconds: 30,
  workingDirectory: '/srv/web',
  options: { output: { bucket: 'https://logs-1.cos.ap-beijing.myqcloud.com' } },
};
const EXECUTION = { guards: { cooldownMs: 60_000 }, onUnavailable: 'skip' } as const;
const DEADLINE = '2026-11-20T10:15:00.000Z';

describe('a request of version 1', () => {
  const read = (value: unknown) => RunRequest.parse(upgradeRunRequest(value));

  it('for a run has its target whole', () => {
    const patterns = { service: '[a-z]+' };
    const rest = { ...COMMON, ...EXECUTION, patterns, action: 'run', deadline: DEADLINE };
    expect(read({ ...rest, version: 1, ...BASE, ...SETTINGS })).toEqual({
      ...rest,
      version: 2,
      target: { ...BASE, ...SETTINGS },
    });
  });

  it('for a later time has what its execution said of the command in its target', () => {
    const rest = { ...COMMON, action: 'schedule', at: '2026-11-20T14:00:00.000Z' };
    const execution = { ...EXECUTION, deadlineMs: 60_000 };
    expect(read({ ...rest, version: 1, ...BASE, execution: { ...execution, ...SETTINGS } })).toEqual({
      ...rest,
      version: 2,
      target: { ...BASE, ...SETTINGS },
      execution,
    });
  });

  it('that the provider fires has no execution still', () => {
    const rest = { ...COMMON, action: 'schedule', recurrence: '0 0 * * *' };
    expect(read({ ...rest, version: 1, ...BASE })).toEqual({ ...rest, version: 2, target: BASE });
  });

  it.each([
    ['all of its target', WHERE],
    ['a part of its target', { provider: 'tencent' }],
    ['none of it', undefined],
  ])('that was refused has what was known: %s', (_, target) => {
    const rest = { ...COMMON, action: 'reject', reason: { code: 'template.failed', message: 'no such key' } };
    expect(read({ ...rest, version: 1, ...target })).toEqual({
      ...rest,
      version: 2,
      ...(target !== undefined && { target }),
    });
  });

  it('to cancel is as it was, its instances included', () => {
    const cancel = { ...COMMON, version: 1, action: 'cancel', targetRule: 'restart', instances: ['ins-1'] };
    expect(read(cancel)).toEqual(cancel);
  });

  it.each([
    ['a field that version 1 had not', { patience: 'long' }],
    ['a target beside the fields', { target: BASE }],
    ['no command', { command: undefined }],
    ['a time-out of days', { timeoutSeconds: 100_000 }],
    ['another version', { version: 3 }],
    ['no version', { version: undefined }],
  ])('is refused with %s', (_, more) => {
    const request = { ...COMMON, ...EXECUTION, version: 1, action: 'run', deadline: DEADLINE, ...BASE };
    expect(RunRequest.safeParse(upgradeRunRequest(request)).success).toBe(true);
    expect(RunRequest.safeParse(upgradeRunRequest({ ...request, ...more })).success).toBe(false);
  });

  it('is refused with settings where version 1 had none', () => {
    const request = { ...COMMON, version: 1, action: 'schedule', recurrence: '0 0 * * *', ...BASE };
    expect(RunRequest.safeParse(upgradeRunRequest({ ...request, ...SETTINGS })).success).toBe(false);
  });

  it.each([[undefined], [null], ['run'], [[]], [{ version: 1 }], [{ version: 1, action: 'run' }]])(
    'is no %j',
    (value) => {
      expect(RunRequest.safeParse(upgradeRunRequest(value)).success).toBe(false);
    },
  );
});

it('a request of version 2 is as it was', () => {
  const request = {
    ...COMMON,
    ...EXECUTION,
    version: 2,
    action: 'run',
    deadline: DEADLINE,
    target: { ...BASE, ...SETTINGS },
  };
  expect(upgradeRunRequest(request)).toBe(request);
  expect(RunRequest.parse(request)).toEqual(request);
});

describe('a run of version 1', () => {
  const read = (value: unknown) => Run.parse(upgradeRun(value));
  const rest = {
    ...COMMON,
    ...EXECUTION,
    revision: 4,
    deadline: DEADLINE,
    status: 'running',
    invocations: [{ token: 't-0', instances: ['ins-1'], state: 'sent', invocationId: 'inv-1' }],
    outbox: [],
    failedReadings: 0,
  };
  /** What earlier versions kept in items of their own. */
  const tasks: unknown[] = [];

  it('has its target whole', () => {
    expect(read({ ...rest, version: 1, ...BASE, ...SETTINGS })).toEqual({
      ...rest,
      version: 2,
      tasks,
      target: { ...BASE, ...SETTINGS },
    });
  });

  it.each([
    ['all of its target', WHERE],
    ['a part of its target', { provider: 'tencent' }],
  ])('that was refused before it had one keeps what was known: %s', (_, refusedTarget) => {
    expect(read({ ...rest, version: 1, instances: [], parameters: {}, ...refusedTarget })).toEqual({
      ...rest,
      version: 2,
      tasks,
      refusedTarget,
    });
  });

  it('that is a cancel has none', () => {
    const cancel = { targetRule: 'restart', by: 'alertmanager' };
    expect(read({ ...rest, version: 1, instances: [], parameters: {}, cancel })).toEqual({
      ...rest,
      version: 2,
      tasks,
      cancel,
    });
  });

  it('is refused without a provider', () => {
    expect(Run.safeParse(upgradeRun({ ...rest, version: 1, ...BASE, provider: undefined })).success).toBe(
      false,
    );
  });
});

it('a schedule at a provider keeps a request of version 1 readable', () => {
  const request = { ...COMMON, action: 'schedule', recurrence: '0 0 * * *' };
  const schedule = {
    version: 1,
    revision: 1,
    ...WHERE,
    name: COMMON.runId,
    instances: ['ins-1'],
    parameters: {},
    timing: { recurrence: '0 0 * * *' },
    rule: 'restart',
    notify: [],
    isUncertain: false,
    madeAt: COMMON.requestedAt,
    lookedFrom: COMMON.requestedAt,
    recent: [],
  };
  const stored = { ...schedule, request: { ...request, version: 1, ...BASE } };
  expect(LiveSchedule.parse(stored)).toEqual({
    ...schedule,
    request: { ...request, version: 2, target: BASE },
  });
});
