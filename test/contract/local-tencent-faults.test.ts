/** Bad days on demand at the local TAT, from a test and over HTTP, seen by the vendor's SDK. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './alibaba-local.ts';
import { ended, known, startTat, theTask } from './local-tencent-server.ts';

const tat = await startTat();
const client = tat.client();
const { faults } = tat.server;
afterEach(() => faults.clear());

const invoke = async (): Promise<string> => {
  const { InvocationId } = await client.InvokeCommand({
    CommandId: 'cmd-sleep001',
    InstanceIds: ['ins-local001'],
    Parameters: '{"seconds":"0"}',
  });
  return known(InvocationId);
};
const count = async (): Promise<number> => known((await client.DescribeInvocations({})).TotalCount);
const messageOf = (pending: Promise<unknown>): Promise<string> =>
  pending.then(
    () => 'it was answered',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe('a request', () => {
  it.each([
    ['is lost before its effect', { kind: 'dropBefore' as const }, 0],
    ['is done, and its answer is lost', { kind: 'dropAfter' as const }, 1],
    ['is answered with an HTTP status of the road', { kind: 'httpStatus' as const, status: 502 }, 0],
    ['is done, and the answer is no JSON', { kind: 'garbage' as const, body: '<html>' }, 1],
    ['fails inside before its effect', { kind: 'error' as const, code: 'InternalError' }, 0],
    ['fails inside after its effect', { kind: 'error' as const, code: 'InternalError', isAfter: true }, 1],
  ])('%s', async (_name, fault, started) => {
    const before = await count();
    faults.add({ ...fault, action: 'InvokeCommand' });
    expect(await messageOf(invoke())).not.toBe('it was answered');
    expect(await count()).toBe(before + started);
    expect(await invoke()).toMatch(/^inv-/);
  });

  it.each([
    [{ kind: 'throttle' as const }, 'RequestLimitExceeded'],
    [{ kind: 'clockSkew' as const, seconds: 400 }, 'AuthFailure.SignatureExpire'],
    [
      { kind: 'error' as const, code: 'FailedOperation.CVMError', message: 'CVM is away' },
      'FailedOperation.CVMError',
    ],
  ])('under %o is answered %s, as often as it says', async (fault, code) => {
    faults.add({ ...fault, times: 2 });
    const codes = [];
    for (let index = 0; index < 3; index += 1)
      codes.push(await tat.codeOf('DescribeQuotas', { ResourceNames: [] }));
    expect(codes).toEqual([code, code, expect.objectContaining({ GeneralResourceQuotaSet: [] })]);
  });

  it.each(['beginLate', 'answerLate'] as const)('is late by %s', async (kind) => {
    faults.add({ kind, ms: 150, action: 'InvokeCommand' });
    const before = performance.now();
    await invoke();
    expect(performance.now() - before).toBeGreaterThanOrEqual(145);
  });

  it('hits only the action that it names', async () => {
    faults.add({ kind: 'throttle', action: 'CancelInvocation' });
    await invoke();
    expect(faults.list()).toMatchObject([{ kind: 'throttle', times: 1 }]);
  });

  it('that starts something may list it later', async () => {
    faults.add({ kind: 'lateVisibility', ms: 300, action: 'InvokeCommand' });
    const id = await invoke();
    expect(await client.DescribeInvocations({ InvocationIds: [id] })).toMatchObject({ InvocationSet: [] });
    await until(
      () => client.DescribeInvocations({ InvocationIds: [id] }),
      ({ TotalCount }) => TotalCount === 1,
    );
  });
});

describe('a task', () => {
  it('is never delivered', async () => {
    faults.add({ kind: 'task', status: 'DELIVER_FAILED', instanceId: 'ins-local001' });
    expect(await ended(client, await invoke())).toMatchObject({
      TaskStatus: 'DELIVER_FAILED',
      ErrorInfo: 'the agent could not be reached',
      TaskResult: { ExitCode: -1, ExecStartTime: null },
    });
  });

  it('is delivered late', async () => {
    faults.add({ kind: 'task', status: 'DELIVER_DELAYED', ms: 200 });
    const id = await invoke();
    await until(
      () => theTask(client, id),
      ({ TaskStatus }) => TaskStatus === 'DELIVER_DELAYED',
    );
    expect((await ended(client, id)).TaskStatus).toBe('SUCCESS');
  });

  it('loses its agent while the command runs on', async () => {
    faults.add({ kind: 'task', status: 'TASK_TIMEOUT' });
    const task = await tat.run('sleep 0.2; touch done');
    expect(task).toMatchObject({
      TaskStatus: 'TASK_TIMEOUT',
      TaskResult: { ExitCode: -1, ExecEndTime: null },
    });
    await until(
      async () => existsSync(join(tat.engine.directoryOf('ins-local001'), 'done')),
      (done) => done,
    );
    expect((await theTask(client, known(task.InvocationId))).TaskStatus).toBe('TASK_TIMEOUT');
  });

  it('of another instance is not hit', async () => {
    faults.add({ kind: 'task', status: 'DELIVER_FAILED', instanceId: 'ins-local002' });
    expect((await ended(client, await invoke())).TaskStatus).toBe('SUCCESS');
  });
});

describe('the switchboard over HTTP', () => {
  const ask = async (method: string, body?: unknown, type = 'application/json') => {
    const response = await fetch(`${tat.server.url}/_faults`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': type }, body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    return { status: response.status, answer };
  };

  it('adds, lists and clears', async () => {
    const throttle = { kind: 'throttle', action: 'InvokeCommand', times: 1 };
    expect(await ask('POST', throttle)).toEqual({ status: 200, answer: { faults: [throttle] } });
    expect(await ask('POST', [{ kind: 'dropAfter' }])).toMatchObject({ answer: { faults: { length: 2 } } });
    expect(await ask('GET')).toMatchObject({ answer: { faults: { length: 2 } } });
    expect(await messageOf(invoke())).toMatch(/frequency limit/);
    expect(await ask('DELETE')).toEqual({ status: 200, answer: { faults: [] } });
    await invoke();
  });

  it.each([
    ['an unknown kind', { kind: 'explode' }, /kind/],
    ['a misspelt field', { kind: 'throttle', acton: 'x' }, /acton/],
    ['a status that no fault makes', { kind: 'task', status: 'SUCCESS' }, /DELIVER_FAILED/],
  ])('refuses %s and says what was expected', async (_name, fault, expected) => {
    expect(await ask('POST', fault)).toEqual({
      status: 400,
      answer: { error: expect.stringMatching(expected) },
    });
    expect(faults.list()).toEqual([]);
  });

  it('takes nothing that a page in a browser could send unasked', async () => {
    expect(await ask('POST', { kind: 'throttle' }, 'text/plain')).toMatchObject({ status: 400 });
    expect(await ask('PATCH', {})).toMatchObject({ status: 405 });
  });
});
