/** What comes late to dispatch: a queue that was stuck, a redrive after days, a retry that took too long. Nothing of it runs. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { FIRST_SENT } from '../../lib/queues/sent-at.ts';
import { aRunRequest } from '../fixtures/run-world.ts';
import { aRunsQueueWorld } from '../fixtures/runs-queue-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const iso = (ms: number) => new Date(ms).toISOString();

/** As SQS tells when a message was sent, and the message itself. */
function sent(ms: number, first?: number) {
  return {
    attributes: {
      SentTimestamp: String(ms),
      ApproximateReceiveCount: '1',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '',
    },
    messageAttributes:
      first === undefined
        ? {}
        : { [FIRST_SENT]: { dataType: 'String' as const, stringValue: String(first) } },
  };
}

describe('a run request that comes after its deadline', () => {
  it('ends as expired, says since when, is never sent and claims nothing', async () => {
    const world = aRunsQueueWorld(table);
    const guards = { dedupe: { key: 'k', windowMs: DAY_MS }, cooldownMs: DAY_MS, maxInFlight: 1 };
    const request = world.request({ guards });
    world.advance(3 * DAY_MS);
    expect(await world.take(request)).toMatchObject({ kind: 'done' });
    expect(world.cloud.calls()).toBe(0);
    const run = await world.run(request.runId);
    expect(run).toMatchObject({
      status: 'expired',
      requestedAt: request.requestedAt,
      reason: {
        code: 'run.late',
        message: `It could not be sent before its deadline ${request.deadline}: it was asked for at ${request.requestedAt}, and its turn came at ${iso(world.now())}.`,
        advice: expect.any(String),
      },
    });
    expect(run.admittedAt).toBeUndefined();
    expect(world.told(request.runId)).toEqual(['expired']);
    // Another event of the same key is not held up by it.
    const next = world.request({ rule: request.rule, guards });
    await world.take(next);
    expect((await world.run(next.runId)).status).toBe('pending');
  });

  it('stays expired when it is redriven again, and when the poller looks', async () => {
    const world = aRunsQueueWorld(table);
    const request = world.request();
    world.advance(DAY_MS);
    await world.take(request);
    await world.take(request);
    await world.poll();
    expect([world.cloud.calls(), (await world.run(request.runId)).status]).toEqual([0, 'expired']);
  });

  it.each([
    [-1, 'pending'],
    [0, 'expired'],
  ])('by %d ms is %s', async (beyond, status) => {
    const world = aRunsQueueWorld(table);
    const request = world.request({ deadline: iso(world.now() + MINUTE_MS) });
    world.advance(MINUTE_MS + beyond);
    await world.take(request);
    expect((await world.run(request.runId)).status).toBe(status);
  });
});

describe('a run that waited', () => {
  it('is not sent after its deadline, and says what it waited for', async () => {
    const world = aRunsQueueWorld(table);
    const request = world.request({ deadline: iso(world.now() + MINUTE_MS) });
    world.cloud.next({ refuse: { code: 'RequestLimitExceeded', isRetryable: true, retryAfterMs: 30_000 } });
    expect(await world.take(request)).toMatchObject({ kind: 'retry' });
    world.advance(2 * MINUTE_MS);
    await world.take(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'expired',
      reason: { code: 'RequestLimitExceeded' },
    });
    expect([world.cloud.calls(), world.cloud.taken.length]).toEqual([1, 0]);
  });

  it('for an answer is looked for, and not sent a second time after its deadline', async () => {
    const world = aRunsQueueWorld(table);
    const request = world.request({ deadline: iso(world.now() + MINUTE_MS) });
    world.cloud.next('loseRequest');
    expect(await world.take(request)).toMatchObject({ kind: 'retry' });
    world.advance(2 * MINUTE_MS);
    await world.take(request);
    expect([world.cloud.calls(), world.cloud.taken.length]).toEqual([1, 0]);
    expect((await world.run(request.runId)).status).toBe('expired');
  });

  it('for an answer is adopted after its deadline too: it does run', async () => {
    // Of its own, for on the other the invocation's id belongs to another world's run.
    const own = await startRunsTable();
    onTestFinished(() => own.stop());
    const world = aRunsQueueWorld(own);
    const request = world.request({ deadline: iso(world.now() + MINUTE_MS) });
    world.cloud.next('loseAnswer');
    expect(await world.take(request)).toMatchObject({ kind: 'retry' });
    world.advance(2 * MINUTE_MS);
    await world.take(request);
    expect([world.cloud.calls(), world.cloud.taken.length]).toEqual([1, 1]);
    expect((await world.run(request.runId)).status).toBe('pending');
  });

  it('between two of its batches is not sent further after its deadline', async () => {
    const world = aRunsQueueWorld(table, { perInvocation: 1 });
    const request = world.request({ instances: ['ins-1', 'ins-2'], deadline: iso(world.now() + MINUTE_MS) });
    world.cloud.next('take', { refuse: { code: 'RequestLimitExceeded', isRetryable: true } });
    expect(await world.take(request)).toMatchObject({ kind: 'retry' });
    world.advance(2 * MINUTE_MS);
    await world.take(request);
    expect([world.cloud.calls(), world.cloud.taken.length]).toEqual([2, 1]);
    const run = await world.run(request.runId);
    expect(run.invocations.map(({ state, failure }) => [state, failure?.code])).toEqual([
      ['sent', undefined],
      ['notSent', 'RequestLimitExceeded'],
    ]);
  });
});

const CHAT = { source: 'slack', type: 'chat.command', id: 'trigger-1' };
let commands = 0;

function aCommand(world: { now: () => number }, given: Partial<RunRequest> = {}) {
  commands += 1;
  const rule = `command-${commands}`;
  const { deadline: _, ...request } = aRunRequest(
    { rule, runId: runIdFor(rule, 'slack', String(commands)) },
    world.now(),
  );
  return { ...request, trigger: CHAT, deadline: iso(world.now() + 60 * MINUTE_MS), ...given };
}

describe('a command that a person gave', () => {
  it('more than five minutes ago is rejected with its age, before its deadline', async () => {
    const world = aRunsQueueWorld(table);
    const request = aCommand(world);
    world.advance(12 * MINUTE_MS);
    const given = world.now() - 12 * MINUTE_MS;
    await world.take(request, sent(given));
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'command.too-old', message: expect.stringContaining(iso(given)) },
    });
    expect([world.cloud.calls(), world.told(request.runId)]).toEqual([0, ['rejected']]);
  });

  it.each<[string, number, number, string]>([
    ['five minutes ago runs', 5 * MINUTE_MS, 5 * MINUTE_MS, 'pending'],
    ['a moment longer ago does not', 5 * MINUTE_MS + 1, 5 * MINUTE_MS + 1, 'rejected'],
    ['just now by its own word, and long ago by SQS’s, does not', 0, 6 * MINUTE_MS, 'rejected'],
  ])('%s', async (_, askedAgo, sentAgo, status) => {
    const world = aRunsQueueWorld(table);
    const request = aCommand(world, { requestedAt: iso(world.now() - askedAgo) });
    await world.take(request, sent(world.now() - sentAgo));
    expect((await world.run(request.runId)).status).toBe(status);
  });

  it('long ago, and redriven just now, does not run', async () => {
    const world = aRunsQueueWorld(table);
    const request = aCommand(world);
    const given = world.now() - 2 * DAY_MS;
    await world.take(request, sent(world.now(), given));
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'command.too-old', message: expect.stringContaining(iso(given)) },
    });
  });

  it('and said earlier than it came here is as old as when it was said', async () => {
    const world = aRunsQueueWorld(table);
    const request = aCommand(world, { saidAt: iso(world.now() - 4 * MINUTE_MS) });
    world.advance(2 * MINUTE_MS);
    await world.take(request, sent(world.now()));
    expect((await world.run(request.runId)).status).toBe('rejected');
  });

  it('is not scheduled either', async () => {
    const world = aRunsQueueWorld(table);
    const { deadline: _, guards, onUnavailable, ...request } = aCommand(world);
    const at = iso(world.now() + DAY_MS);
    world.advance(6 * MINUTE_MS);
    const execution = { guards, onUnavailable, deadlineMs: MINUTE_MS };
    await world.take({ ...request, action: 'schedule', at, execution });
    expect((await world.run(request.runId)).status).toBe('rejected');
  });

  it('and that was taken up in time waits until its deadline, longer than five minutes', async () => {
    const world = aRunsQueueWorld(table);
    const request = aCommand(world);
    world.cloud.next({ refuse: { code: 'RequestLimitExceeded', isRetryable: true } });
    expect(await world.take(request, sent(world.now()))).toMatchObject({ kind: 'retry' });
    world.advance(20 * MINUTE_MS);
    await world.take(request, sent(world.now() - 20 * MINUTE_MS));
    expect((await world.run(request.runId)).status).toBe('pending');
  });
});

describe('an alert', () => {
  it('of an hour ago runs, where its rule gives it two', async () => {
    const world = aRunsQueueWorld(table);
    const request = world.request({ deadline: iso(world.now() + 120 * MINUTE_MS) });
    world.advance(60 * MINUTE_MS);
    await world.take(request, sent(world.now() - 60 * MINUTE_MS));
    expect((await world.run(request.runId)).status).toBe('pending');
  });
});

describe('a cancel that comes late', () => {
  it('stops what was asked for before it, and nothing that was asked for since', async () => {
    const world = aRunsQueueWorld(table);
    const before = world.request();
    await world.take(before);
    const cancel: RunRequest = {
      version: 1,
      action: 'cancel',
      runId: runIdFor('stop', 'test', before.runId),
      rule: 'stop',
      trigger: { source: 'test', type: 'alert.resolved', id: 'r' },
      notify: [],
      requestedAt: iso(world.now() + 1_000),
      targetRule: before.rule,
    };
    world.advance(3 * DAY_MS);
    const since = world.request({ rule: before.rule });
    await world.take(since);
    await world.take(cancel, sent(world.now() - 3 * DAY_MS));
    const after = world.request({ rule: before.rule });
    await world.take(after);
    const isCancelled = async (runId: string) => (await world.run(runId)).cancelRequestedAt !== undefined;
    expect([await isCancelled(before.runId), await isCancelled(since.runId)]).toEqual([true, false]);
    expect((await world.run(after.runId)).status).toBe('pending');
  });

  it('once more, captured and sent again, stops nothing that was asked for since it came first', async () => {
    const world = aRunsQueueWorld(table);
    const before = world.request();
    await world.take(before);
    const cancel = (): RunRequest => ({
      version: 1,
      action: 'cancel',
      runId: runIdFor('stop', 'test', `captured ${before.runId}`),
      rule: 'stop',
      trigger: { source: 'test', type: 'alert.resolved', id: 'r' },
      notify: [],
      // The door dates each delivery anew.
      requestedAt: iso(world.now()),
      targetRule: before.rule,
    });
    world.advance(1_000);
    await world.take(cancel());
    world.advance(MINUTE_MS);
    const since = world.request({ rule: before.rule });
    await world.take(since);
    world.advance(MINUTE_MS);
    await world.take(cancel());
    const later = world.request({ rule: before.rule, requestedAt: iso(world.now() - 1_000) });
    await world.take(later);
    const isCancelled = async ({ runId }: { runId: string }) =>
      (await world.run(runId)).cancelRequestedAt !== undefined;
    expect([await isCancelled(before), await isCancelled(since)]).toEqual([true, false]);
    expect((await world.run(later.runId)).status).toBe('pending');
  });
});
