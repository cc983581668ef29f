/** Cancelling some instances of a run: whatever moment it comes at, these get nothing more, and the rest goes on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelRun, cancelRuns } from '../../lib/runs/cancel.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import type { RunStore } from '../../lib/store/run-store.ts';
import type { Flat } from '../fixtures/flat.ts';
import { aRunWorld, FAILURE, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aTimedRequest, schedule } from '../fixtures/timed-requests.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table, { perInvocation: 2 });
});
afterEach(() => table.stop());

const ALL = ['ins-1', 'ins-2', 'ins-3', 'ins-4'];
const aRequest = (given: Flat<RunOnlyRequest> = {}) => world.request({ instances: [...ALL], ...given });
const cancel = (runId: string, ...instances: string[]) => cancelRun(runId, 'ada', world.context, instances);

/** What the cloud was given, in the order of the calls. */
const sentTo = () => world.cloud.taken.map(({ invocation }) => [...invocation.target.instances]);

/** What is lost is found or sent, what is out succeeds unless it was stopped, and the run ends. */
async function end(runId: string, rounds = 10) {
  for (let round = 0; round < rounds; round += 1) {
    for (const { tasks } of round < 6 ? [] : world.cloud.taken) {
      for (const { instanceId, status } of tasks.values()) {
        if (status === 'queued' || status === 'running') world.cloud.tasksAre('succeeded', instanceId);
      }
    }
    world.advance(20_000);
    await world.poll();
    const run = await world.run(runId);
    if (run.endedAt !== undefined && run.outbox.length === 0) return run;
  }
  return await world.run(runId);
}

const states = async (runId: string) =>
  Object.fromEntries((await world.run(runId)).tasks.map((task) => [task.instanceId, task.status]));

describe('a cancel of some instances', () => {
  it('of what is sent asks the cloud to stop these; the rest goes on, and who and which is on record', async () => {
    const request = aRequest();
    await world.dispatch(request);
    expect(await cancel(request.runId, 'ins-2')).toMatchObject({ kind: 'requested' });
    expect(world.cloud.cancelled).toEqual(['inv-1 on ins-2']);
    const run = await end(request.runId);
    expect(run).toMatchObject({
      status: 'partly_stopped',
      cancelledInstances: [{ instances: ['ins-2'], by: 'ada', at: expect.any(String) }],
      reason: {
        code: 'run.cancelled',
        message: 'ada cancelled it on ins-2; its tasks ended as 3 succeeded, 1 cancelled.',
      },
    });
    expect(run.cancelRequestedAt).toBeUndefined();
    expect(await states(request.runId)).toMatchObject({ 'ins-1': 'succeeded', 'ins-2': 'cancelled' });
  });

  it('of what is planned is never sent to these; each has a task that says so', async () => {
    world.cloud.next('take', { refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = aRequest();
    await world.dispatch(request);
    expect(sentTo()).toEqual([['ins-1', 'ins-2']]);
    await cancel(request.runId, 'ins-3');
    expect(await states(request.runId)).toEqual({ 'ins-3': 'cancelled' });
    expect(await end(request.runId)).toMatchObject({ status: 'partly_stopped' });
    expect(sentTo()).toEqual([['ins-1', 'ins-2'], ['ins-4']]);
    expect(world.told(request.runId)).toEqual(
      expect.arrayContaining([expect.stringMatching(/ins-3\/cancelled$/), 'partly_stopped']),
    );
  });

  it('of a whole batch that is planned drops it', async () => {
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = aRequest();
    await world.dispatch(request);
    await cancel(request.runId, 'ins-1', 'ins-2');
    expect(await end(request.runId)).toMatchObject({ status: 'partly_stopped' });
    expect(sentTo()).toEqual([['ins-3', 'ins-4']]);
  });

  it('gives what is left of a batch a token of its own', async () => {
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = aRequest({ instances: ['ins-1', 'ins-2'] });
    await world.dispatch(request);
    await cancel(request.runId, 'ins-2');
    await end(request.runId);
    expect(world.cloud.taken.map(({ invocation }) => invocation.token)).not.toContain(`${request.runId}-0`);
  });

  it('of an attempt whose answer is lost stops these as soon as it is found', async () => {
    world.cloud.next('loseAnswer');
    const request = aRequest({ instances: ['ins-1', 'ins-2'] });
    await world.dispatch(request);
    await cancel(request.runId, 'ins-2');
    expect(world.cloud.cancelled).toEqual([]);
    expect(await end(request.runId)).toMatchObject({ status: 'partly_stopped' });
    expect([sentTo(), world.cloud.cancelled]).toEqual([[['ins-1', 'ins-2']], ['inv-1 on ins-2']]);
  });

  it('of an attempt that never arrived sends to the rest alone', async () => {
    world.cloud.next('loseRequest');
    const request = aRequest({ instances: ['ins-1', 'ins-2'] });
    await world.dispatch(request);
    await cancel(request.runId, 'ins-2');
    expect(await end(request.runId)).toMatchObject({ status: 'partly_stopped' });
    expect(sentTo()).toEqual([['ins-1']]);
  });

  it('that names all that is left is a cancel of the run', async () => {
    const request = aRequest();
    await world.dispatch(request);
    await cancel(request.runId, 'ins-1', 'ins-2');
    await cancel(request.runId, 'ins-3', 'ins-4');
    expect(await end(request.runId)).toMatchObject({ status: 'stopped', cancelledBy: 'ada' });
  });

  it('before a cancel of the run changes nothing about that one', async () => {
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = aRequest();
    await world.dispatch(request);
    await cancel(request.runId, 'ins-1');
    await cancelRun(request.runId, 'ben', world.context);
    expect(await end(request.runId)).toMatchObject({ status: 'stopped', cancelledBy: 'ben' });
    expect(sentTo()).toEqual([]);
  });

  it('that comes again is the same cancel', async () => {
    const request = aRequest();
    await world.dispatch(request);
    await cancel(request.runId, 'ins-2');
    await cancel(request.runId, 'ins-2', 'ins-2');
    expect((await world.run(request.runId)).cancelledInstances).toHaveLength(1);
  });

  it('of instances that the run has not changes nothing, not even for those that it has', async () => {
    const request = aRequest();
    await world.dispatch(request);
    const before = await world.run(request.runId);
    expect(await cancel(request.runId, 'ins-1', 'ins-9')).toMatchObject({
      kind: 'unknown',
      instances: ['ins-9'],
    });
    expect(await world.run(request.runId)).toEqual(before);
    expect(world.cloud.cancelled).toEqual([]);
  });

  it('that the cloud cannot hear now is asked again', async () => {
    const request = aRequest();
    await world.dispatch(request);
    world.cloud.cannotCancel({ ...FAILURE, isRetryable: true });
    await expect(cancel(request.runId, 'ins-2')).rejects.toMatchObject({ code: 'cancel.unanswered' });
    world.cloud.cannotCancel();
    await cancel(request.runId, 'ins-2');
    expect(world.cloud.cancelled).toEqual(['inv-1 on ins-2']);
  });

  it('that a chat asks for over the queue is the same', async () => {
    const request = aRequest();
    await world.dispatch(request);
    await cancelRuns(
      {
        version: 1,
        action: 'cancel',
        runId: `run-${'c'.repeat(26)}`,
        rule: request.rule,
        trigger: { source: 'slack', type: 'chat.command', id: 'e' },
        notify: [],
        requestedAt: new Date(world.now()).toISOString(),
        targetRunId: request.runId,
        instances: ['ins-3'],
        by: 'slack/U1 (ada)',
      },
      world.context,
    );
    expect(world.cloud.cancelled).toEqual(['inv-2 on ins-3']);
    expect(await world.run(request.runId)).toMatchObject({
      cancelledInstances: [{ instances: ['ins-3'], by: 'slack/U1 (ada)' }],
    });
  });

  it('of a run that waits for unavailable instances is no longer waited for', async () => {
    world.cloud.lacks('ins-2');
    const request = aRequest({ instances: ['ins-1', 'ins-2'], onUnavailable: 'retry' });
    await world.dispatch(request);
    expect(sentTo()).toEqual([]);
    await cancel(request.runId, 'ins-2');
    expect(await end(request.runId)).toMatchObject({ status: 'partly_stopped' });
    expect(sentTo()).toEqual([['ins-1']]);
  });

  it('of a run that waits for its time holds when it fires', async () => {
    const request = aTimedRequest(world, { rule: 'later', instances: [...ALL] });
    const waiting = await schedule(request, world.context);
    expect(await cancel(waiting.runId, 'ins-1', 'ins-4')).toMatchObject({ kind: 'requested' });
    expect(await world.run(waiting.runId)).toMatchObject({ status: 'scheduled' });
    world.advance(10 * 60_000);
    expect(await end(waiting.runId)).toMatchObject({ status: 'partly_stopped' });
    expect(sentTo()).toEqual([['ins-2'], ['ins-3']]);
  });

  it('of a recurrence is refused: each of its times is a run of its own', async () => {
    const request = aTimedRequest(world, { rule: 'nightly', recurrence: '0 0 * * *', at: undefined });
    const waiting = await schedule(request, world.context);
    expect(await cancel(waiting.runId, request.target.instances[0] ?? '')).toMatchObject({ kind: 'waiting' });
    expect((await world.run(waiting.runId)).cancelledInstances).toBeUndefined();
  });
});

/**
 * The cancel comes before the n-th write of the dispatch, for every n that there is; with each way in which the first
 * call may go. An instance is never sent to after its cancel was stored, but for one call that was under way by then:
 * and of that the cloud is asked to stop it.
 */
describe('a cancel between any two writes of a dispatch', () => {
  const STEPS = ['take', 'loseAnswer', 'loseRequest', 'retry'] as const;
  const VICTIMS = [
    { perInvocation: 2, victim: 'ins-1' },
    { perInvocation: 2, victim: 'ins-4' },
    { perInvocation: 1, victim: 'ins-1' },
    { perInvocation: 1, victim: 'ins-3' },
  ];
  const cases = STEPS.flatMap((first) => VICTIMS.map((victim) => ({ first, ...victim })));

  it.each(cases)('the first call: $first, $perInvocation each, cancelled: $victim', async (given) => {
    const { first, victim, perInvocation } = given;
    for (let moment = 1; ; moment += 1) {
      world = aRunWorld(table, { perInvocation });
      world.cloud.next(first === 'retry' ? { refuse: { isRetryable: true, retryAfterMs: 1_000 } } : first);
      // A command of its own: what an earlier world sent must not look like ours.
      const request = aRequest({ command: `cmd-${first}${perInvocation}${victim.slice(4)}${moment}` });
      const stateThen = await dispatchWithCancelAt(request, victim, moment);
      const run = await end(request.runId);
      const sends = sentTo().filter((instances) => instances.includes(victim)).length;
      const ids = world.cloud.taken
        .filter(({ invocation }) => invocation.target.instances.includes(victim))
        .map(({ invocationId }) => invocationId);
      const stops = world.cloud.cancelled.filter(
        (stopped) => ids.includes(stopped) || stopped.includes(victim),
      ).length;
      const others = ALL.filter((id) => id !== victim);
      const told = `${JSON.stringify(given)} at ${moment}: ${JSON.stringify([sentTo(), world.cloud.cancelled])}`;
      // Everybody else gets it once, and the victim at the most once, and then it is asked to stop.
      for (const id of others) {
        expect(
          sentTo().filter((instances) => instances.includes(id)),
          told,
        ).toHaveLength(1);
      }
      expect(sends, told).toBeLessThanOrEqual(1);
      if (stateThen === undefined) return;
      expect(stops >= sends, told).toBe(true);
      expect(run.status, told).toBe('partly_stopped');
      // What was not under way by then is never sent.
      if (stateThen === 'planned') expect(sends, told).toBe(0);
    }
  });

  /** @returns in which state the invocation of that instance was then; undefined: there was no such moment */
  async function dispatchWithCancelAt(request: RunOnlyRequest, victim: string, moment: number) {
    const { store } = world.context;
    let writes = 0;
    let stateThen: string | undefined;
    const save: RunStore['save'] = async (run) => {
      writes += 1;
      if (writes === moment) {
        const { invocations } = await world.run(request.runId);
        stateThen = invocations.find(({ instances }) => instances.includes(victim))?.state;
        await cancel(request.runId, victim);
      }
      return await store.save(run);
    };
    await dispatchRun(request, { ...world.context, store: { ...store, save } });
    return stateThen;
  }
});
